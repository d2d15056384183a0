package real

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"skep/server/sandbox"
	"skep/server/sandbox/proto"
	"skep/vm/object"
)

// Bounds of a live run.
const (
	watchEvery  = 500 * time.Millisecond // maps
	eventBuffer = 256
	fireTimeout = 60 * time.Second
	shownValue  = 256 // bytes of a map's value
	shownMap    = 64  // elements of a map
)

// live loads the program, attaches it, and does what the page asks until it stops.
func (x *session) live(req Request) error {
	src := req.Source
	k, err := x.s.kernel(req.Kernel)
	if err != nil {
		return err
	}
	section, err := src.section()
	if err != nil {
		return &endError{codeSource, err.Error()}
	}
	vm, err := x.acquire(k.Version, x.s.cfg.Live)
	if err != nil {
		return err
	}
	defer vm.Close()
	r := &liveRun{x: x, vm: vm, src: src, events: make(chan proto.EventMsg, eventBuffer)}
	if len(src.Object) > 0 {
		err = r.loadObject(section)
	} else {
		err = r.loadAsm(section)
	}
	if err != nil || len(r.programs) == 0 {
		return err
	}
	if err := r.attach(); err != nil {
		return err
	}
	return r.serve()
}

// liveRun is an attached program.
type liveRun struct {
	x        *session
	vm       *sandbox.VM
	src      *Source
	programs []string // the chosen one first
	events   chan proto.EventMsg
	dropped  atomic.Int64
	last     []byte // maps as they were sent
}

// loadAsm loads assembly under the name prog. A refusal is told, and leaves no programs.
func (r *liveRun) loadAsm(section string) error {
	types, err := r.x.s.kernels.of(r.vm.Kernel)
	if err != nil {
		return err
	}
	p, _, err := r.src.load(types)
	if err != nil {
		return err
	}
	prog, err := r.src.record(p, 1).Resolve(r.vm.Kernel, nil)
	if err != nil {
		return &endError{codeSource, err.Error()}
	}
	prog.Keep, prog.Section, prog.LogMax = "prog", section, maxLog
	v, err := r.vm.Load(r.x.ctx, prog)
	if err != nil {
		return err
	}
	r.x.send(Message{Is: isVerdict, Kernel: r.vm.Kernel.Version, Theirs: opinion(r.vm.Kernel, v, 1)})
	if v.OK {
		r.programs = []string{"prog"}
	}
	return nil
}

// loadObject loads all programs of an object, which share its maps; those of other sections than the chosen program's
// are attached besides it.
func (r *liveRun) loadObject(section string) error {
	res, err := r.vm.Object(r.x.ctx, r.src.Object, proto.ObjectParams{LogLevel: 1, Privilege: r.src.Privilege})
	var refused *sandbox.CallError
	if errors.As(err, &refused) {
		return &endError{codeSource, refused.Text}
	}
	if err != nil {
		return err
	}
	k := r.vm.Kernel
	v := &sandbox.Verdict{OK: res.Error == "", Errno: res.Errno, Log: res.Log}
	if !v.OK && res.Log == "" {
		v.Error = res.Error
	}
	r.x.send(Message{Is: isVerdict, Kernel: k.Version, Theirs: opinion(k, v, 1)})
	if !v.OK {
		return nil
	}
	o, err := object.LoadNamed(r.src.Object, r.src.Name)
	if err != nil {
		return &endError{codeSource, err.Error()}
	}
	r.programs = []string{o.Programs[r.src.Program].Name}
	for _, p := range res.Programs {
		if p.Name != r.programs[0] && p.Section != section {
			r.programs = append(r.programs, p.Name)
		}
	}
	return nil
}

// attach puts the programs at their hooks and starts the streams. It fails when the chosen program could not be attached.
func (r *liveRun) attach() error {
	ctx := r.x.ctx
	r.vm.OnEvent(func(e proto.EventMsg) {
		select {
		case r.events <- e:
		default:
			r.dropped.Add(1)
		}
	})
	if err := r.vm.Sysctl(ctx, "kernel/bpf_stats_enabled", "1"); err != nil { // counts runs
		return err
	}
	// The pair of interfaces veth0 and veth1 is there before anything is attached to it.
	if _, err := r.vm.Workload(ctx, proto.Step{Verb: "net"}); err != nil {
		return err
	}
	var links []Link
	for _, name := range r.programs {
		l := Link{Program: name}
		res, err := r.vm.Attach(ctx, proto.AttachParams{Program: name, Iface: "veth0"})
		var refused *sandbox.CallError
		switch {
		case errors.As(err, &refused):
			l.Error = refused.Text
		case err != nil:
			return err
		default:
			l.How = res.How
		}
		links = append(links, l)
	}
	r.x.send(Message{Is: isAttached, Kernel: r.vm.Kernel.Version, Links: links})
	if links[0].Error != "" {
		return &endError{codeSource, "the program cannot be attached: " + links[0].Error}
	}
	maps, err := r.vm.Maps(ctx, "")
	if err != nil {
		return err
	}
	streams := []proto.StreamParams{{Kind: "trace_pipe"}}
	for _, m := range maps {
		switch m.Type {
		case "ringbuf":
			streams = append(streams, proto.StreamParams{Kind: "ringbuf", Map: m.Name})
		case "perf_event_array":
			streams = append(streams, proto.StreamParams{Kind: "perf", Map: m.Name})
		}
	}
	for _, s := range streams {
		if err := r.vm.Stream(ctx, s); err != nil && r.vm.End() != nil {
			return err
		}
	}
	return nil
}

// serve fires what the page asks for, and sends events and changed maps.
func (r *liveRun) serve() error {
	x := r.x
	pump, stop := context.WithCancel(x.ctx)
	defer stop()
	go r.pump(pump)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	if err := r.watch(); err != nil {
		return err
	}
	for {
		select {
		case <-x.ctx.Done():
			return context.Cause(x.ctx)
		case <-r.vm.Ended():
			return r.vm.End()
		case <-x.typed:
		case req := <-x.requests:
			switch req.Do {
			case doStop:
				return nil
			case doFire:
				if err := r.fire(req); err != nil {
					return err
				}
			default:
				x.send(Message{Is: isError, Code: codeBad, Text: "a live run can fire and stop"})
			}
		case <-tick.C:
			if err := r.watch(); err != nil {
				return err
			}
		}
	}
}

// pump sends events as fast as the page takes them; those that find no room are counted.
func (r *liveRun) pump(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-r.events:
			if r.x.h.room(ctx) != nil {
				return
			}
			r.x.send(Message{Is: isEvent, Event: &e, Dropped: int(r.dropped.Swap(0))})
		}
	}
}

// fire makes one workload happen.
func (r *liveRun) fire(req Request) error {
	w := workloadByName(req.Workload)
	if w == nil {
		r.x.send(Message{Is: isError, Code: codeBad, Text: fmt.Sprintf("there is no workload %q", req.Workload)})
		return nil
	}
	ctx, cancel := context.WithTimeout(r.x.ctx, fireTimeout)
	defer cancel()
	m := Message{Is: isFired, Workload: w.Name, Steps: []proto.StepResult{}}
	if steps := w.steps(min(max(req.Count, 1), maxFires), r.src.Packets); len(steps) > 0 {
		var err error
		if m.Steps, err = r.vm.Workload(ctx, steps...); err != nil {
			return r.wrap(err)
		}
	}
	for i := range m.Steps {
		m.Steps[i].Text = m.Steps[i].Text[:min(len(m.Steps[i].Text), 1024)]
	}
	if st, err := r.vm.Stats(ctx, r.programs[0]); err == nil {
		m.RunCount, m.RunNS = st.RunCount, st.RunNS
	}
	r.x.send(m)
	return r.watch()
}

// wrap makes a refused call an error that the page is told, and everything else an end.
func (r *liveRun) wrap(err error) error {
	var refused *sandbox.CallError
	if !errors.As(err, &refused) {
		return err
	}
	r.x.send(Message{Is: isError, Code: codeSource, Text: refused.Text})
	return nil
}

// watch sends the maps when they have changed.
func (r *liveRun) watch() error {
	maps, err := r.vm.Maps(r.x.ctx, "")
	if err != nil {
		return r.wrap(err)
	}
	for i := range maps {
		m := &maps[i]
		if len(m.Entries) > shownMap {
			m.Entries, m.Cut = m.Entries[:shownMap], true
		}
		for j := range m.Entries {
			m.Entries[j].Value = m.Entries[j].Value[:min(len(m.Entries[j].Value), shownValue)]
		}
	}
	b, err := json.Marshal(maps)
	if err != nil || bytes.Equal(b, r.last) {
		return err
	}
	r.last = b
	r.x.send(Message{Is: isMaps, Maps: maps})
	return nil
}

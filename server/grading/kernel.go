package grading

import (
	"context"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"skep/labs/grade"
	"skep/labs/trial"
	"skep/server/sandbox"
	"skep/server/sandbox/proto"
	"skep/verifier"
	"skep/verifier/klog"
	"skep/verifier/loader"
	"skep/vm/hook"
	"skep/vm/maps"
	"skep/vm/source"
	"skep/vm/world"
)

// Kernel tries a submission in a VM that nothing else was done in. An error is
// the VM's: the submission may be tried again in another.
func Kernel(ctx context.Context, vm *sandbox.VM, sub trial.Submission, ex trial.Exercise) (*trial.Result, error) {
	k := &kernelTrial{vm: vm, ex: ex, res: &trial.Result{}}
	var problems []trial.Problem
	if k.src, problems = sub.Read(ex.Kernel, 1); k.src == nil {
		k.res.Problems = problems
		return k.res, nil
	}
	events, errs := world.Parse(ex.Trace)
	if len(errs) > 0 {
		k.res.Problems = append(k.res.Problems, trial.Problem{Msg: "trace: " + errs[0].Error(), Hint: errs[0].Hint})
		return k.res, nil
	}
	if ex.Grade == nil {
		k.ex.Grade = &grade.Spec{}
	}
	if err := k.setup(ctx); err != nil {
		return nil, err
	}
	if err := k.load(ctx, sub); err != nil {
		return nil, err
	}
	var err error
	if k.res.Report, k.res.Events, err = k.play(ctx, events); err != nil {
		return nil, err
	}
	k.res.Points, k.res.Total = k.res.Report.Points, k.res.Report.Total
	return k.res, nil
}

type kernelTrial struct {
	vm  *sandbox.VM
	ex  trial.Exercise
	src *source.Source
	res *trial.Result

	mu    sync.Mutex
	lines []string // of trace_pipe since the last event
	ring  map[string][][]byte
}

// privileges are the sandbox's names of the verifier's.
var privileges = map[verifier.Privilege]proto.Privilege{verifier.CapBPF: proto.CapBPF, verifier.Unprivileged: proto.Unprivileged}

// setup does what happens before the programs are attached.
func (k *kernelTrial) setup(ctx context.Context) error {
	events, errs := world.Parse(k.ex.Setup)
	if len(errs) > 0 {
		return fmt.Errorf("setup: %w", errs[0])
	}
	var steps []proto.Step
	for _, e := range world.Expand(events, k.ex.Seed) {
		if s, ok := stepOf(&e); ok {
			steps = append(steps, s)
		}
	}
	if len(steps) == 0 {
		return nil
	}
	_, err := k.vm.Workload(ctx, steps...)
	return err
}

// load asks the kernel for its verdict and keeps the programs.
func (k *kernelTrial) load(ctx context.Context, sub trial.Submission) error {
	const level = 1 | 4
	v := &k.res.Verdict
	v.Kernel, v.Privilege, v.PC = k.vm.Kernel.Version, trial.PrivilegeName(k.ex.Privilege), -1
	v.Counters.Insns, v.Counters.Functions = uint64(len(k.src.Programs[0].Insns)), uint64(len(k.src.Programs[0].Funcs))
	if sub.Object != nil {
		r, err := k.vm.Object(ctx, sub.Object, proto.ObjectParams{LogLevel: level, Privilege: privileges[k.ex.Privilege]})
		if err != nil {
			return err
		}
		log := r.Log
		if len(r.Programs) > 0 && log == "" {
			log = r.Programs[0].Log
		}
		k.said(r.Errno, r.Error, log)
		return nil
	}
	p, err := record(k.src, k.vm.Kernel, level, k.ex.Privilege)
	if err != nil {
		return err
	}
	r, err := k.vm.Load(ctx, p)
	if err != nil {
		return err
	}
	k.said(r.Errno, r.Error, r.Log)
	return nil
}

func (k *kernelTrial) said(errno int, msg, log string) {
	v := &k.res.Verdict
	k.res.Log = []byte(log)
	readCounters(log, &v.Counters)
	if v.Accepted = errno == 0 && msg == ""; v.Accepted {
		return
	}
	v.Errno, v.Message = int32(errno), strings.Join(klog.Errors([]byte(log)), "\n")
	if v.Message == "" {
		v.Message = msg
	}
	v.Class = grade.Classify(v.Message)
}

var counterLine = regexp.MustCompile(`processed (\d+) insns \(limit \d+\) max_states_per_insn (\d+) total_states (\d+) peak_states (\d+) mark_read (\d+)`)

func readCounters(log string, c *grade.Counters) {
	m := counterLine.FindStringSubmatch(log)
	if m == nil {
		return
	}
	for i, to := range []*uint64{&c.Processed, &c.MaxStates, &c.TotalStates, &c.PeakStates, &c.MarkRead} {
		*to, _ = strconv.ParseUint(m[i+1], 10, 64)
	}
}

// record is assembly as the batch format has it, kept under its name.
func record(src *source.Source, kernel *sandbox.Kernel, level uint32, priv verifier.Privilege) (*sandbox.Program, error) {
	p := &src.Programs[0]
	h, target, ok := p.Hook("")
	if !ok {
		return nil, fmt.Errorf("there is no program type %q", p.ProgType)
	}
	rec := sandbox.RecordOf(loader.Program(src, 0, h, target, priv))
	rec.ID, rec.LogLevel, rec.License = p.Name, level, src.License
	rec.Privilege = privileges[priv]
	out, err := rec.Resolve(kernel, nil)
	if err != nil {
		return nil, err
	}
	out.Keep, out.Section = p.Name, p.Section
	return out, nil
}

// play attaches the programs, does the events and judges.
func (k *kernelTrial) play(ctx context.Context, events []world.Event) (*grade.Report, []grade.Event, error) {
	j := k.ex.Grade.Begin()
	j.Blind = grade.Blind{CPUs: true, Steps: true, Returns: true}
	j.Verdict(k.res.Verdict)
	if !k.res.Verdict.Accepted {
		return j.End(grade.Final{Stopped: "nothing ran: the kernel rejects the program"}), nil, nil
	}
	k.ring = map[string][][]byte{}
	k.vm.OnEvent(k.heard)
	if err := k.listen(ctx); err != nil {
		return nil, nil, err
	}
	attached, err := k.attach(ctx)
	if err != nil {
		return j.End(grade.Final{Stopped: "the program could not be attached: " + err.Error()}), nil, nil
	}
	var out []grade.Event
	final := grade.Final{}
	for _, e := range world.Expand(events, k.ex.Seed) {
		ev, err := k.do(ctx, e, attached)
		if err != nil {
			return nil, nil, err
		}
		if final.Maps, err = k.maps(ctx); err != nil {
			return nil, nil, err
		}
		out = append(out, ev)
		j.Event(ev, final.Maps)
	}
	return j.End(final), out, nil
}

// listen starts the streams that a grade looks at.
func (k *kernelTrial) listen(ctx context.Context) error {
	if err := k.vm.Stream(ctx, proto.StreamParams{Kind: "trace_pipe"}); err != nil {
		return err
	}
	for i := range k.src.Maps {
		if s := &k.src.Maps[i].Spec; s.Type.Row().Name == "ringbuf" {
			if err := k.vm.Stream(ctx, proto.StreamParams{Kind: "ringbuf", Map: s.Name}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (k *kernelTrial) heard(e proto.EventMsg) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch e.Kind {
	case "trace_pipe":
		if _, text, ok := strings.Cut(e.Text, "bpf_trace_printk: "); ok {
			k.lines = append(k.lines, text)
		}
	case "ringbuf":
		k.ring[e.Source] = append(k.ring[e.Source], e.Data)
	}
}

// attach attaches what a test run cannot run. It says whether anything is.
func (k *kernelTrial) attach(ctx context.Context) (bool, error) {
	any := false
	for i := range k.src.Programs {
		p := &k.src.Programs[i]
		if h, _, _ := p.Hook(""); testRun(h.Type) {
			continue
		}
		if _, err := k.vm.Attach(ctx, proto.AttachParams{Program: p.Name}); err != nil {
			return any, err
		}
		any = true
	}
	return any, nil
}

// testRun says whether the kernel runs programs of the type over an input.
func testRun(t hook.ProgType) bool { return t.Info().Packet || t == hook.Syscall }

// settle is how long lines and records may take to arrive once the operation
// that caused them is done.
const settle = 30 * time.Millisecond

// do does an event: a test run for programs that take one, else the operation.
func (k *kernelTrial) do(ctx context.Context, e world.Event, attached bool) (grade.Event, error) {
	ev := trial.EventOf(&e)
	ran, err := k.testRuns(ctx, &e, &ev)
	if err != nil || ran {
		return ev, err
	}
	step, ok := stepOf(&e)
	if !ok || !attached {
		ev.Unseen = true
		return ev, nil
	}
	res, err := k.vm.Workload(ctx, step)
	if err != nil {
		return ev, err
	}
	if len(res) > 0 {
		ev.Result = result(&res[0])
	}
	select {
	case <-ctx.Done():
		return ev, ctx.Err()
	case <-time.After(settle):
	}
	k.mu.Lock()
	ev.Printk, k.lines = k.lines, nil
	k.mu.Unlock()
	return ev, nil
}

// minPacket is what the kernel asks of the data of a test run (ETH_HLEN).
const minPacket = 14

func (k *kernelTrial) testRuns(ctx context.Context, e *world.Event, ev *grade.Event) (ran bool, err error) {
	for i := range k.src.Programs {
		p := &k.src.Programs[i]
		h, _, _ := p.Hook("")
		var data, pctx []byte
		repeat := uint32(1)
		switch {
		case h.Type.Info().Packet && e.Verb == "pkt":
			if data = e.Packet.Data; len(data) < minPacket {
				ev.Unseen = true
				return true, nil
			}
		case h.Type == hook.Syscall && e.Verb == "run":
			if pctx, err = hex.DecodeString(strings.TrimPrefix(e.Text("ctx", ""), "0x")); err != nil {
				return false, fmt.Errorf("event %q: ctx is bytes in hex: %w", ev.Text, err)
			}
			repeat = 0 // the kernel takes no other for this type
		default:
			continue
		}
		r, err := k.vm.Run(ctx, p.Name, data, pctx, repeat)
		if err != nil {
			return false, err
		}
		ran = true
		if r.Errno != 0 {
			ev.Fired = append(ev.Fired, grade.Firing{Program: p.Name, Fault: "the kernel refuses the test run: " + maps.Errno(r.Errno).Error()})
			continue
		}
		ev.Fired = append(ev.Fired, grade.Firing{Program: p.Name, Ret: trial.Ret(h.Type, r.Ret), Packet: r.Data})
	}
	return ran, nil
}

// result is what user space saw of a step.
func result(r *proto.StepResult) int64 {
	if r.OK > 0 {
		return 0
	}
	for name := range r.Errnos {
		if n, ok := grade.Errno(name); ok {
			return -n
		}
	}
	return -1
}

// maps is the content of all maps.
func (k *kernelTrial) maps(ctx context.Context) ([]grade.Map, error) {
	states, err := k.vm.Maps(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []grade.Map
	for i := range states {
		s := &states[i]
		g := grade.Map{Name: s.Name, Type: s.Type}
		k.mu.Lock()
		g.Records = append(g.Records, k.ring[s.Name]...)
		k.mu.Unlock()
		for n := range k.src.Maps {
			m := &k.src.Maps[n].Spec
			if m.Name == s.Name || strings.HasPrefix(s.Name, ".") && strings.HasSuffix(m.Name, s.Name) {
				g.KeySize = int(m.KeySize)
				g.Keys, g.Fields = trial.Fields(k.src, n)
				for _, e := range s.Entries {
					g.Entries = append(g.Entries, grade.Entry{Key: e.Key, Values: trial.Split(m, e.Value), Event: -1})
				}
			}
		}
		out = append(out, g)
	}
	return out, nil
}

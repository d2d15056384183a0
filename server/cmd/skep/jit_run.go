package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"skep/jit"
	"skep/verifier"
	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/packet"
	"skep/wasm/compiled"
	"skep/wasm/protocol"
)

// plainRun is skep run without a session: an engine of choice, nothing to look
// at but results and time.
type plainRun struct {
	engine string
	facts  string // of --facts
	cpus   int
	repeat int
	budget int
	seed   uint64
	inits  []protocol.MapInit
	json   bool
}

// plainEvent is how a packet fared, for --json.
type plainEvent struct {
	Packet  int     `json:"packet"`
	Engine  string  `json:"engine"`
	Ret     *uint64 `json:"ret,omitempty"`
	Name    string  `json:"name,omitempty"`
	Meaning string  `json:"meaning,omitempty"`
	RunNS   float64 `json:"run_ns"` // of one run, on average
	Runs    int     `json:"runs"`
	Data    string  `json:"data"` // the packet afterwards, hex
	Fault   string  `json:"fault,omitempty"`
}

// run runs a program over packets, each as often as wanted without a reset
// between: maps and packet go on as the run before left them, as in the kernel's
// BPF_PROG_TEST_RUN.
func (r *plainRun) run(ctx context.Context, sh *shell, file, prog string, in protocol.WireInput) int {
	e, err := openEngine(r.engine)
	if err != nil {
		return sh.broken("run", err)
	}
	p, err := sh.loadProgram(ctx, file, prog)
	if err != nil {
		return sh.broken("run", err)
	}
	packets, err := packetsOf(in)
	if err != nil {
		return sh.broken("run", err)
	}
	facts, err := sh.facts("run", r.facts, p, r.cpus)
	if err != nil {
		return sh.broken("run", err)
	}
	cfg := vm.Config{NoHistory: true, Seed: r.seed, World: &helper.World{CPUs: uint32(r.cpus)}}
	if e != nil {
		cfg.Span = e.Span
	}
	m, err := compiled.Machine(p, cfg)
	if err == nil {
		err = initMaps(m, r.inits)
	}
	if err != nil {
		return sh.broken("run", err)
	}
	once := func(at vm.Point) (uint64, error, bool) { return interpretFrom(m, at, r.budget) }
	if e != nil {
		c, err := compileRun(e, m, facts, jit.Options{})
		if err != nil {
			return sh.broken("run", err)
		}
		defer c.close()
		once = func(at vm.Point) (uint64, error, bool) { return c.runFrom(at, r.budget) }
	}
	code := exitOK
	for i, pkt := range packets {
		ev := r.over(m, p, pkt.Data, once)
		ev.Packet = i
		sh.printPlain(ev, r.json)
		if ev.Fault != "" {
			code = exitRejected
			break
		}
	}
	for _, mp := range m.Maps().Maps() {
		sh.printPlainMap(dumpMap(mp), r.json)
	}
	return code
}

// packetsOf reads packets in one of the forms that a session takes.
func packetsOf(in protocol.WireInput) ([]packet.Packet, error) {
	if in.Kind == protocol.InputKindPcap {
		return packet.ReadPcap(in.Bytes)
	}
	packets, errs := packet.Parse(in.Text)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return packets, nil
}

// over runs over one packet.
func (r *plainRun) over(m *vm.Machine, p *verifier.Program, data []byte, once func(vm.Point) (uint64, error, bool)) plainEvent {
	ev := plainEvent{Engine: r.engine, Runs: r.repeat}
	if !p.Type.Info().Packet {
		data = nil
	}
	if err := m.Reset(vm.Input{Packet: data}); err != nil {
		ev.Fault = err.Error()
		return ev
	}
	at := vm.Point{Regs: compiled.Regs(m), Prog: m.Prog()}
	start := time.Now()
	for range r.repeat {
		r0, fault, ended := once(at)
		switch {
		case fault != nil:
			ev.Fault = fault.Error()
			return ev
		case !ended:
			ev.Fault = fmt.Sprintf("the program did not end within %d instructions", r.budget)
			return ev
		}
		ev.Ret = &r0
	}
	ev.RunNS = float64(time.Since(start).Nanoseconds()) / float64(r.repeat)
	ret := int32(*ev.Ret)
	_, left := m.Packet()
	ev.Data = hex.EncodeToString(left)
	ev.Name, ev.Meaning = hook.Action(p.Type, p.Attach, ret), hook.Meaning(p.Type, p.Attach, ret, len(left))
	return ev
}

// interpretFrom runs the machine from a point, wherever the run before has left
// it.
func interpretFrom(m *vm.Machine, at vm.Point, budget int) (r0 uint64, fault error, ended bool) {
	stop := m.Do(&at)
	if stop == vm.StopStep {
		stop = m.Run(budget)
	}
	if stop == vm.StopFault {
		return 0, m.Fault(), true
	}
	return m.Reg(isa.R0), nil, stop == vm.StopExit
}

var errNoMap = errors.New("there is no such map")

// initMaps puts elements into maps.
func initMaps(m *vm.Machine, inits []protocol.MapInit) error {
	for _, in := range inits {
		err := errNoMap
		for _, mp := range m.Maps().Maps() {
			if mp.Name() != in.Map {
				continue
			}
			if err = nil; mp.Set(in.Key, in.Value, 0) != 0 {
				err = fmt.Errorf("it takes keys of %d bytes, values of %d", mp.KeySize(), mp.ValueSize())
			}
		}
		if err != nil {
			return fmt.Errorf("-map %s: %w", in.Map, err)
		}
	}
	return nil
}

func (sh *shell) printPlain(ev plainEvent, asJSON bool) {
	switch {
	case asJSON:
		sh.out.Write(marshal(ev))
	case ev.Fault != "":
		fmt.Fprintf(sh.out, "packet %d: %s\n  fault    %s\n", ev.Packet, ev.Engine, ev.Fault)
	default:
		fmt.Fprintf(sh.out, "packet %d: %s\n  returned %s: %s\n  time     %.1f ns a run, of %d\n", ev.Packet, ev.Engine, ev.Name, ev.Meaning, ev.RunNS, ev.Runs)
	}
}

func (sh *shell) printPlainMap(st batchState, asJSON bool) {
	switch {
	case strings.HasPrefix(st.Name, "__bpf_usdt_"): // of <bpf/usdt.bpf.h>: the loader's own
	case asJSON:
		sh.out.Write(marshal(st))
	default:
		fmt.Fprintf(sh.out, "map %s (%s)\n", st.Name, st.Type)
		for _, e := range st.Entries {
			fmt.Fprintf(sh.out, "  %s: %s\n", e.Key, e.Value)
		}
	}
}

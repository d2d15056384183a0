//go:build linux && amd64

package native_test

import (
	"fmt"
	"strings"
	"testing"

	"skep/jit"
	"skep/jit/native"
	"skep/vm"
	"skep/vm/arena"
	"skep/vm/isa"
	"skep/vm/maps"
)

// host does for native code what it leaves to the machine.
type host struct {
	m     *vm.Machine
	calls int
}

func newHost(m *vm.Machine) *host { return &host{m: m} }

func (h *host) Arena() *arena.Arena { return h.m.Arena() }

func (h *host) Do(s *native.State) native.Status {
	h.calls++
	switch h.m.Do((*vm.Point)(s)) {
	case vm.StopExit:
		return native.Exited
	case vm.StopFault:
		return native.Faulted
	}
	return native.Running
}

// consts is what the wide loads of a loaded program load.
func consts(m *vm.Machine, prog int) []jit.Const {
	insns := m.Resolved(prog)
	var out []jit.Const
	for pc := 0; pc+1 < len(insns); pc++ {
		if insns[pc].IsWide() {
			out = append(out, jit.Const{Slot: pc, Value: isa.Imm64(insns[pc], insns[pc+1])})
			pc++
		}
	}
	return out
}

// arrays is the layout of the machine's array maps.
func arrays(m *vm.Machine) []jit.Array {
	var out []jit.Array
	for i := range m.Maps().Maps() {
		mp := m.Maps().At(i)
		if l, ok := mp.(interface {
			Layout() (uint32, uint32, uint32)
		}); ok && maps.Type(mp.Type()) == maps.Array {
			elems, stride, _ := l.Layout()
			out = append(out, jit.Array{Ptr: uint64(mp.Ptr()), Elems: elems, Stride: stride, Entries: mp.MaxEntries(), Value: mp.ValueSize(), Perm: uint8(m.Arena().Find(elems).Perm), Name: mp.Name()})
		}
	}
	return out
}

// setup is how code is made.
type setup struct {
	name    string
	facts   jit.Facts
	options jit.Options
	plain   bool // without BMI2 and gs
}

var safe = []setup{
	{name: "safe"},
	{name: "safe, unfused", options: jit.Options{NoFusion: true, NoInline: true}},
	{name: "safe, old processor", plain: true},
	{name: "safe, blinded", options: jit.Options{Blind: 1}},
}

func (s *setup) target(t testing.TB) jit.Target {
	target, err := native.Target()
	if err != nil {
		t.Fatal(err)
	}
	if s.plain {
		target.AMD64.BMI2, target.AMD64.GS = false, false
	}
	return target
}

// span is shared by all machines of the tests: reserving costs time.
var span *native.Span

func newMachine(t testing.TB, cfg vm.Config) *vm.Machine {
	t.Helper()
	if span == nil {
		s, err := native.NewSpan(64 << 20)
		if err != nil {
			t.Fatal(err)
		}
		span = s
	}
	cfg.Span, cfg.NoHistory = span.Bytes(), true
	m, err := vm.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// running is a machine with a runner for its programs.
type running struct {
	*native.Runner
	m     *vm.Machine
	h     *host
	codes []*jit.Code
	progs []*native.Program
}

// compile makes a runner for all programs of a machine.
func compile(t testing.TB, m *vm.Machine, s *setup) (*running, error) {
	t.Helper()
	r := &running{m: m, h: newHost(m)}
	for i := 0; m.Program(i) != nil; i++ {
		code, err := jit.Compile(&jit.Program{Insns: m.Program(i).Insns, Consts: consts(m, i), Arrays: arrays(m)}, s.target(t), s.facts, s.options)
		if err != nil {
			r.close()
			return nil, err
		}
		p, err := native.Load(code)
		if err != nil {
			t.Fatal(err)
		}
		r.codes, r.progs = append(r.codes, code), append(r.progs, p)
	}
	n, err := native.NewRunner(span, r.h, r.progs)
	if err != nil {
		t.Fatal(err)
	}
	r.Runner = n
	return r, nil
}

// close frees the code and clears what the machine leaves in the span.
func (r *running) close() {
	for _, p := range r.progs {
		p.Close()
	}
	if r.Runner != nil {
		r.Runner.Close()
	}
	clear(r.m.Arena().Buf)
}

// start resets the machine and puts the runner at its state.
func (r *running) start(in vm.Input) error {
	if err := r.m.Reset(in); err != nil {
		return err
	}
	var regs [11]uint64
	for i := range regs {
		regs[i] = r.m.Reg(i)
	}
	r.Start(r.m.Prog(), regs)
	return nil
}

// outcome is what a run leaves behind, comparable.
type outcome struct {
	Status native.Status
	R0     uint64
	Fault  string
	PC     int
	Memory string
}

func (o *outcome) fault(f *vm.Fault) {
	c := *f
	c.Step = 0
	o.Fault, o.PC = c.Error()+" "+c.Code.String(), c.PC
}

// interpret runs the machine's programs in the interpreter.
func interpret(t testing.TB, m *vm.Machine, in vm.Input, budget int) outcome {
	if err := m.Reset(in); err != nil {
		t.Fatal(err)
	}
	var o outcome
	switch m.Run(budget) {
	case vm.StopExit:
		o.Status, o.R0 = native.Exited, m.Reg(0)
	case vm.StopFault:
		o.Status = native.Faulted
		o.fault(m.Fault())
	}
	o.Memory = string(m.Arena().Buf)
	return o
}

// run runs them natively.
func (r *running) run(t testing.TB, in vm.Input, budget int64) outcome {
	if err := r.start(in); err != nil {
		t.Fatal(err)
	}
	o := outcome{Status: r.Run(budget)}
	switch o.Status {
	case native.Exited:
		o.R0 = r.Reg(0)
	case native.Faulted:
		o.fault(r.h.m.Fault())
	}
	o.Memory = string(r.m.Arena().Buf)
	return o
}

// differ compares an interpreted and a native run of the same programs. Runs
// that do not end are not compared: the engines count differently.
func differ(t testing.TB, cfg vm.Config, in vm.Input, s *setup, progs ...*vm.Program) (diff string, o outcome) {
	t.Helper()
	plain := cfg
	plain.NoHistory = true
	a, err := vm.New(plain)
	if err != nil {
		t.Fatal(err)
	}
	b := newMachine(t, cfg)
	for _, p := range progs {
		if _, err := a.Load(p); err != nil {
			clear(b.Arena().Buf)
			return "", o
		}
		if _, err := b.Load(p); err != nil {
			t.Fatal(err)
		}
	}
	r, err := compile(t, b, s)
	if err != nil {
		if _, ok := err.(*jit.Error); ok && strings.Contains(err.Error(), "r10 is read-only") {
			clear(b.Arena().Buf)
			return "", o
		}
		t.Fatal(err)
	}
	defer r.close()
	const budget = 1 << 18
	want := interpret(t, a, in, budget)
	got := r.run(t, in, budget)
	switch {
	case want.Status == native.Running || got.Status == native.Running:
	case want.Status != got.Status || want.R0 != got.R0 || want.Fault != got.Fault || want.PC != got.PC:
		diff = fmt.Sprintf("%s: interpreter %d r0 %#x %q, native %d r0 %#x %q", s.name, want.Status, want.R0, want.Fault, got.Status, got.R0, got.Fault)
	case want.Memory != got.Memory:
		at := 0
		for at < len(want.Memory) && at < len(got.Memory) && want.Memory[at] == got.Memory[at] {
			at++
		}
		diff = fmt.Sprintf("%s: memory differs at %#x (status %d)", s.name, at, want.Status)
	}
	return diff, want
}

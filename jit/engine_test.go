package jit_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"skep/jit"
	"skep/jit/amd64"
	"skep/jit/arm64"
	"skep/jit/engine"
	"skep/jit/native"
	"skep/vm"
	"skep/vm/hook"
	"skep/wasm/compiled"
)

// machine is the architecture of native code on this system, if it has any.
var machine = func() jit.Arch {
	if runtime.GOARCH == "arm64" {
		return jit.ARM64
	}
	return jit.AMD64
}()

// engines are shared by all machines of the tests, one after the other.
var engines = map[jit.Arch]func() (*engine.Engine, error){
	machine:  sync.OnceValues(func() (*engine.Engine, error) { return engine.Native(64 << 20) }),
	jit.WASM: sync.OnceValues(func() (*engine.Engine, error) { return engine.WASM(64 << 20) }),
}

// setup is how code is made.
type setup struct {
	name    string
	arch    jit.Arch
	facts   jit.Facts
	options jit.Options
	plain   bool // without BMI2 and gs, or without LSE
}

// safe is all setups with checks, proved those without, of the engines that
// this machine has.
var safe, proved = available([]setup{
	{name: "safe", arch: machine},
	{name: "wasm", arch: jit.WASM},
	{name: "safe, unfused", arch: machine, options: jit.Options{NoFusion: true, NoInline: true}},
	{name: "safe, old processor", arch: machine, plain: true},
	{name: "wasm, unfused", arch: jit.WASM, options: jit.Options{NoFusion: true, NoInline: true}},
	{name: "safe, blinded", arch: machine, options: jit.Options{Blind: 1}},
}), available([]setup{
	{name: "facts", arch: machine, facts: jit.Facts{Accepted: true}},
	{name: "wasm, facts", arch: jit.WASM, facts: jit.Facts{Accepted: true}},
})

// available takes out what this machine does not have, and with SKEP_ONLY, the
// name of an architecture, what is for others.
func available(list []setup) []setup {
	only := os.Getenv("SKEP_ONLY")
	return slices.DeleteFunc(list, func(s setup) bool {
		if only != "" && only != s.arch.String() {
			return true
		}
		_, err := engines[s.arch]()
		return errors.Is(err, native.ErrUnavailable)
	})
}

// everything is all setups that give the interpreter's result for a program
// without wrong accesses.
func everything() []setup { return slices.Concat(safe, proved) }

func (s *setup) engine(t testing.TB) *engine.Engine {
	t.Helper()
	e, err := engines[s.arch]()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (s *setup) target(t testing.TB) jit.Target {
	target := s.engine(t).Target
	if s.plain {
		target.AMD64, target.ARM64 = amd64.Features{}, arm64.Features{}
	}
	return target
}

func newMachine(t testing.TB, cfg vm.Config, s *setup) *vm.Machine {
	t.Helper()
	cfg.Span, cfg.NoHistory = s.engine(t).Span, true
	m, err := vm.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// running is a machine with a runner for its programs.
type running struct {
	*engine.Runner
	m      *vm.Machine
	codes  []*jit.Code
	closed bool
}

// compile makes a runner for all programs of a machine.
func compile(t testing.TB, m *vm.Machine, s *setup) (*running, error) {
	t.Helper()
	r := &running{m: m}
	for i := 0; m.Program(i) != nil; i++ {
		code, err := jit.Compile(compiled.Program(m, i), s.target(t), s.facts, s.options)
		if err != nil {
			return nil, err
		}
		r.codes = append(r.codes, code)
	}
	var err error
	if r.Runner, err = s.engine(t).Link(compiled.Host{Machine: m}, r.codes); err != nil {
		t.Fatal(err)
	}
	return r, nil
}

// close frees the code and clears what the machine leaves in the span.
func (r *running) close() {
	if r.closed {
		return
	}
	r.closed = true
	r.Close()
	clear(r.m.Arena().Buf)
}

// start resets the machine and puts the runner at its state.
func (r *running) start(in vm.Input) error {
	if err := r.m.Reset(in); err != nil {
		return err
	}
	regs := compiled.Regs(r.m)
	r.Start(r.m.Prog(), &regs)
	return nil
}

// outcome is what a run leaves behind, comparable.
type outcome struct {
	Status jit.Status
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
		o.Status, o.R0 = jit.Exited, m.Reg(0)
	case vm.StopFault:
		o.Status = jit.Faulted
		o.fault(m.Fault())
	}
	o.Memory = string(m.Arena().Buf)
	return o
}

// run runs them compiled.
func (r *running) run(t testing.TB, in vm.Input, budget int64) outcome {
	if err := r.start(in); err != nil {
		t.Fatal(err)
	}
	o := outcome{Status: r.Run(budget)}
	switch o.Status {
	case jit.Exited:
		o.R0 = r.Reg(0)
	case jit.Faulted:
		o.fault(r.m.Fault())
	}
	o.Memory = string(r.m.Arena().Buf)
	return o
}

// differ compares an interpreted and a compiled run of the same programs. Runs
// that do not end are not compared: the engines count differently.
func differ(t testing.TB, cfg vm.Config, in vm.Input, s *setup, progs ...*vm.Program) (diff string, o outcome) {
	t.Helper()
	plain := cfg
	plain.NoHistory = true
	a, err := vm.New(plain)
	if err != nil {
		t.Fatal(err)
	}
	b := newMachine(t, cfg, s)
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
	runs := []vm.Input{in}
	if w := cfg.World; w != nil && w.CPUs > 1 { // the next event is on another CPU
		in.CPU = (in.CPU + 1) % w.CPUs
		runs = append(runs, in)
	}
	for _, in := range runs {
		want := interpret(t, a, in, budget)
		got := r.run(t, in, budget)
		o = want
		if diff = difference(s, &want, &got); diff != "" || want.Status != jit.Exited || got.Status != jit.Exited {
			break
		}
	}
	return diff, o
}

const budget = 1 << 18 // instructions of a run

// difference says how an engine's outcome is not the interpreter's.
func difference(s *setup, want, got *outcome) string {
	switch {
	case want.Status == jit.Running || got.Status == jit.Running:
	case want.Status != got.Status || want.R0 != got.R0 || want.Fault != got.Fault || want.PC != got.PC:
		return fmt.Sprintf("%s: interpreter %d r0 %#x %q, engine %d r0 %#x %q", s.name, want.Status, want.R0, want.Fault, got.Status, got.R0, got.Fault)
	case want.Memory != got.Memory:
		at := 0
		for at < len(want.Memory) && at < len(got.Memory) && want.Memory[at] == got.Memory[at] {
			at++
		}
		return fmt.Sprintf("%s: memory differs at %#x (status %d)", s.name, at, want.Status)
	}
	return ""
}

// Runs that are repeated are those that are done one by one, also when they
// leave the code in all ways.
func TestRepeat(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"counts", "r2 = *(u32 *)(r1 +76)\nr0 = *(u32 *)(r2 +0)\nr0 += 1\n*(u32 *)(r2 +0) = r0\nexit"},
		{"calls a helper", "r6 = r1\ncall 7\nr2 = *(u32 *)(r6 +76)\nr0 = *(u32 *)(r2 +0)\nr0 += 1\n*(u32 *)(r2 +0) = r0\nexit"},
		{"is long", "r6 = 3000\ntop:\nr6 += -1\nif r6 != 0 goto top\nr2 = *(u32 *)(r1 +76)\nr0 = *(u32 *)(r2 +0)\nr0 += 1\n*(u32 *)(r2 +0) = r0\nexit"},
		{"faults", "r2 = *(u32 *)(r1 +76)\nr0 = *(u32 *)(r2 +0)\nr0 += 1\n*(u32 *)(r2 +0) = r0\nif r0 < 50 goto +1\nr0 = *(u8 *)(r0 +0)\nexit"},
		{"calls back", "r6 = r1\nr1 = 3\nr2 = f ll\nr3 = 0\nr4 = 0\ncall 181\nr2 = *(u32 *)(r6 +76)\nr0 = *(u32 *)(r2 +0)\nr0 += 1\n*(u32 *)(r2 +0) = r0\nexit\nf:\nr0 = 0\nexit"},
	} {
		p := &vm.Program{Type: hook.SchedCls, Insns: assemble(t, c.text)}
		for _, s := range safe {
			for _, fuel := range []int64{1 << 20, 1000} {
				m := newMachine(t, vm.Config{}, &s)
				if _, err := m.Load(p); err != nil {
					t.Fatal(err)
				}
				r, err := compile(t, m, &s)
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Reset(vm.Input{Packet: make([]byte, 64)}); err != nil {
					t.Fatal(err)
				}
				at := jit.State{Regs: compiled.Regs(m)}
				done, status := 0, jit.Exited
				for done < 100 && status == jit.Exited {
					n := 0
					if n, status = r.Repeat(&at, 100-done, fuel); status == jit.Running {
						for status == jit.Running {
							status = r.Run(fuel)
						}
						if status == jit.Exited {
							n++
						}
					}
					done += n
				}
				want := 100
				if c.name == "faults" {
					want = 49
				}
				if done != want || (status == jit.Faulted) != (want < 100) || status == jit.Exited && r.Reg(0) != 100 {
					t.Errorf("%s, %s, fuel %d: %d runs, status %d, r0 %d", c.name, s.name, fuel, done, status, r.Reg(0))
				}
				r.close()
			}
		}
	}
}

package vm_test

import (
	"math/rand/v2"
	"testing"

	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// Each function has a stack of its own: what a callee writes at its r10-8 does
// not change the caller's.
func TestStackSeparation(t *testing.T) {
	m := machine(t, vm.Config{}, vm.Input{}, assemble(t, `
		*(u64 *)(r10 -8) = 1
		r6 = 11
		r1 = r10
		r1 += -8
		call f
		r0 = *(u64 *)(r10 -8)
		r0 += r6
		exit
	f:
		*(u64 *)(r10 -8) = 2
		r6 = 99
		r2 = *(u64 *)(r1 +0)
		r2 += 100
		*(u64 *)(r1 +0) = r2
		exit`)...)
	if s := m.Run(100); s != vm.StopExit || m.Reg(0) != 112 {
		t.Fatalf("%v, r0 %d, want 112; %v", s, m.Reg(0), m.Fault())
	}
	m.Seek(7)
	fr := m.Frames()
	if len(fr) != 2 || fr[0].PC != 5 || fr[1].PC != 10 || fr[0].Top-fr[1].Top != vm.FrameStride || fr[1].Func.Start != 8 || fr[0].Saved[0] != 11 {
		t.Errorf("frames: %+v", fr)
	}
}

// A pointer into the frame of a function that has returned faults, also when
// the machine has just looked at that memory.
func TestDanglingStackPointer(t *testing.T) {
	insns := assemble(t, `
		call f
		r0 = *(u64 *)(r0 +0)
		exit
	f:
		*(u64 *)(r10 -8) = 2
		r0 = *(u64 *)(r10 -8)
		r0 = r10
		r0 += -8
		exit`)
	run := machine(t, vm.Config{}, vm.Input{}, insns...)
	if s := run.Run(100); s != vm.StopFault {
		t.Errorf("run: %v, r0 %d", s, run.Reg(0))
	}
	step := machine(t, vm.Config{}, vm.Input{}, insns...)
	for !step.Done() {
		step.Step()
	}
	if step.Fault() == nil || run.Fault() == nil || step.Fault().Error() != run.Fault().Error() {
		t.Errorf("step: %v, run: %v", step.Fault(), run.Fault())
	}
}

func tailConfig() vm.Config {
	return vm.Config{Maps: []maps.Spec{{Name: "progs", Type: maps.ProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4, Init: []maps.KV{
		{Key: []byte{0, 0, 0, 0}, Value: []byte{0, 0, 0, 0}},
		{Key: []byte{1, 0, 0, 0}, Value: []byte{1, 0, 0, 0}},
	}}}}
}

func TestTailCall(t *testing.T) {
	m, err := vm.New(tailConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range []string{
		// 0: counts its runs in the context and calls itself until the limit
		`r2 = *(u64 *)(r1 +0)
		r2 += 1
		*(u64 *)(r1 +0) = r2
		r6 = r1
		r2 = MAP0
		r3 = 0
		call 12
		r1 = r6
		r0 = *(u64 *)(r1 +0)
		exit`,
		// 1: returns to the caller of the function that made the tail call
		`r0 = 40
		exit`,
		// 2: makes the tail call in a function
		`r6 = 2
		call pc+2
		r0 += r6
		exit
		r6 = 50
		r2 = MAP0
		r3 = 1
		call 12
		r0 = 0
		exit`,
		// 3: to an empty place
		`r2 = MAP0
		r3 = 3
		call 12
		r0 = 7
		exit`,
	} {
		if _, err := m.Load(&vm.Program{Type: hook.SchedCls, Insns: withMaps(t, src)}); err != nil {
			t.Fatal(err)
		}
	}
	for entry, want := range map[int]uint64{0: 34, 1: 40, 2: 42, 3: 7} {
		m.Entry(entry)
		if err := m.Reset(vm.Input{Ctx: make([]byte, 16)}); err != nil {
			t.Fatal(err)
		}
		if s := m.Run(10000); s != vm.StopExit || m.Reg(0) != want {
			t.Errorf("program %d: %v, r0 %d, want %d; %v", entry, s, m.Reg(0), want, m.Fault())
		}
		end := m.Steps()
		for m.Back() == vm.StopStep {
		}
		if m.Prog() != entry || m.PC() != 0 {
			t.Errorf("program %d: back leads to program %d, pc %d", entry, m.Prog(), m.PC())
		}
		for m.Step() == vm.StopStep {
		}
		if m.Reg(0) != want || m.Steps() != end {
			t.Errorf("program %d: stepped: r0 %d after %d steps, want %d after %d", entry, m.Reg(0), m.Steps(), want, end)
		}
	}
}

// bpf_loop runs its callback as steps of the machine, which can be walked back
// into.
func TestCallback(t *testing.T) {
	w := isa.Wide(2, isa.PseudoFunc, 0)
	code := assemble(t, `
		*(u64 *)(r10 -8) = 0
		r6 = 5
		r1 = 10
		r2 = 4242 ll
		r3 = r10
		r3 += -8
		r4 = 0
		call 181
		r1 = *(u64 *)(r10 -8)
		r1 *= 100
		r0 += r1
		r0 += r6
		exit
		r3 = *(u64 *)(r2 +0)
		r3 += r1
		*(u64 *)(r2 +0) = r3
		r6 = 77
		r0 = 0
		if r1 != 6 goto +1
		r0 = 1
		exit`)
	for i := range code {
		if code[i].IsWide() {
			w = isa.Wide(2, isa.PseudoFunc, uint64(14-i-1))
			code[i], code[i+1] = w[0], w[1]
		}
	}
	m := machine(t, vm.Config{}, vm.Input{Ctx: make([]byte, 8)}, code...)
	// 0+1+...+6 = 21, seven rounds
	if s := m.Run(1000); s != vm.StopExit || m.Reg(0) != 2100+7+5 {
		t.Fatalf("%v, r0 %d, want 2112; %v", s, m.Reg(0), m.Fault())
	}
	end := m.Steps()
	calls := len(m.Calls())
	if calls != 1 || m.Calls()[0].Rounds != 7 || m.Calls()[0].Ret != 7 {
		t.Errorf("calls: %+v", m.Calls())
	}
	states := map[uint64][11]uint64{}
	for m.Back() == vm.StopStep {
		states[m.Steps()], _ = state(m)
	}
	for m.Steps() < end-1 {
		m.Step()
		if r, _ := state(m); r != states[m.Steps()] {
			t.Fatalf("state %d differs: %v, want %v", m.Steps(), r, states[m.Steps()])
		}
	}
	m.Seek(9)
	if f := m.Frames(); len(f) != 2 || f[1].Helper != 181 {
		t.Errorf("frames in the callback: %+v", f)
	}
	if s := m.StepOut(100); s != vm.StopStep || m.PC() != 9 { // behind the helper, after all rounds
		t.Errorf("step out: %v, pc %d", s, m.PC())
	}
}

func TestResolved(t *testing.T) {
	m, err := vm.New(vm.Config{Maps: testMaps})
	if err != nil {
		t.Fatal(err)
	}
	code := withMaps(t, `r1 = MAP1
		r2 = VAL1
		r3 = 5 ll
		exit`)
	n, err := m.Load(&vm.Program{Insns: code})
	if err != nil {
		t.Fatal(err)
	}
	got := m.Resolved(n)
	array := m.Maps().ByName("array")
	if got[0].Src != 0 || isa.Imm64(got[0], got[1]) != uint64(array.Ptr()) ||
		got[2].Src != 0 || isa.Imm64(got[2], got[3]) != array.Lookup(make([]byte, 4), 0) || isa.Imm64(got[4], got[5]) != 5 || got[6] != code[6] {
		t.Errorf("resolved: %v", got)
	}
}

// A run of which every instruction is done from outside ends as one inside.
func TestDo(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 4))
		code := random(r, 60)
		in := vm.Input{Packet: make([]byte, 60)}
		cfg := vm.Config{Maps: testMaps, NoHistory: true}
		a, b := machine(t, cfg, in, code...), machine(t, cfg, in, code...)
		for a.Run(1_000_000) == vm.StopBudget {
		}
		p := vm.Point{}
		for i := range p.Regs {
			p.Regs[i] = b.Reg(i)
		}
		stop := vm.StopStep
		for stop == vm.StopStep {
			stop = b.Do(&p)
		}
		if (stop == vm.StopFault) != (a.Fault() != nil) || a.Steps() != b.Steps() {
			t.Fatalf("seed %d: %v after %d steps, want %d", seed, stop, b.Steps(), a.Steps())
		}
		ra, ma := state(a)
		rb, mb := state(b)
		if ra != rb || ma != mb {
			t.Errorf("seed %d: the ends differ", seed)
		}
	}
}

func TestMayGoto(t *testing.T) {
	m := machine(t, vm.Config{NoHistory: true}, vm.Input{}, assemble(t, `
		r0 = 0
	top:
		may_goto end
		r0 += 1
		goto top
	end:
		exit`)...)
	for m.Run(1_000_000) == vm.StopBudget {
	}
	if m.Reg(0) != 8<<20 {
		t.Errorf("r0 %d, want %d", m.Reg(0), 8<<20)
	}
}

func TestStops(t *testing.T) {
	m := machine(t, vm.Config{}, vm.Input{}, assemble(t, `
		r6 = 0
	top:
		r1 = r6
		call f
		r6 += 1
		if r6 < 5 goto top
		r0 = r6
		exit
	f:
		*(u64 *)(r10 -8) = r1
		r0 = *(u64 *)(r10 -8)
		exit`)...)
	m.Step()
	m.Step()
	if s := m.StepOver(100); s != vm.StopStep || m.PC() != 3 {
		t.Errorf("step over: %v, pc %d", s, m.PC())
	}
	if s := m.RunTo(0, 8, 1000); s != vm.StopStep || m.PC() != 8 || m.Reg(6) != 1 {
		t.Errorf("run to: %v, pc %d, r6 %d", s, m.PC(), m.Reg(6))
	}
	if s := m.StepOut(100); s != vm.StopStep || m.PC() != 3 {
		t.Errorf("step out: %v, pc %d", s, m.PC())
	}
	m.SetBreakpoints([]vm.Breakpoint{{PC: 7, Cond: func(m *vm.Machine) bool { return m.Reg(1) == 4 }}})
	if s := m.Run(1000); s != vm.StopBreak || m.PC() != 7 || m.Reg(1) != 4 {
		t.Errorf("conditional breakpoint: %v, pc %d, r1 %d", s, m.PC(), m.Reg(1))
	}
	at := m.Steps()
	m.Seek(0)
	if s := m.Run(1000); s != vm.StopBreak || m.Steps() != at {
		t.Errorf("breakpoint again: %v at step %d, want %d", s, m.Steps(), at)
	}
	m.SetBreakpoints(nil)
	frame1 := uint32(m.Reg(10))
	m.Seek(0)
	m.SetWatches([]vm.Watch{{Addr: frame1 - 8, Len: 1}})
	for i := range 5 {
		if s := m.Run(1000); s != vm.StopWatch || m.Reg(1) != uint64(i) || m.PC() != 8 {
			t.Errorf("watch %d: %v, r1 %d, pc %d", i, s, m.Reg(1), m.PC())
		}
	}
	if s := m.Run(1000); s != vm.StopExit || m.Reg(0) != 5 {
		t.Errorf("run to the end: %v, r0 %d", s, m.Reg(0))
	}
	m.SetWatches(nil)
	m.Seek(0)
	if s := m.Run(3); s != vm.StopBudget {
		t.Errorf("run of three: %v", s)
	}
}

// Any bytes as a program with any input: no panic, and an end within the
// budget; stepping and running agree.
func FuzzProgram(f *testing.F) {
	for k := range isa.Table {
		var b []byte
		for _, i := range sample(&isa.Table[k]) {
			b = i.Append(b)
		}
		b = isa.Insn{Op: isa.ClassJMP | isa.JmpExit}.Append(b)
		f.Add(b, []byte("packet"))
	}
	f.Fuzz(func(t *testing.T, prog, packet []byte) {
		insns, err := isa.DecodeAll(prog)
		if err != nil || len(insns) > 4096 || len(packet) > 9000 {
			return
		}
		m, err := vm.New(vm.Config{Maps: testMaps})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Load(&vm.Program{Type: hook.SchedCls, Insns: insns, Kfuncs: []vm.Kfunc{{ID: 1}}, Ksyms: []vm.Ksym{{ID: 1, Size: 16}}}); err != nil {
			return
		}
		in := vm.Input{Packet: packet}
		if err := m.Reset(in); err != nil {
			t.Fatal(err)
		}
		const budget = 5000
		first, _ := state(m)
		m.Run(budget)
		if m.Steps() > budget+uint64(len(insns)) {
			t.Fatalf("%d steps of a budget of %d", m.Steps(), budget)
		}
		regs, memory := state(m)
		steps := m.Steps()
		m.Seek(0)
		if again, _ := state(m); again != first {
			t.Fatalf("going back changes the start: %x, %x", first, again)
		}
		for m.Steps() < steps {
			m.Step()
		}
		if r, b := state(m); r != regs || b != memory {
			t.Fatalf("stepping and running differ: %x, %x", r, regs)
		}
	})
}

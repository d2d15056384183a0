package vm_test

import (
	"testing"

	"skep/vm"
	"skep/vm/asm"
	"skep/vm/helper"
	"skep/vm/isa"
)

// machine loads the instructions into a machine and puts it at the start.
func machine(t testing.TB, cfg vm.Config, in vm.Input, insns ...isa.Insn) *vm.Machine {
	t.Helper()
	m, err := vm.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Load(&vm.Program{Insns: insns}); err != nil {
		t.Fatal(err)
	}
	if err := m.Reset(in); err != nil {
		t.Fatal(err)
	}
	return m
}

// assemble reads kernel-log syntax.
func assemble(t testing.TB, src string) []isa.Insn {
	t.Helper()
	res := asm.Assemble(src, asm.Options{Dialect: asm.Kernel})
	if len(res.Errors) > 0 {
		t.Fatalf("assemble: %v\n%s", res.Errors[0], src)
	}
	return res.Insns
}

func TestRunAndBack(t *testing.T) {
	m := machine(t, vm.Config{}, vm.Input{Ctx: make([]byte, 8)}, assemble(t, `
		r0 = 7
		*(u64 *)(r10 -8) = r0
		r0 += 1
		exit`)...)
	for range 3 {
		if s := m.Step(); s != vm.StopStep {
			t.Fatalf("step: %v", s)
		}
	}
	if m.Reg(0) != 8 || m.PC() != 3 || m.Steps() != 3 {
		t.Fatalf("r0 %d, pc %d, steps %d", m.Reg(0), m.PC(), m.Steps())
	}
	if s := m.Back(); s != vm.StopStep || m.Reg(0) != 7 || m.PC() != 2 {
		t.Fatalf("back: %v, r0 %d, pc %d", s, m.Reg(0), m.PC())
	}
	if s := m.Run(1000); s != vm.StopExit || m.Reg(0) != 8 || m.Steps() != 4 {
		t.Fatalf("run: %v, r0 %d, steps %d", s, m.Reg(0), m.Steps())
	}
	if s := m.Back(); s != vm.StopStep || m.Done() || m.PC() != 3 {
		t.Fatalf("back from exit: %v, pc %d", s, m.PC())
	}
}

func TestInputErrors(t *testing.T) {
	m := machine(t, vm.Config{}, vm.Input{}, assemble(t, "r0 = 0\nexit")...)
	for _, c := range []struct {
		in   vm.Input
		want string
	}{
		{vm.Input{CPU: 1}, "input: there is no such CPU, see World.CPUs"},
		{vm.Input{Ctx: make([]byte, 1025)}, "input: the context is longer than 1024 bytes"},
		{vm.Input{Packet: make([]byte, 70<<10)}, "input: the packet is longer than 68 KiB"},
		{vm.Input{Packet: make([]byte, 5), Meta: 99}, ""},
		{vm.Input{Packet: make([]byte, 5), Meta: -99}, ""},
	} {
		got := ""
		if err := m.Reset(c.in); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if _, err := vm.New(vm.Config{World: &helper.World{CPUs: 1000}}); err == nil {
		t.Error("a thousand CPUs")
	}
	if _, err := m.Load(&vm.Program{}); err == nil {
		t.Error("an empty program was loaded")
	}
}

func TestLoadErrors(t *testing.T) {
	m, err := vm.New(vm.Config{Maps: testMaps})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ src, want string }{
		{"goto +5\nexit", "instruction 0: jump to instruction 6, outside the program"},
		{"goto -3\nexit", "instruction 0: jump to instruction -2, outside the program"},
		{"goto +1\nr1 = 5 ll\nexit", "instruction 0: jump into the middle of the lddw at instruction 1"},
		{"r1 = 1007 ll\nexit", "instruction 0: there is no map 7: the machine has 5"},
		{"r1 = 2000 ll\nexit", "instruction 0: map \"hash\" has no value whose address can be loaded"},
		{"call pc+9\nexit", "instruction 0: jump to instruction 10, outside the program"},
	} {
		_, err := m.Load(&vm.Program{Insns: withMaps(t, c.src)})
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: %v, want %s", c.src, err, c.want)
		}
	}
}

// Dead code of a verified program may have reserved fields set: the kernel
// takes it out without looking.
func TestDeadCode(t *testing.T) {
	code := assemble(t, "r0 = 0\nif r0 == 0 goto +1\nr0 += 7\nr0 += 1\nexit")
	code[2].Off = 5
	m, err := vm.New(vm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Load(&vm.Program{Insns: code}); err == nil {
		t.Error("loaded without a word")
	}
	n, err := m.Load(&vm.Program{Insns: code, Verified: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Resolved(n)[2]; got != (isa.Insn{Op: isa.ClassJMP, Off: -1}) {
		t.Errorf("for a code generator: %v", got)
	}
	m.Entry(n)
	if err := m.Reset(vm.Input{Ctx: make([]byte, 8)}); err != nil {
		t.Fatal(err)
	}
	if s := m.Run(10); s != vm.StopExit || m.Reg(0) != 1 {
		t.Errorf("%v, r0 %d", s, m.Reg(0))
	}
	code[1].Imm = 1 // now it is reached
	if n, err = m.Load(&vm.Program{Insns: code, Verified: true}); err != nil {
		t.Fatal(err)
	}
	m.Entry(n)
	m.Reset(vm.Input{Ctx: make([]byte, 8)})
	if s := m.Run(10); s != vm.StopFault || m.Fault().Code != vm.CodeDead {
		t.Errorf("%v: %v", s, m.Fault())
	}
	for m.Back() == vm.StopStep {
	}
	if m.Steps() != 0 || m.Fault() != nil {
		t.Error("no way back")
	}
	code[3].Op = 0xff // no instruction at all
	if _, err := m.Load(&vm.Program{Insns: code, Verified: true}); err == nil {
		t.Error("an unknown opcode was loaded")
	}
}

package jit_test

import (
	"math/rand"
	"testing"

	"skep/jit"
	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
)

// same wants the interpreter's result of code in every setup, and that it ends
// in status.
func same(t *testing.T, code []isa.Insn, status jit.Status) {
	t.Helper()
	p := &vm.Program{Type: hook.SchedCls, Insns: code}
	for _, s := range everything() {
		diff, o := differ(t, vm.Config{}, vm.Input{Packet: make([]byte, 64)}, &s, p)
		if diff != "" || o.Status != status {
			t.Errorf("status %d %s %s", o.Status, o.Fault, diff)
		}
	}
}

// An exit that only an indirect jump leads to ends the program, with no
// function to return from.
func TestExitBehindGotox(t *testing.T) {
	w := isa.Wide(1, isa.PseudoFunc, 2)
	same(t, []isa.Insn{
		w[0], w[1],
		{Op: isa.KindGotox.Row().Op, Dst: 1},
		{Op: isa.ClassALU64 | isa.OpMov, Dst: 0, Imm: 7}, exit,
	}, jit.Exited)
}

// Atomic accesses need not be aligned in the machine: processors that want it
// leave them to the interpreter.
func TestUnaligned(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for k := range isa.Table {
		row := &isa.Table[k]
		switch row.Form {
		case isa.FormAtomic, isa.FormAtomicFetch, isa.FormAtomicCmpxchg, isa.FormLoad, isa.FormStore:
		default:
			continue
		}
		for off := int16(-8); off >= -16; off-- {
			code := known(rnd)
			code = append(code, isa.Insn{Op: isa.ClassSTX | isa.ModeMem | isa.SizeDW, Dst: 10, Src: 3, Off: -8},
				isa.Insn{Op: isa.ClassSTX | isa.ModeMem | isa.SizeDW, Dst: 10, Src: 4, Off: -16},
				isa.Insn{Op: isa.ClassALU64 | isa.OpMov | isa.SrcX, Dst: 1, Src: 10})
			i := isa.Insn{Op: row.Op, Src: row.Src, Off: off, Imm: row.Imm, Dst: 1}
			if row.Use.Src() {
				i.Src = 2
			}
			if row.Form == isa.FormLoad {
				i.Dst, i.Src = 2, 1
			}
			code = append(code, i, isa.Insn{Op: isa.ClassLDX | isa.ModeMem | isa.SizeDW, Dst: 5, Src: 10, Off: -12},
				isa.Insn{Op: isa.ClassALU64 | isa.OpMov, Dst: 1}) // where the stack is, is nobody's result
			same(t, append(code, fold()...), jit.Exited)
			if t.Failed() {
				t.Fatalf("%s at %d", row.Name, off)
			}
		}
	}
}

// A loop, and checks, over more code than a conditional branch of arm64
// reaches.
func TestLongCode(t *testing.T) {
	const n = 100_000
	code := []isa.Insn{
		{Op: isa.ClassALU64 | isa.OpMov, Dst: 0, Imm: 0},
		{Op: isa.ClassALU64 | isa.OpMov, Dst: 2, Imm: 0},
		{Op: isa.ClassALU64 | isa.OpAdd, Dst: 2, Imm: 1}, // top
		{Op: isa.ClassLDX | isa.ModeMem | isa.SizeW, Dst: 3, Src: 1},
	}
	for range n {
		code = append(code, isa.Insn{Op: isa.ClassALU64 | isa.OpXor, Dst: 0, Imm: 0x12345678})
	}
	code = append(code,
		isa.Insn{Op: isa.ClassJMP | isa.JmpEq, Dst: 2, Imm: 2, Off: 1},
		isa.Insn{Op: isa.ClassJMP32 | isa.JmpA, Imm: 2 - (n + 6)},
		exit)
	same(t, code, jit.Exited)
}

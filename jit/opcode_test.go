package jit_test

import (
	"math/rand"
	"testing"

	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

var edges = []uint64{
	0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 65, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x10000,
	0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x100000000, 0x1234567890abcdef,
	0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001, 0xffffffff00000000, 0xffffffff80000000,
	0xfffffffffffffffe, 0xffffffffffffffff,
}

var exit = isa.Insn{Op: isa.ClassJMP | isa.JmpExit}

// fold makes r0 a mixture of all registers and ends the program.
func fold() (out []isa.Insn) {
	for r := uint8(1); r < 10; r++ {
		out = append(out,
			isa.Insn{Op: isa.ClassALU64 | isa.OpMul, Dst: 0, Imm: 31},
			isa.Insn{Op: isa.ClassALU64 | isa.OpXor | isa.SrcX, Dst: 0, Src: r})
	}
	return append(out, exit)
}

// known gives the registers r0 to r9 random values, edges mostly.
func known(rnd *rand.Rand) (out []isa.Insn) {
	for r := uint8(0); r < 10; r++ {
		v := edges[rnd.Intn(len(edges))]
		if rnd.Intn(4) == 0 {
			v = rnd.Uint64()
		}
		w := isa.Wide(r, 0, v)
		out = append(out, w[0], w[1])
	}
	return out
}

// instance makes an instruction of a row with random operands, that ends at
// the next instruction, and the instructions that must come before it.
func instance(row *isa.Row, rnd *rand.Rand) (before, insn []isa.Insn) {
	i := isa.Insn{Op: row.Op, Src: row.Src, Off: row.Off, Imm: row.Imm}
	if row.Use.Dst() {
		i.Dst = uint8(rnd.Intn(10))
	}
	if row.Use.Src() {
		i.Src = uint8(rnd.Intn(10))
	}
	if row.Use.Imm() {
		i.Imm = int32(uint32(edges[rnd.Intn(len(edges))]))
	}
	if row.Use.Off() {
		i.Off = 0
	}
	movK := func(r uint8, v int32) isa.Insn { return isa.Insn{Op: isa.ClassALU64 | isa.OpMov, Dst: r, Imm: v} }
	// at puts an address of the stack into r, sometimes by way of r10 itself.
	at := func(r *uint8) {
		i.Off = int16(-8 * (1 + rnd.Intn(64)))
		if rnd.Intn(3) == 0 {
			*r = 10
			return
		}
		before = append(before, isa.Insn{Op: isa.ClassALU64 | isa.OpMov | isa.SrcX, Dst: *r, Src: 10})
	}
	switch row.Form {
	case isa.FormLoad:
		at(&i.Src)
	case isa.FormStoreImm, isa.FormStore, isa.FormAtomic, isa.FormAtomicFetch, isa.FormAtomicCmpxchg:
		at(&i.Dst)
	case isa.FormGotol, isa.FormCallLocal:
		i.Imm = 0
	case isa.FormCall:
		i.Imm = 7 // bpf_get_prandom_u32
	case isa.FormAbs, isa.FormInd:
		i.Imm = int32(rnd.Intn(70))
		before = append(before, movK(i.Src, int32(rnd.Intn(10))))
		if row.Form == isa.FormAbs {
			before = nil
		}
	case isa.FormWide:
		w := isa.Wide(i.Dst, row.Src, uint64(uint32(i.Imm)))
		if row.Src != 0 {
			w = isa.Wide(i.Dst, row.Src, 0)
		}
		return nil, w[:]
	}
	switch row.Kind {
	case isa.KindGotox:
		w := isa.Wide(i.Dst, isa.PseudoFunc, 1) // behind it
		before = w[:]
	case isa.KindCallReg:
		before = append(before, movK(i.Dst, 7))
	case isa.KindAddrSpaceCast:
		i.Imm = 1
	case isa.KindCallKfunc:
		i.Imm = 1
	}
	return before, []isa.Insn{i}
}

// Each row of the table does natively what it does in the interpreter, with
// all registers in all places, and the values where arithmetic bends.
func TestEveryOpcode(t *testing.T) {
	n := scale(t, 6)
	cfg := vm.Config{Maps: []maps.Spec{{Name: "m", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1}}}
	rnd := rand.New(rand.NewSource(1))
	for k := range isa.Table {
		row := &isa.Table[k]
		for range n {
			code := known(rnd)
			// Two stores, so that memory is not all zero.
			for range 3 {
				code = append(code, isa.Insn{Op: isa.ClassSTX | isa.ModeMem | isa.SizeDW, Dst: 10, Src: uint8(rnd.Intn(10)), Off: int16(-8 * (1 + rnd.Intn(64)))})
			}
			before, insn := instance(row, rnd)
			if len(before) == 0 && rnd.Intn(2) == 0 && row.Op&7 >= isa.ClassALU && row.Form != isa.FormCallLocal && row.Form != isa.FormNone && row.Kind != isa.KindCallKfunc {
				insn = append(insn, insn...) // also behind itself
			}
			code = append(append(append(code, before...), insn...), fold()...)
			p := &vm.Program{Type: hook.SchedCls, Insns: code, Ksyms: []vm.Ksym{{Name: "v", Size: 8}}, Kfuncs: []vm.Kfunc{{ID: 1, Name: "k"}}}
			in := vm.Input{Packet: make([]byte, 64)}
			rnd.Read(in.Packet)
			// All accesses are inside the stack: what a verifier would prove.
			// It would not let the end read what a function left in r1 to r5.
			setups := everything()
			if row.Form == isa.FormCallLocal {
				setups = safe
			}
			for _, s := range setups {
				if diff, _ := differ(t, cfg, in, &s, p); diff != "" {
					t.Fatalf("%s (kind %d) %v\n%s", row.Name, row.Kind, insn, diff)
				}
			}
		}
	}
}

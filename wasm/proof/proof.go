// Package proof carries what the verifier has proved of a program from the
// page's verifier to its compiler, which are modules of their own: neither has
// the other's code.
//
//	f := proof.Pack(res.Facts, insns, cpus) // *protocol.Facts, by way of the page
//	facts := proof.Of(f, insns, cpus)       // for jit.Compile
package proof

import (
	"skep/jit/ir"
	"skep/verifier"
	"skep/vm/isa"
	"skep/wasm/protocol"
)

// Pack is the facts of a program that was accepted for a machine of so many
// CPUs.
func Pack(f *verifier.Facts, insns []isa.Insn, cpus uint32) *protocol.Facts {
	out := &protocol.Facts{Sum: sum(insns), CPUs: cpus, Alone: f.Alone}
	for _, l := range lists(out, &ir.Facts{
		Checked: f.Checked, NonZero: f.NonZero, Narrow: f.Narrow, Always: f.Always, Never: f.Never, Dead: f.Dead,
	}) {
		for _, slot := range *l.slots {
			*l.wire = append(*l.wire, uint32(slot))
		}
	}
	for _, k := range f.Keys {
		out.Keys = append(out.Keys, protocol.FactKey{Slot: uint32(k.Slot), Key: k.Key})
	}
	return out
}

// Of is the facts of a program for the compiler: nothing when f is nil, about
// other instructions or fewer CPUs, or not well formed.
func Of(f *protocol.Facts, insns []isa.Insn, cpus uint32) ir.Facts {
	if f == nil || f.Sum != sum(insns) || f.CPUs < cpus {
		return ir.Facts{}
	}
	out := ir.Facts{Accepted: true, Alone: f.Alone}
	for _, l := range lists(f, &out) {
		for i, slot := range *l.wire {
			if int(slot) >= len(insns) || i > 0 && slot <= (*l.wire)[i-1] {
				return ir.Facts{}
			}
			*l.slots = append(*l.slots, int(slot))
		}
	}
	for i, k := range f.Keys {
		if int(k.Slot) >= len(insns) || i > 0 && k.Slot <= f.Keys[i-1].Slot {
			return ir.Facts{}
		}
		out.Keys = append(out.Keys, ir.Key{Slot: int(k.Slot), Key: k.Key})
	}
	return out
}

// list is slots in both forms.
type list struct {
	wire  *[]uint32
	slots *[]int
}

func lists(f *protocol.Facts, out *ir.Facts) [6]list {
	return [...]list{
		{&f.Checked, &out.Checked}, {&f.NonZero, &out.NonZero}, {&f.Narrow, &out.Narrow},
		{&f.Always, &out.Always}, {&f.Never, &out.Never}, {&f.Dead, &out.Dead},
	}
}

// sum is FNV-1a over the fields of instructions.
func sum(insns []isa.Insn) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, in := range insns {
		for _, v := range [...]uint64{uint64(in.Op)<<16 | uint64(in.Dst)<<8 | uint64(in.Src), uint64(uint16(in.Off)), uint64(uint32(in.Imm))} {
			h = (h ^ v) * 0x100000001b3
		}
	}
	return h
}

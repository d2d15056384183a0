package world

import (
	"skep/vm/hook"
	"skep/vm/isa"
)

// Where a value may come from, as far as Stale follows it.
const (
	fromCtx = 1 << iota // the context
	fromBTF             // the context or a kernel struct was read for it: a pointer by BTF, perhaps
)

// Helpers and kfuncs that give pointers by BTF.
const (
	getCurrentTaskBTF = 158
	skcToFirst        = 136
	skcToLast         = 140
)

// Stale is the loads of a program that go through pointers that its context or
// kernel structs gave, by slot, ascending: for vm.Program.Probe. The verifier
// knows them by type; this follows registers and spilled slots and takes every
// 64-bit value read there for a pointer, which errs only where a program uses
// a number as an address, and those the verifier refuses.
func Stale(t hook.ProgType, insns []isa.Insn) []int {
	switch t {
	case hook.Tracing, hook.LSM, hook.StructOps, hook.RawTracepoint, hook.Kprobe, hook.Tracepoint, hook.PerfEvent, hook.CgroupSock, hook.SockOps, hook.Netfilter:
	default:
		return nil
	}
	typed := t == hook.Tracing || t == hook.LSM || t == hook.StructOps || t == hook.Netfilter
	f := flowOf{insns: insns, in: make([]origins, len(insns)), typed: typed}
	f.reach(0, origins{reg: [isa.NumRegs]uint8{isa.R1: fromCtx}})
	for len(f.todo) > 0 {
		pc := f.todo[len(f.todo)-1]
		f.todo = f.todo[:len(f.todo)-1]
		f.step(pc)
	}
	var out []int
	for pc := range insns {
		in := insns[pc]
		if in.Class() == isa.ClassLDX && f.in[pc].seen && f.in[pc].reg[in.Src]&fromBTF != 0 {
			out = append(out, pc)
		}
	}
	return out
}

// origins is what the registers and the eight-byte slots of the stack may hold.
type origins struct {
	seen bool
	reg  [isa.NumRegs]uint8
	slot [64]uint8
}

type flowOf struct {
	insns []isa.Insn
	in    []origins
	todo  []int
	typed bool // what the context holds are pointers by BTF
}

// reach joins a state into that before an instruction.
func (f *flowOf) reach(pc int, s origins) {
	if pc < 0 || pc >= len(f.insns) {
		return
	}
	at := &f.in[pc]
	was := *at
	at.seen = true
	for i := range at.reg {
		at.reg[i] |= s.reg[i]
	}
	for i := range at.slot {
		at.slot[i] |= s.slot[i]
	}
	if *at != was {
		f.todo = append(f.todo, pc)
	}
}

func (f *flowOf) step(pc int) {
	s, in := f.in[pc], f.insns[pc]
	slot := func(reg uint8, off int16) int {
		if reg != isa.R10 || off >= 0 || off < -512 {
			return -1
		}
		return int(-off-1) / 8
	}
	next := pc + 1
	switch in.Class() {
	case isa.ClassLD:
		s.reg[in.Dst] = 0
		if in.IsWide() {
			next++
			if in.Src == isa.PseudoFunc { // a callback begins with what nobody knows
				f.reach(pc+1+int(in.Imm), origins{})
			}
		}
	case isa.ClassLDX:
		from := s.reg[in.Src]
		s.reg[in.Dst] = 0
		switch i := slot(in.Src, in.Off); {
		case i >= 0:
			s.reg[in.Dst] = s.slot[i]
		case from&fromBTF != 0 && in.Bytes() == 8, from&fromCtx != 0 && f.typed && in.Bytes() == 8:
			s.reg[in.Dst] = fromBTF
		}
	case isa.ClassSTX:
		if i := slot(in.Dst, in.Off); i >= 0 {
			s.slot[i] = s.reg[in.Src]
		}
	case isa.ClassST:
		if i := slot(in.Dst, in.Off); i >= 0 {
			s.slot[i] = 0
		}
	case isa.ClassALU64:
		if in.ALUOp() == isa.OpMov && in.Source() == isa.SrcX {
			s.reg[in.Dst] = s.reg[in.Src]
		} else if in.ALUOp() == isa.OpMov {
			s.reg[in.Dst] = 0
		} else if in.Source() == isa.SrcX {
			s.reg[in.Dst] |= s.reg[in.Src]
		}
	case isa.ClassALU:
		s.reg[in.Dst] = 0
	case isa.ClassJMP, isa.ClassJMP32:
		switch in.JmpOp() {
		case isa.JmpExit:
			return
		case isa.JmpCall:
			to := s
			for r := isa.R0; r <= isa.R5; r++ {
				s.reg[r] = 0
			}
			switch {
			case in.Src == isa.PseudoCall:
				to.slot = [64]uint8{}
				f.reach(pc+1+int(in.Imm), to)
			case in.Src == 0 && (in.Imm == getCurrentTaskBTF || in.Imm >= skcToFirst && in.Imm <= skcToLast), in.Src == isa.PseudoKfuncCall:
				s.reg[isa.R0] = fromBTF
			}
		case isa.JmpA:
			to := pc + 1 + int(in.Off)
			if in.Class() == isa.ClassJMP32 {
				to = pc + 1 + int(in.Imm)
			}
			f.reach(to, s)
			return
		default:
			f.reach(pc+1+int(in.Off), s)
		}
	}
	f.reach(next, s)
}

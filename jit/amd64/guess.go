package amd64

import (
	"skep/jit/ir"
	"skep/vm/isa"
)

// guess sets prev to about where each op will begin: to make code twice only
// for the sake of short jumps takes a third of the time.
func (l *lower) guess() {
	l.prev = make([]int32, len(l.u.Ops))
	at := int32(0)
	for i := range l.u.Ops {
		l.prev[i] = at
		if o := &l.u.Ops[i]; o.Len > 0 {
			at += l.size(o)
		}
	}
}

// size is about how many bytes an op takes, rather more than less.
func (l *lower) size(o *ir.Op) int32 {
	const (
		check = 28
		leave = 27 // for the interpreter
	)
	switch o.Kind {
	case ir.KindEnd:
		return leave
	case ir.KindNop:
		return 0
	case ir.KindRotl64, ir.KindRotl32, ir.KindLea:
		return 8
	case ir.KindZext32, ir.KindSext32:
		return 3
	case ir.KindArray:
		return 40 + l.ofCPUSize(o) + l.elementSize(o)
	case ir.KindHash:
		return 170 + l.ofCPUSize(o) + l.elementSize(o)
	case ir.KindElement:
		return 5 + l.ofCPUSize(o) + l.elementSize(o)
	case ir.Kind(isa.KindLdImm64):
		return 10
	}
	n := int32(0)
	if size, _ := o.Access(); size > 0 {
		if n = 8; o.Flags&ir.Proved == 0 && o.Src != isa.R10 && o.Dst != isa.R10 {
			n += check
		}
	}
	switch row := o.Row(); row.Form {
	case isa.FormDst, isa.FormDstImm, isa.FormDstSrc:
		switch {
		case ir.IsDiv(o.Own):
			return 40
		case row.Op&7 != isa.ClassALU && row.Op&7 != isa.ClassALU64:
			return leave
		case int64(o.Imm) == int64(int8(o.Imm)):
			return 4
		}
		return 7
	case isa.FormStoreImm:
		return n + 4
	case isa.FormAtomic, isa.FormAtomicCmpxchg:
		return n + 4
	case isa.FormAtomicFetch:
		return n + 50
	case isa.FormJmpImm, isa.FormJmpReg, isa.FormJa, isa.FormGotol:
		if n = 9; o.Flags&ir.Back != 0 {
			n += 10
		}
	case isa.FormNone:
		return 14
	case isa.FormCallLocal:
		return 60
	case isa.FormCall, isa.FormCallKfunc, isa.FormAbs, isa.FormInd, isa.FormWide:
		return leave
	}
	return n
}

func (l *lower) ofCPUSize(o *ir.Op) int32 {
	if l.u.CPUStride(o) == 0 {
		return 0
	}
	return 14
}

func (l *lower) elementSize(o *ir.Op) int32 {
	if l.u.Facts.Accepted || o.Flags&ir.Loose == 0 {
		return 0
	}
	return 110
}

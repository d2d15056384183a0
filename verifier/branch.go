package verifier

import (
	"math/bits"

	"skep/vm/isa"
)

// outcome of a comparison.
type outcome int8

const (
	unknownBranch outcome = -1
	neverTaken    outcome = 0
	alwaysTaken   outcome = 1
)

func decided(taken bool) outcome {
	if taken {
		return alwaysTaken
	}
	return neverTaken
}

// jmpSetNot is the negation of JmpSet, which has no opcode of its own.
const jmpSetNot = isa.JmpSet | isa.SrcX

// flipJmp is the operation with its operands exchanged: a > b is b < a.
func flipJmp(op uint8) uint8 {
	switch op {
	case isa.JmpGe:
		return isa.JmpLe
	case isa.JmpGt:
		return isa.JmpLt
	case isa.JmpLe:
		return isa.JmpGe
	case isa.JmpLt:
		return isa.JmpGt
	case isa.JmpSge:
		return isa.JmpSle
	case isa.JmpSgt:
		return isa.JmpSlt
	case isa.JmpSle:
		return isa.JmpSge
	case isa.JmpSlt:
		return isa.JmpSgt
	case isa.JmpEq, isa.JmpNe, isa.JmpSet:
		return op
	}
	return 0
}

// negateJmp is the operation that holds when op does not.
func negateJmp(op uint8) uint8 {
	switch op {
	case isa.JmpEq:
		return isa.JmpNe
	case isa.JmpNe:
		return isa.JmpEq
	case isa.JmpSet:
		return jmpSetNot
	case jmpSetNot:
		return isa.JmpSet
	case isa.JmpGe:
		return isa.JmpLt
	case isa.JmpGt:
		return isa.JmpLe
	case isa.JmpLe:
		return isa.JmpGt
	case isa.JmpLt:
		return isa.JmpGe
	case isa.JmpSge:
		return isa.JmpSlt
	case isa.JmpSgt:
		return isa.JmpSle
	case isa.JmpSle:
		return isa.JmpSgt
	case isa.JmpSlt:
		return isa.JmpSge
	}
	return 0
}

// view is the part of a number that a comparison sees, widened to 64 bits.
type view struct {
	bits       Tnum
	umin, umax uint64
	smin, smax int64
}

func (b *Bounds) view(jmp32 bool) view {
	if jmp32 {
		return view{b.VarOff.Subreg(), uint64(b.U32Min), uint64(b.U32Max), int64(b.S32Min), int64(b.S32Max)}
	}
	return view{b.VarOff, b.UMin, b.UMax, b.SMin, b.SMax}
}

// disjoint reports whether the two ranges have no number in common.
func (a view) disjoint(b view) bool {
	return !a.bits.Overlaps(b.bits) || a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin
}

// isConst reports whether the compared part is one number.
func (b *Bounds) isConst(jmp32 bool) bool {
	if jmp32 {
		return b.VarOff.SubregIsConst()
	}
	return b.VarOff.IsConst()
}

func (b *Bounds) constValue(jmp32 bool) uint64 {
	if jmp32 {
		return b.VarOff.Value & 0xffffffff
	}
	return b.VarOff.Value
}

// compare says what "a op b" gives, if that is known (is_scalar_branch_taken).
func compare(a, b *Bounds, op uint8, jmp32 bool) outcome {
	x, y := a.view(jmp32), b.view(jmp32)
	equal := func(yes, no outcome) outcome {
		switch {
		case x.bits.IsConst() && y.bits.IsConst():
			if x.bits.Value == y.bits.Value {
				return yes
			}
			return no
		case x.disjoint(y):
			return no
		case !jmp32 && (a.U32Min > b.U32Max || a.U32Max < b.U32Min || a.S32Min > b.S32Max || a.S32Max < b.S32Min):
			return no
		}
		return unknownBranch
	}
	switch op {
	case isa.JmpEq:
		return equal(alwaysTaken, neverTaken)
	case isa.JmpNe:
		return equal(neverTaken, alwaysTaken)
	case isa.JmpSet:
		if !y.bits.IsConst() {
			x, y = y, x
		}
		switch {
		case !y.bits.IsConst():
		case ^x.bits.Mask&x.bits.Value&y.bits.Value != 0:
			return alwaysTaken
		case (x.bits.Mask|x.bits.Value)&y.bits.Value == 0:
			return neverTaken
		}
		return unknownBranch
	case isa.JmpGt:
		return ordered(x.umin > y.umax, x.umax <= y.umin)
	case isa.JmpSgt:
		return ordered(x.smin > y.smax, x.smax <= y.smin)
	case isa.JmpLt:
		return ordered(x.umax < y.umin, x.umin >= y.umax)
	case isa.JmpSlt:
		return ordered(x.smax < y.smin, x.smin >= y.smax)
	case isa.JmpGe:
		return ordered(x.umin >= y.umax, x.umax < y.umin)
	case isa.JmpSge:
		return ordered(x.smin >= y.smax, x.smax < y.smin)
	case isa.JmpLe:
		return ordered(x.umax <= y.umin, x.umin > y.umax)
	case isa.JmpSle:
		return ordered(x.smax <= y.smin, x.smin > y.smax)
	}
	return unknownBranch
}

func ordered(always, never bool) outcome {
	switch {
	case always:
		return alwaysTaken
	case never:
		return neverTaken
	}
	return unknownBranch
}

// refine narrows a and b by the knowledge that "a op b" holds; op may be
// jmpSetNot (regs_refine_cond_op). The caller syncs both.
func refine(a, b *Bounds, op uint8, jmp32 bool) {
	switch op {
	case isa.JmpGe, isa.JmpGt, isa.JmpSge, isa.JmpSgt:
		op = flipJmp(op)
		a, b = b, a
	case isa.JmpNe, isa.JmpSet, jmpSetNot:
		if !b.isConst(jmp32) {
			a, b = b, a
		}
		if b.isConst(jmp32) {
			a.refineConst(b.constValue(jmp32), op, jmp32)
		}
		return
	}
	switch op {
	case isa.JmpEq:
		if jmp32 {
			a.clampU32(b.U32Min, b.U32Max)
			a.clampS32(b.S32Min, b.S32Max)
			b.U32Min, b.U32Max, b.S32Min, b.S32Max = a.U32Min, a.U32Max, a.S32Min, a.S32Max
			t := a.VarOff.Subreg().Intersect(b.VarOff.Subreg())
			a.VarOff, b.VarOff = a.VarOff.WithSubreg(t), b.VarOff.WithSubreg(t)
			return
		}
		a.clampU64(b.UMin, b.UMax)
		a.clampS64(b.SMin, b.SMax)
		b.UMin, b.UMax, b.SMin, b.SMax = a.UMin, a.UMax, a.SMin, a.SMax
		a.VarOff = a.VarOff.Intersect(b.VarOff)
		b.VarOff = a.VarOff
	case isa.JmpLe:
		if jmp32 {
			a.U32Max = min(a.U32Max, b.U32Max)
			b.U32Min = max(a.U32Min, b.U32Min)
		} else {
			a.UMax = min(a.UMax, b.UMax)
			b.UMin = max(a.UMin, b.UMin)
		}
	case isa.JmpLt:
		if jmp32 {
			a.U32Max = min(a.U32Max, b.U32Max-1)
			b.U32Min = max(a.U32Min+1, b.U32Min)
		} else {
			a.UMax = min(a.UMax, b.UMax-1)
			b.UMin = max(a.UMin+1, b.UMin)
		}
	case isa.JmpSle:
		if jmp32 {
			a.S32Max = min(a.S32Max, b.S32Max)
			b.S32Min = max(a.S32Min, b.S32Min)
		} else {
			a.SMax = min(a.SMax, b.SMax)
			b.SMin = max(a.SMin, b.SMin)
		}
	case isa.JmpSlt:
		if jmp32 {
			a.S32Max = min(a.S32Max, b.S32Max-1)
			b.S32Min = max(a.S32Min+1, b.S32Min)
		} else {
			a.SMax = min(a.SMax, b.SMax-1)
			b.SMin = max(a.SMin+1, b.SMin)
		}
	}
}

// refineConst narrows a by "a op v" for the operations that need a constant.
func (a *Bounds) refineConst(v uint64, op uint8, jmp32 bool) {
	withBits := func(t Tnum) {
		if jmp32 {
			t = a.VarOff.WithSubreg(t)
		}
		a.VarOff = t
	}
	old := a.VarOff
	if jmp32 {
		old = old.Subreg()
	}
	switch op {
	case isa.JmpNe:
		if jmp32 {
			if a.U32Min == uint32(v) {
				a.U32Min++
			}
			if a.U32Max == uint32(v) {
				a.U32Max--
			}
			if a.S32Min == int32(v) {
				a.S32Min++
			}
			if a.S32Max == int32(v) {
				a.S32Max--
			}
			return
		}
		if a.UMin == v {
			a.UMin++
		}
		if a.UMax == v {
			a.UMax--
		}
		if a.SMin == int64(v) {
			a.SMin++
		}
		if a.SMax == int64(v) {
			a.SMax--
		}
	case isa.JmpSet:
		// Some bit of v is set: known which only when v has one.
		if bits.OnesCount64(v) == 1 {
			withBits(old.Or(Tnum{Value: v}))
		}
	case jmpSetNot:
		a.unbound()
		withBits(old.And(Tnum{Value: ^v}))
	}
}

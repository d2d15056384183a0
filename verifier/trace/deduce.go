package trace

import (
	"math"

	"skep/verifier"
	"skep/vm/isa"
)

// deduction is how the limits of a number followed from what an instruction
// did to it: old is what was known of it before, new behind.
func (w *reasoner) deduction(old, new *verifier.RegState) Deduction {
	if old == nil || new == nil || old.Type != verifier.ScalarValue || new.Type != verifier.ScalarValue {
		return DeductionDirect
	}
	switch w.in.Class() {
	case isa.ClassALU, isa.ClassALU64:
		return w.computed(&old.Bounds, &new.Bounds)
	case isa.ClassJMP, isa.ClassJMP32:
		return w.compared(&old.Bounds, &new.Bounds)
	}
	return DeductionDirect
}

// computed is the deduction behind arithmetic.
func (w *reasoner) computed(old, new *verifier.Bounds) Deduction {
	narrow := w.in.Class() == isa.ClassALU
	nothing := unknownBounds(new) || narrow && *new == derive(0, math.MaxUint32)
	switch op := w.in.ALUOp(); {
	case op == isa.OpAnd || op == isa.OpOr || op == isa.OpXor:
		return DeductionLimitsFromBits
	case nothing && !unknownBounds(old) && (op == isa.OpAdd || op == isa.OpSub || op == isa.OpMul || op == isa.OpLsh):
		return DeductionWraps
	case nothing && !unknownBounds(old):
		return DeductionNotFollowed
	case narrow && old.UMax > math.MaxUint32:
		return DeductionCut
	}
	return DeductionDirect
}

// compared is the deduction behind a comparison, beyond the limit that it
// states itself.
func (w *reasoner) compared(old, new *verifier.Bounds) Deduction {
	unsigned := old.UMin != new.UMin || old.UMax != new.UMax
	signed := old.SMin != new.SMin || old.SMax != new.SMax
	switch op := w.in.JmpOp(); {
	case w.in.Class() == isa.ClassJMP32 && (unsigned || signed):
		return DeductionWholeFromLow
	case op == isa.JmpSet && (unsigned || signed):
		return DeductionLimitsFromBits
	case op == isa.JmpSgt || op == isa.JmpSge || op == isa.JmpSlt || op == isa.JmpSle:
		if unsigned {
			return DeductionUnsignedFromSigned
		}
	case old.SMin < 0 && new.SMin >= 0:
		return DeductionSignedFromUnsigned
	}
	if old.VarOff.Mask != new.VarOff.Mask && (unsigned || signed) && !new.VarOff.IsConst() {
		return DeductionBitsFromLimits
	}
	return DeductionDirect
}

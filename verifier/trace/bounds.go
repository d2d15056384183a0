package trace

import (
	"math"
	"math/bits"

	"skep/verifier"
)

// derive is everything that follows from an unsigned range, which is most of
// what the verifier knows most of the time: only what differs is written.
func derive(umin, umax uint64) verifier.Bounds {
	b := verifier.Bounds{
		UMin: umin, UMax: umax, SMin: math.MinInt64, SMax: math.MaxInt64,
		U32Max: math.MaxUint32, S32Min: math.MinInt32, S32Max: math.MaxInt32,
	}
	if int64(umin) <= int64(umax) {
		b.SMin, b.SMax = int64(umin), int64(umax)
	}
	if umin>>32 == umax>>32 {
		b.U32Min, b.U32Max = uint32(umin), uint32(umax)
	}
	if int32(b.U32Min) <= int32(b.U32Max) {
		b.S32Min, b.S32Max = int32(b.U32Min), int32(b.U32Max)
	}
	mask := uint64(1)<<bits.Len64(umin^umax) - 1
	if bits.Len64(umin^umax) == 64 {
		mask = math.MaxUint64
	}
	b.VarOff = verifier.Tnum{Value: umin &^ mask, Mask: mask}
	return b
}

func unknownBounds(b *verifier.Bounds) bool { return *b == unlimited }

// Bits of what follows in a Bounds.
const (
	hasConst = 1 << iota
	hasUMin
	hasUMax
	hasSMin
	hasSMax
	hasU32Min
	hasU32Max
	hasS32Min
	hasS32Max
	hasValue
	hasMask
	boundsFields = 11
)

// Bounds writes the unsigned range, then what does not follow from it.
func (w *encoder) Bounds(b *verifier.Bounds) {
	d := derive(b.UMin, b.UMax)
	if b.UMin == b.UMax && *b == d {
		w.U32(hasConst)
		w.Z64(int64(b.UMin))
		return
	}
	var has uint32
	note := func(differs bool, bit uint32) {
		if differs {
			has |= bit
		}
	}
	note(b.UMin != 0, hasUMin)
	note(b.UMax != math.MaxUint64, hasUMax)
	note(b.SMin != d.SMin, hasSMin)
	note(b.SMax != d.SMax, hasSMax)
	note(b.U32Min != d.U32Min, hasU32Min)
	note(b.U32Max != d.U32Max, hasU32Max)
	note(b.S32Min != d.S32Min, hasS32Min)
	note(b.S32Max != d.S32Max, hasS32Max)
	note(b.VarOff.Value != d.VarOff.Value, hasValue)
	note(b.VarOff.Mask != d.VarOff.Mask, hasMask)
	w.U32(has)
	if has&hasUMin != 0 {
		w.U64(b.UMin)
	}
	if has&hasUMax != 0 {
		w.U64(b.UMax)
	}
	if has&hasSMin != 0 {
		w.Z64(b.SMin)
	}
	if has&hasSMax != 0 {
		w.Z64(b.SMax)
	}
	if has&hasU32Min != 0 {
		w.U32(b.U32Min)
	}
	if has&hasU32Max != 0 {
		w.U32(b.U32Max)
	}
	if has&hasS32Min != 0 {
		w.Z32(b.S32Min)
	}
	if has&hasS32Max != 0 {
		w.Z32(b.S32Max)
	}
	if has&hasValue != 0 {
		w.U64(b.VarOff.Value)
	}
	if has&hasMask != 0 {
		w.U64(b.VarOff.Mask)
	}
}

// Bounds reads what Bounds of encoder wrote.
func (r *decoder) Bounds() verifier.Bounds {
	has := r.mask(boundsFields)
	if has&hasConst != 0 {
		v := uint64(r.Z64())
		return derive(v, v)
	}
	umin, umax := uint64(0), uint64(math.MaxUint64)
	if has&hasUMin != 0 {
		umin = r.U64()
	}
	if has&hasUMax != 0 {
		umax = r.U64()
	}
	b := derive(umin, umax)
	if has&hasSMin != 0 {
		b.SMin = r.Z64()
	}
	if has&hasSMax != 0 {
		b.SMax = r.Z64()
	}
	if has&hasU32Min != 0 {
		b.U32Min = r.U32()
	}
	if has&hasU32Max != 0 {
		b.U32Max = r.U32()
	}
	if has&hasS32Min != 0 {
		b.S32Min = r.Z32()
	}
	if has&hasS32Max != 0 {
		b.S32Max = r.Z32()
	}
	if has&hasValue != 0 {
		b.VarOff.Value = r.U64()
	}
	if has&hasMask != 0 {
		b.VarOff.Mask = r.U64()
	}
	return b
}

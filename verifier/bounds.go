package verifier

import "math"

// Bounds is what is known of a number: the four ranges of its 64 and 32 bits,
// and its bits. For a pointer it is the variable part of the offset. Each
// field alone holds of every concrete value.
//
// Names are those of struct bpf_reg_state.
type Bounds struct {
	VarOff         Tnum
	SMin, SMax     int64
	UMin, UMax     uint64
	S32Min, S32Max int32
	U32Min, U32Max uint32
}

// same is ==; see RegHead.same.
func (b *Bounds) same(o *Bounds) bool {
	return b.UMin == o.UMin && b.UMax == o.UMax && b.SMin == o.SMin && b.SMax == o.SMax &&
		b.VarOff.Value == o.VarOff.Value && b.VarOff.Mask == o.VarOff.Mask &&
		b.U32Min == o.U32Min && b.U32Max == o.U32Max && b.S32Min == o.S32Min && b.S32Max == o.S32Max
}

var unboundedBounds = Bounds{
	VarOff: tnumUnknown,
	SMin:   math.MinInt64, SMax: math.MaxInt64,
	UMax:   math.MaxUint64,
	S32Min: math.MinInt32, S32Max: math.MaxInt32,
	U32Max: math.MaxUint32,
}

// setConst makes b the constant v.
func (b *Bounds) setConst(v uint64) {
	*b = Bounds{
		VarOff: Tnum{Value: v},
		SMin:   int64(v), SMax: int64(v), UMin: v, UMax: v,
		S32Min: int32(v), S32Max: int32(v), U32Min: uint32(v), U32Max: uint32(v),
	}
}

// setConst32 makes the low 32 bits the constant v, and does not touch the
// 64-bit ranges (__mark_reg32_known).
func (b *Bounds) setConst32(v uint32) {
	b.VarOff = b.VarOff.WithSubreg(Tnum{Value: uint64(v)})
	b.S32Min, b.S32Max = int32(v), int32(v)
	b.U32Min, b.U32Max = v, v
}

func (b *Bounds) unbound64() {
	b.SMin, b.SMax, b.UMin, b.UMax = math.MinInt64, math.MaxInt64, 0, math.MaxUint64
}

func (b *Bounds) unbound32() {
	b.S32Min, b.S32Max, b.U32Min, b.U32Max = math.MinInt32, math.MaxInt32, 0, math.MaxUint32
}

// unbound forgets the ranges but not the bits (__mark_reg_unbounded).
func (b *Bounds) unbound() { b.unbound64(); b.unbound32() }

// fromBits32 narrows the 32-bit ranges by the known bits (__update_reg32_bounds).
func (b *Bounds) fromBits32() {
	v, m := uint32(b.VarOff.Value), uint32(b.VarOff.Mask)
	b.S32Min = max(b.S32Min, int32(v|m&(1<<31)))
	b.S32Max = min(b.S32Max, int32(v|m&math.MaxInt32))
	b.U32Min = max(b.U32Min, v)
	b.U32Max = min(b.U32Max, v|m)
}

// fromBits64 narrows the 64-bit ranges by the known bits (__update_reg64_bounds).
func (b *Bounds) fromBits64() {
	v, m := b.VarOff.Value, b.VarOff.Mask
	b.SMin = max(b.SMin, int64(v|m&(1<<63)))
	b.SMax = min(b.SMax, int64(v|m&math.MaxInt64))
	b.UMin = max(b.UMin, v)
	b.UMax = min(b.UMax, v|m)
}

func (b *Bounds) fromBits() { b.fromBits32(); b.fromBits64() }

func (b *Bounds) clampS32(lo, hi int32)  { b.S32Min, b.S32Max = max(b.S32Min, lo), min(b.S32Max, hi) }
func (b *Bounds) clampU32(lo, hi uint32) { b.U32Min, b.U32Max = max(b.U32Min, lo), min(b.U32Max, hi) }
func (b *Bounds) clampS64(lo, hi int64)  { b.SMin, b.SMax = max(b.SMin, lo), min(b.SMax, hi) }
func (b *Bounds) clampU64(lo, hi uint64) { b.UMin, b.UMax = max(b.UMin, lo), min(b.UMax, hi) }

// deduce32 narrows the 32-bit ranges by the 64-bit ones and by each other
// (__reg32_deduce_bounds).
func (b *Bounds) deduce32() {
	// All values share the upper half: the lower halves are in order.
	if b.UMin>>32 == b.UMax>>32 {
		b.clampU32(uint32(b.UMin), uint32(b.UMax))
		if int32(b.UMin) <= int32(b.UMax) {
			b.clampS32(int32(b.UMin), int32(b.UMax))
		}
	}
	if b.SMin>>32 == b.SMax>>32 {
		if uint32(b.SMin) <= uint32(b.SMax) {
			b.clampU32(uint32(b.SMin), uint32(b.SMax))
		}
		if int32(b.SMin) <= int32(b.SMax) {
			b.clampS32(int32(b.SMin), int32(b.SMax))
		}
	}
	// The upper half steps by one where the lower one goes from -1 to 0.
	if uint32(b.UMin>>32)+1 == uint32(b.UMax>>32) && int32(b.UMin) < 0 && int32(b.UMax) >= 0 {
		b.clampS32(int32(b.UMin), int32(b.UMax))
	}
	if uint32(b.SMin>>32)+1 == uint32(b.SMax>>32) && int32(b.SMin) < 0 && int32(b.SMax) >= 0 {
		b.clampS32(int32(b.SMin), int32(b.SMax))
	}
	// Unsigned range on one side of the sign change.
	if int32(b.U32Min) <= int32(b.U32Max) {
		b.clampS32(int32(b.U32Min), int32(b.U32Max))
	}
	switch {
	case uint32(b.S32Min) <= uint32(b.S32Max):
		b.clampU32(uint32(b.S32Min), uint32(b.S32Max))
	case b.U32Max < uint32(b.S32Min):
		// The signed range crosses zero and the unsigned one only meets its
		// part from zero up.
		b.S32Min = int32(b.U32Min)
		b.U32Max = min(b.U32Max, uint32(b.S32Max))
	case uint32(b.S32Max) < b.U32Min:
		b.S32Max = int32(b.U32Max)
		b.U32Min = max(b.U32Min, uint32(b.S32Min))
	}
}

// deduce64 is deduce32's second half for 64 bits (__reg64_deduce_bounds).
func (b *Bounds) deduce64() {
	if int64(b.UMin) <= int64(b.UMax) {
		b.clampS64(int64(b.UMin), int64(b.UMax))
	}
	switch {
	case uint64(b.SMin) <= uint64(b.SMax):
		b.clampU64(uint64(b.SMin), uint64(b.SMax))
	case b.UMax < uint64(b.SMin):
		b.SMin = int64(b.UMin)
		b.UMax = min(b.UMax, uint64(b.SMax))
	case uint64(b.SMax) < b.UMin:
		b.SMax = int64(b.UMax)
		b.UMin = max(b.UMin, uint64(b.SMin))
	}
}

// deduceMixed narrows the 64-bit ranges by the 32-bit ones
// (__reg_deduce_mixed_bounds).
func (b *Bounds) deduceMixed() {
	const high = ^uint64(0xffffffff)
	b.clampU64(b.UMin&high|uint64(b.U32Min), b.UMax&high|uint64(b.U32Max))
	b.clampS64(int64(uint64(b.SMin)&high|uint64(b.U32Min)), int64(uint64(b.SMax)&high|uint64(b.U32Max)))
	if lo, hi := uint32(b.S32Min), uint32(b.S32Max); lo <= hi {
		b.clampU64(b.UMin&high|uint64(lo), b.UMax&high|uint64(hi))
		b.clampS64(int64(uint64(b.SMin)&high|uint64(lo)), int64(uint64(b.SMax)&high|uint64(hi)))
	}
	// Both are non-negative 32-bit numbers: one is the other.
	if b.S32Min >= 0 && b.SMin >= math.MinInt32 && b.SMax <= math.MaxInt32 {
		b.SMin, b.SMax = int64(b.S32Min), int64(b.S32Max)
		b.UMin, b.UMax = uint64(b.S32Min), uint64(b.S32Max)
		b.VarOff = b.VarOff.Intersect(TnumRange(uint64(b.SMin), uint64(b.SMax)))
	}
}

// toBits narrows the known bits by the unsigned ranges (__reg_bound_offset).
func (b *Bounds) toBits() {
	v64 := b.VarOff.Intersect(TnumRange(b.UMin, b.UMax))
	v32 := v64.Subreg().Intersect(TnumRange(uint64(b.U32Min), uint64(b.U32Max)))
	b.VarOff = Tnum{v64.Value >> 32 << 32, v64.Mask >> 32 << 32}.Or(v32)
}

// sync lets each part of b learn from the others (reg_bounds_sync). Three
// rounds, as many as the kernel does: its states are printed after them.
func (b *Bounds) sync() {
	b.fromBits()
	for range 3 {
		b.deduce32()
		b.deduce64()
		b.deduceMixed()
	}
	b.toBits()
	b.fromBits()
}

// violation names what is contradictory in b, empty when nothing is
// (reg_bounds_sanity_check).
func (b *Bounds) violation() string {
	if b.UMin > b.UMax || b.SMin > b.SMax || b.U32Min > b.U32Max || b.S32Min > b.S32Max {
		return "range bounds violation"
	}
	if v := b.VarOff.Value; b.VarOff.IsConst() &&
		(b.UMin != v || b.UMax != v || b.SMin != int64(v) || b.SMax != int64(v)) {
		return "const tnum out of sync with range bounds"
	}
	if v := uint32(b.VarOff.Value); b.VarOff.SubregIsConst() &&
		(b.U32Min != v || b.U32Max != v || b.S32Min != int32(v) || b.S32Max != int32(v)) {
		return "const subreg tnum out of sync with range bounds"
	}
	return ""
}

// within reports whether every value of c is in b's ranges (range_within).
func (b *Bounds) within(c *Bounds) bool {
	return b.UMin <= c.UMin && b.UMax >= c.UMax &&
		b.SMin <= c.SMin && b.SMax >= c.SMax &&
		b.U32Min <= c.U32Min && b.U32Max >= c.U32Max &&
		b.S32Min <= c.S32Min && b.S32Max >= c.S32Max
}

// zext32 makes the upper half zero (zext_32_to_64).
func (b *Bounds) zext32() {
	b.VarOff = b.VarOff.Subreg()
	b.UMin, b.UMax = uint64(b.U32Min), uint64(b.U32Max)
	if b.S32Min >= 0 && b.S32Max >= 0 {
		b.SMin, b.SMax = int64(b.S32Min), int64(b.S32Max)
	} else {
		b.SMin, b.SMax = 0, math.MaxUint32
	}
}

// coerce is the effect of a zero-extending load of size bytes, less than 8
// (coerce_reg_to_size).
func (b *Bounds) coerce(size int) {
	b.VarOff = b.VarOff.Cast(size)
	mask := uint64(1)<<(size*8) - 1
	if b.UMin&^mask == b.UMax&^mask {
		b.UMin &= mask
		b.UMax &= mask
	} else {
		b.UMin, b.UMax = 0, mask
	}
	b.SMin, b.SMax = int64(b.UMin), int64(b.UMax)
	if size < 4 {
		b.unbound32()
	}
	b.sync()
}

// sext is the sign extension of v's low size bytes.
func sext(v int64, size int) int64 {
	n := 64 - size*8
	return v << n >> n
}

// coerceSX is the effect of a sign extension of the low size bytes to 64 bits
// (coerce_reg_to_size_sx).
func (b *Bounds) coerceSX(size int) {
	if b.VarOff.IsConst() {
		b.setConst(uint64(sext(int64(b.VarOff.Value), size)))
		return
	}
	n := size * 8
	if uint64(b.SMax)>>n == uint64(b.SMin)>>n {
		x, y := sext(b.SMax, size), sext(b.SMin, size)
		lo, hi := min(x, y), max(x, y)
		if (lo >= 0) == (hi >= 0) {
			b.S32Min, b.SMin = int32(lo), lo
			b.S32Max, b.SMax = int32(hi), hi
			b.U32Min, b.UMin = uint32(lo), uint64(lo)
			b.U32Max, b.UMax = uint32(hi), uint64(hi)
			b.VarOff = TnumRange(uint64(lo), uint64(hi))
			return
		}
	}
	lim := int64(1) << (n - 1)
	b.SMin, b.SMax = -lim, lim-1
	b.S32Min, b.S32Max = int32(-lim), int32(lim-1)
	b.UMin, b.UMax = 0, math.MaxUint64
	b.U32Min, b.U32Max = 0, math.MaxUint32
	b.VarOff = tnumUnknown
}

// coerceSX32 is coerceSX to 32 bits, size 1 or 2 (coerce_subreg_to_size_sx).
func (b *Bounds) coerceSX32(size int) {
	if b.VarOff.IsConst() {
		v := int32(sext(int64(b.VarOff.Value), size))
		b.VarOff = Tnum{Value: uint64(int64(v))}
		b.S32Min, b.S32Max, b.U32Min, b.U32Max = v, v, uint32(v), uint32(v)
		return
	}
	n := size * 8
	if uint32(b.S32Max)>>n == uint32(b.S32Min)>>n {
		x, y := int32(sext(int64(b.S32Max), size)), int32(sext(int64(b.S32Min), size))
		lo, hi := min(x, y), max(x, y)
		if (lo >= 0) == (hi >= 0) {
			b.S32Min, b.S32Max, b.U32Min, b.U32Max = lo, hi, uint32(lo), uint32(hi)
			b.VarOff = TnumRange(uint64(int64(lo)), uint64(int64(hi))).Subreg()
			return
		}
	}
	lim := int32(1) << (n - 1)
	b.S32Min, b.S32Max = -lim, lim-1
	b.U32Min, b.U32Max = 0, math.MaxUint32
	b.VarOff = tnumUnknown.Subreg()
}

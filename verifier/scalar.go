package verifier

import (
	"math"

	"skep/vm/isa"
)

// aluFn is the effect of an operation with a known-safe source on d.
type aluFn func(d, s *Bounds, alu32 bool)

// scalarOps are the operations whose result has a range, by opcode >> 4
// (adjust_scalar_min_max_vals). Others make the destination unknown.
var scalarOps = [16]aluFn{
	isa.OpAdd >> 4:  (*Bounds).add,
	isa.OpSub >> 4:  (*Bounds).sub,
	isa.OpMul >> 4:  (*Bounds).mul,
	isa.OpAnd >> 4:  (*Bounds).and,
	isa.OpOr >> 4:   (*Bounds).or,
	isa.OpXor >> 4:  (*Bounds).xor,
	isa.OpLsh >> 4:  (*Bounds).lsh,
	isa.OpRsh >> 4:  (*Bounds).rsh,
	isa.OpArsh >> 4: (*Bounds).arsh,
}

// rangeComputable reports whether op with this source has a range: shifts only
// by a known amount below the width (is_safe_to_compute_dst_reg_range).
func rangeComputable(op uint8, alu32 bool, s *Bounds) bool {
	switch op {
	case isa.OpAdd, isa.OpSub, isa.OpMul, isa.OpAnd, isa.OpOr, isa.OpXor:
		return true
	case isa.OpLsh, isa.OpRsh, isa.OpArsh:
		if alu32 {
			return s.VarOff.SubregIsConst() && s.S32Min == s.S32Max && s.U32Min == s.U32Max && s.UMax < 32
		}
		return s.VarOff.IsConst() && s.SMin == s.SMax && s.UMin == s.UMax && s.UMax < 64
	}
	return false
}

func addS64(a, b int64) (int64, bool) {
	c := a + b
	return c, (c > a) == (b > 0) || b == 0
}

func subS64(a, b int64) (int64, bool) {
	c := a - b
	return c, (c < a) == (b > 0) || b == 0
}

// fitS32 reports whether v is an int32.
func fitS32(v int64) bool { return v == int64(int32(v)) }

// addRanges is add without the bits (scalar32_min_max_add, scalar_min_max_add).
// A pair of limits of which one overflows is forgotten.
func (d *Bounds) addRanges(s *Bounds) {
	lo32, hi32 := int64(d.S32Min)+int64(s.S32Min), int64(d.S32Max)+int64(s.S32Max)
	if fitS32(lo32) && fitS32(hi32) {
		d.S32Min, d.S32Max = int32(lo32), int32(hi32)
	} else {
		d.S32Min, d.S32Max = math.MinInt32, math.MaxInt32
	}
	ulo32, uhi32 := uint64(d.U32Min)+uint64(s.U32Min), uint64(d.U32Max)+uint64(s.U32Max)
	if ulo32 <= math.MaxUint32 && uhi32 <= math.MaxUint32 {
		d.U32Min, d.U32Max = uint32(ulo32), uint32(uhi32)
	} else {
		d.U32Min, d.U32Max = 0, math.MaxUint32
	}
	d.addRanges64(s)
}

func (d *Bounds) addRanges64(s *Bounds) {
	lo, ok1 := addS64(d.SMin, s.SMin)
	hi, ok2 := addS64(d.SMax, s.SMax)
	if ok1 && ok2 {
		d.SMin, d.SMax = lo, hi
	} else {
		d.SMin, d.SMax = math.MinInt64, math.MaxInt64
	}
	ulo, uhi := d.UMin+s.UMin, d.UMax+s.UMax
	if ulo >= d.UMin && uhi >= d.UMax {
		d.UMin, d.UMax = ulo, uhi
	} else {
		d.UMin, d.UMax = 0, math.MaxUint64
	}
}

func (d *Bounds) add(s *Bounds, _ bool) {
	d.addRanges(s)
	d.VarOff = d.VarOff.Add(s.VarOff)
}

func (d *Bounds) sub(s *Bounds, _ bool) {
	lo32, hi32 := int64(d.S32Min)-int64(s.S32Max), int64(d.S32Max)-int64(s.S32Min)
	if fitS32(lo32) && fitS32(hi32) {
		d.S32Min, d.S32Max = int32(lo32), int32(hi32)
	} else {
		d.S32Min, d.S32Max = math.MinInt32, math.MaxInt32
	}
	if d.U32Min < s.U32Max {
		d.U32Min, d.U32Max = 0, math.MaxUint32
	} else {
		d.U32Min, d.U32Max = d.U32Min-s.U32Max, d.U32Max-s.U32Min
	}
	d.subRanges64(s)
	d.VarOff = d.VarOff.Sub(s.VarOff)
}

func (d *Bounds) subRanges64(s *Bounds) {
	lo, ok1 := subS64(d.SMin, s.SMax)
	hi, ok2 := subS64(d.SMax, s.SMin)
	if ok1 && ok2 {
		d.SMin, d.SMax = lo, hi
	} else {
		d.SMin, d.SMax = math.MinInt64, math.MaxInt64
	}
	if d.UMin < s.UMax {
		d.UMin, d.UMax = 0, math.MaxUint64
	} else {
		d.UMin, d.UMax = d.UMin-s.UMax, d.UMax-s.UMin
	}
}

func (d *Bounds) mul(s *Bounds, _ bool) {
	d.VarOff = d.VarOff.Mul(s.VarOff)
	switch {
	case s.S32Min < 0 || d.S32Min < 0, s.U32Max > math.MaxUint16 || d.U32Max > math.MaxUint16:
		d.unbound32()
	default:
		d.U32Min *= s.U32Min
		d.U32Max *= s.U32Max
		d.signedFromUnsigned32(d.U32Max <= math.MaxInt32)
	}
	switch {
	case s.SMin < 0 || d.SMin < 0, s.UMax > math.MaxUint32 || d.UMax > math.MaxUint32:
		d.unbound64()
	default:
		d.UMin *= s.UMin
		d.UMax *= s.UMax
		d.signedFromUnsigned64(d.UMax <= math.MaxInt64)
	}
}

// signedFromUnsigned32 sets the signed range to the unsigned one when that is
// right, else to everything.
func (d *Bounds) signedFromUnsigned32(ok bool) {
	if ok {
		d.S32Min, d.S32Max = int32(d.U32Min), int32(d.U32Max)
	} else {
		d.S32Min, d.S32Max = math.MinInt32, math.MaxInt32
	}
}

func (d *Bounds) signedFromUnsigned64(ok bool) {
	if ok {
		d.SMin, d.SMax = int64(d.UMin), int64(d.UMax)
	} else {
		d.SMin, d.SMax = math.MinInt64, math.MaxInt64
	}
}

// bitwise finishes and, or and xor: the bits are in VarOff, lo..hi are the
// unsigned limits by them. Constness is asked of s and of the result.
func (d *Bounds) bitwise(s *Bounds, lo32, hi32 uint32, lo, hi uint64) {
	if s.VarOff.SubregIsConst() && d.VarOff.SubregIsConst() {
		d.setConst32(uint32(d.VarOff.Value))
	} else {
		d.U32Min, d.U32Max = lo32, hi32
		d.signedFromUnsigned32(int32(lo32) <= int32(hi32))
	}
	if s.VarOff.IsConst() && d.VarOff.IsConst() {
		d.setConst(d.VarOff.Value)
		return
	}
	d.UMin, d.UMax = lo, hi
	d.signedFromUnsigned64(int64(lo) <= int64(hi))
	d.fromBits()
}

func (d *Bounds) and(s *Bounds, _ bool) {
	d.VarOff = d.VarOff.And(s.VarOff)
	d.bitwise(s, uint32(d.VarOff.Value), min(d.U32Max, s.U32Max), d.VarOff.Value, min(d.UMax, s.UMax))
}

func (d *Bounds) or(s *Bounds, _ bool) {
	d.VarOff = d.VarOff.Or(s.VarOff)
	all := d.VarOff.Value | d.VarOff.Mask
	d.bitwise(s, max(d.U32Min, s.U32Min), uint32(all), max(d.UMin, s.UMin), all)
}

func (d *Bounds) xor(s *Bounds, _ bool) {
	d.VarOff = d.VarOff.Xor(s.VarOff)
	all := d.VarOff.Value | d.VarOff.Mask
	d.bitwise(s, uint32(d.VarOff.Value), uint32(all), d.VarOff.Value, all)
}

func (d *Bounds) lsh32(lo, hi uint64) {
	d.S32Min, d.S32Max = math.MinInt32, math.MaxInt32
	if hi > 31 || uint64(d.U32Max) > 1<<(31-hi) {
		d.U32Min, d.U32Max = 0, math.MaxUint32
	} else {
		d.U32Min <<= lo
		d.U32Max <<= hi
	}
}

func (d *Bounds) lsh(s *Bounds, alu32 bool) {
	if alu32 {
		lo, hi := uint64(s.U32Min), uint64(s.U32Max)
		d.lsh32(lo, hi)
		d.VarOff = d.VarOff.Subreg().Lsh(uint8(lo)).Subreg()
		d.unbound64()
		d.fromBits32()
		return
	}
	lo, hi := s.UMin, s.UMax
	// A shift by 32 is half of a sign extension as compilers write it.
	if lo == 32 && hi == 32 {
		d.SMin, d.SMax = int64(d.S32Min)<<32, int64(d.S32Max)<<32
	} else {
		d.SMin, d.SMax = math.MinInt64, math.MaxInt64
	}
	if d.UMax > 1<<(63-hi) {
		d.UMin, d.UMax = 0, math.MaxUint64
	} else {
		d.UMin <<= lo
		d.UMax <<= hi
	}
	d.lsh32(lo, hi)
	d.VarOff = d.VarOff.Lsh(uint8(lo))
	d.fromBits()
}

func (d *Bounds) rsh(s *Bounds, alu32 bool) {
	if alu32 {
		d.S32Min, d.S32Max = math.MinInt32, math.MaxInt32
		d.VarOff = d.VarOff.Subreg().Rsh(uint8(s.U32Min))
		d.U32Min >>= s.U32Max
		d.U32Max >>= s.U32Min
		d.unbound64()
		d.fromBits32()
		return
	}
	d.SMin, d.SMax = math.MinInt64, math.MaxInt64
	d.VarOff = d.VarOff.Rsh(uint8(s.UMin))
	d.UMin >>= s.UMax
	d.UMax >>= s.UMin
	d.unbound32()
	d.fromBits()
}

func (d *Bounds) arsh(s *Bounds, alu32 bool) {
	if alu32 {
		n := uint8(s.U32Min)
		d.S32Min >>= n
		d.S32Max >>= n
		d.VarOff = d.VarOff.Subreg().Arsh(n, 32)
		d.U32Min, d.U32Max = 0, math.MaxUint32
		d.unbound64()
		d.fromBits32()
		return
	}
	n := uint8(s.UMin)
	d.SMin >>= n
	d.SMax >>= n
	d.VarOff = d.VarOff.Arsh(n, 64)
	d.UMin, d.UMax = 0, math.MaxUint64
	d.unbound32()
	d.fromBits()
}

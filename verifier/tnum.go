package verifier

import (
	"math/bits"
	"strconv"
)

// Tnum is a tristate number, struct tnum of kernel/bpf/tnum.c: each bit is
// known to be 0 or 1, or unknown. Bits set in Mask are unknown; Value holds the
// known ones and is zero where Mask is set.
type Tnum struct{ Value, Mask uint64 }

var tnumUnknown = Tnum{Mask: ^uint64(0)}

// TnumConst is the tnum of one value.
func TnumConst(v uint64) Tnum { return Tnum{Value: v} }

// TnumRange is the smallest tnum that holds all of min..max.
func TnumRange(min, max uint64) Tnum {
	n := bits.Len64(min ^ max)
	if n > 63 {
		return tnumUnknown
	}
	delta := uint64(1)<<n - 1
	return Tnum{min &^ delta, delta}
}

// IsConst reports whether all bits are known.
func (a Tnum) IsConst() bool { return a.Mask == 0 }

// Is reports whether a is the constant v.
func (a Tnum) Is(v uint64) bool { return a.Mask == 0 && a.Value == v }

// IsUnknown reports whether no bit is known.
func (a Tnum) IsUnknown() bool { return ^a.Mask == 0 }

// SubregIsConst reports whether the low 32 bits are known.
func (a Tnum) SubregIsConst() bool { return uint32(a.Mask) == 0 }

// Lsh shifts left.
func (a Tnum) Lsh(n uint8) Tnum { return Tnum{a.Value << n, a.Mask << n} }

// Rsh shifts right.
func (a Tnum) Rsh(n uint8) Tnum { return Tnum{a.Value >> n, a.Mask >> n} }

// Arsh shifts right keeping the sign of a number of width bits, 32 or 64.
func (a Tnum) Arsh(n uint8, width int) Tnum {
	if width == 32 {
		return Tnum{uint64(uint32(int32(a.Value) >> n)), uint64(uint32(int32(a.Mask) >> n))}
	}
	return Tnum{uint64(int64(a.Value) >> n), uint64(int64(a.Mask) >> n)}
}

// Add holds every sum of a member of a and one of b.
func (a Tnum) Add(b Tnum) Tnum {
	sm, sv := a.Mask+b.Mask, a.Value+b.Value
	mu := (sm + sv) ^ sv | a.Mask | b.Mask
	return Tnum{sv &^ mu, mu}
}

// Sub holds every difference.
func (a Tnum) Sub(b Tnum) Tnum {
	dv := a.Value - b.Value
	mu := (dv + a.Mask) ^ (dv - b.Mask) | a.Mask | b.Mask
	return Tnum{dv &^ mu, mu}
}

// And, Or and Xor hold the results of the bitwise operations.
func (a Tnum) And(b Tnum) Tnum {
	v := a.Value & b.Value
	return Tnum{v, (a.Value | a.Mask) & (b.Value | b.Mask) &^ v}
}

func (a Tnum) Or(b Tnum) Tnum {
	v := a.Value | b.Value
	return Tnum{v, (a.Mask | b.Mask) &^ v}
}

func (a Tnum) Xor(b Tnum) Tnum {
	mu := a.Mask | b.Mask
	return Tnum{(a.Value ^ b.Value) &^ mu, mu}
}

// Mul holds every product: a long multiplication in which an unknown bit adds
// an unknown summand (Vishwanathan et al., "Sound, Precise, and Fast Abstract
// Interpretation with Tristate Numbers").
func (a Tnum) Mul(b Tnum) Tnum {
	product := Tnum{Value: a.Value * b.Value}
	var acc Tnum
	for a.Value|a.Mask != 0 {
		switch {
		case a.Value&1 != 0:
			acc = acc.Add(Tnum{0, b.Mask})
		case a.Mask&1 != 0:
			acc = acc.Add(Tnum{0, b.Value | b.Mask})
		}
		a, b = a.Rsh(1), b.Lsh(1)
	}
	return product.Add(acc)
}

// Overlaps reports whether a and b can be equal.
func (a Tnum) Overlaps(b Tnum) bool {
	mu := ^a.Mask & ^b.Mask
	return a.Value&mu == b.Value&mu
}

// Intersect holds what both hold, given that they overlap.
func (a Tnum) Intersect(b Tnum) Tnum {
	mu := a.Mask & b.Mask
	return Tnum{(a.Value | b.Value) &^ mu, mu}
}

// Cast keeps the low size bytes.
func (a Tnum) Cast(size int) Tnum {
	m := uint64(1)<<(size*8) - 1
	return Tnum{a.Value & m, a.Mask & m}
}

// Subreg is the low 32 bits.
func (a Tnum) Subreg() Tnum { return Tnum{a.Value & 0xffffffff, a.Mask & 0xffffffff} }

// WithSubreg is a with the low 32 bits of b.
func (a Tnum) WithSubreg(b Tnum) Tnum {
	b = b.Subreg()
	return Tnum{a.Value>>32<<32 | b.Value, a.Mask>>32<<32 | b.Mask}
}

// Aligned reports whether every member is a multiple of size, a power of two.
func (a Tnum) Aligned(size uint64) bool {
	return size == 0 || (a.Value|a.Mask)&(size-1) == 0
}

// Contains reports whether a holds all that b holds.
func (a Tnum) Contains(b Tnum) bool {
	return b.Mask&^a.Mask == 0 && a.Value == b.Value&^a.Mask
}

// Append writes a as tnum_strn does: a number when constant, else
// "(0xvalue; 0xmask)".
func (a Tnum) Append(dst []byte) []byte {
	if a.Mask == 0 {
		return appendUnum(dst, a.Value)
	}
	dst = append(dst, '(')
	dst = appendHex(dst, a.Value)
	dst = append(dst, "; "...)
	dst = appendHex(dst, a.Mask)
	return append(dst, ')')
}

func (a Tnum) String() string { return string(a.Append(nil)) }

// appendHex is the kernel's %#llx, where even zero has the prefix.
func appendHex(dst []byte, v uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), v, 16)
}

// appendUnum and appendSnum write the numbers of a state: decimal when they
// fit 16 bits (verbose_unum and verbose_snum of kernel/bpf/log.c).
func appendUnum(dst []byte, v uint64) []byte {
	if v <= 1<<16-1 {
		return strconv.AppendUint(dst, v, 10)
	}
	return appendHex(dst, v)
}

func appendSnum(dst []byte, v int64) []byte {
	if snumDecimal(v) {
		return strconv.AppendInt(dst, v, 10)
	}
	return appendHex(dst, uint64(v))
}

func snumDecimal(v int64) bool { return v >= -1<<15 && v <= 1<<15-1 }

package btf

import (
	"math"
	"strconv"
)

// appendFloat writes a floating-point number with at most so many digits.
// strconv does it exactly, for 20 KB of the engine; floats are rare in BTF and
// rarer in maps.
func appendFloat(b []byte, f float64, digits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 0) && f > 0:
		return append(b, "+Inf"...)
	case math.IsInf(f, 0):
		return append(b, "-Inf"...)
	case math.Signbit(f):
		return appendFloat(append(b, '-'), -f, digits)
	case f == 0:
		return append(b, '0')
	}
	// f = 0.ddd * 10^exp
	exp, top := digits, math.Pow10(digits)
	for f >= top {
		f /= 10
		exp++
	}
	for f < top/10 {
		f *= 10
		exp--
	}
	n := uint64(f + 0.5)
	if n >= uint64(top) {
		exp++ // rounded up to the next power
	}
	for n%10 == 0 {
		n /= 10
	}
	d := strconv.FormatUint(n, 10)
	switch {
	case exp > 21 || exp < -3:
		b = append(b, d[0])
		if len(d) > 1 {
			b = append(append(b, '.'), d[1:]...)
		}
		b = append(b, 'e')
		if exp > 0 {
			b = append(b, '+')
		}
		return strconv.AppendInt(b, int64(exp-1), 10)
	case exp <= 0:
		b = append(b, "0."...)
		for range -exp {
			b = append(b, '0')
		}
		return append(b, d...)
	}
	for i := 0; i < max(exp, len(d)); i++ {
		if i == exp {
			b = append(b, '.')
		}
		if i < len(d) {
			b = append(b, d[i])
		} else {
			b = append(b, '0')
		}
	}
	return b
}

package verifier

import (
	"math/rand"
	"testing"

	"skep/vm/isa"
)

// tnums4 are all tnums of 4 bits.
func tnums4() (out []Tnum) {
	for m := uint64(0); m < 16; m++ {
		for v := uint64(0); v < 16; v++ {
			if v&m == 0 {
				out = append(out, Tnum{v, m})
			}
		}
	}
	return out
}

func (a Tnum) has(v uint64) bool { return v&^a.Mask == a.Value }

// TestTnumBruteForce checks every operation on all pairs of 4-bit tnums: each
// concrete result is in the abstract one.
func TestTnumBruteForce(t *testing.T) {
	ops := []struct {
		name string
		abs  func(a, b Tnum) Tnum
		con  func(x, y uint64) uint64
	}{
		{"add", Tnum.Add, func(x, y uint64) uint64 { return x + y }},
		{"sub", Tnum.Sub, func(x, y uint64) uint64 { return x - y }},
		{"and", Tnum.And, func(x, y uint64) uint64 { return x & y }},
		{"or", Tnum.Or, func(x, y uint64) uint64 { return x | y }},
		{"xor", Tnum.Xor, func(x, y uint64) uint64 { return x ^ y }},
		{"mul", Tnum.Mul, func(x, y uint64) uint64 { return x * y }},
	}
	all := tnums4()
	for _, a := range all {
		for _, b := range all {
			overlap := false
			for x := uint64(0); x < 16; x++ {
				if !a.has(x) {
					continue
				}
				if b.has(x) {
					overlap = true
					if !a.Intersect(b).has(x) {
						t.Fatalf("%v intersect %v lacks %d", a, b, x)
					}
				}
				for y := uint64(0); y < 16; y++ {
					if !b.has(y) {
						continue
					}
					for _, op := range ops {
						if r := op.abs(a, b); !r.has(op.con(x, y)) {
							t.Fatalf("%v %s %v = %v lacks %d %s %d", a, op.name, b, r, x, op.name, y)
						}
					}
				}
			}
			if overlap != a.Overlaps(b) {
				t.Fatalf("%v overlaps %v: %v", a, b, !overlap)
			}
			if a.Contains(b) != containsAll(a, b) {
				t.Fatalf("%v contains %v: %v", a, b, a.Contains(b))
			}
		}
	}
	for lo := uint64(0); lo < 16; lo++ {
		for hi := lo; hi < 16; hi++ {
			for v := lo; v <= hi; v++ {
				if !TnumRange(lo, hi).has(v) {
					t.Fatalf("range %d..%d lacks %d", lo, hi, v)
				}
			}
		}
	}
}

func containsAll(a, b Tnum) bool {
	for v := uint64(0); v < 16; v++ {
		if b.has(v) && !a.has(v) {
			return false
		}
	}
	return true
}

// holds reports whether v is a member of b.
func (b *Bounds) holds(v uint64) bool {
	return b.VarOff.has(v) && v >= b.UMin && v <= b.UMax && int64(v) >= b.SMin && int64(v) <= b.SMax &&
		uint32(v) >= b.U32Min && uint32(v) <= b.U32Max && int32(v) >= b.S32Min && int32(v) <= b.S32Max
}

// hull is the bounds of a set, as sync leaves them.
func hull(vals ...uint64) Bounds {
	var b Bounds
	b.setConst(vals[0])
	for _, v := range vals[1:] {
		b.UMin, b.UMax = min(b.UMin, v), max(b.UMax, v)
		b.SMin, b.SMax = min(b.SMin, int64(v)), max(b.SMax, int64(v))
		b.U32Min, b.U32Max = min(b.U32Min, uint32(v)), max(b.U32Max, uint32(v))
		b.S32Min, b.S32Max = min(b.S32Min, int32(v)), max(b.S32Max, int32(v))
		mu := b.VarOff.Mask | b.VarOff.Value ^ v
		b.VarOff = Tnum{v &^ mu, mu}
	}
	b.sync()
	return b
}

var aluConcrete = map[uint8]func(x, y uint64) uint64{
	isa.OpAdd: func(x, y uint64) uint64 { return x + y },
	isa.OpSub: func(x, y uint64) uint64 { return x - y },
	isa.OpMul: func(x, y uint64) uint64 { return x * y },
	isa.OpAnd: func(x, y uint64) uint64 { return x & y },
	isa.OpOr:  func(x, y uint64) uint64 { return x | y },
	isa.OpXor: func(x, y uint64) uint64 { return x ^ y },
}

func concrete(op uint8, alu32 bool, x, y uint64) uint64 {
	if alu32 {
		x, y = uint64(uint32(x)), uint64(uint32(y))
	}
	var r uint64
	switch op {
	case isa.OpLsh:
		r = x << y
	case isa.OpRsh:
		r = x >> y
	case isa.OpArsh:
		if alu32 {
			r = uint64(int32(x) >> y)
		} else {
			r = uint64(int64(x) >> y)
		}
	default:
		r = aluConcrete[op](x, y)
	}
	if alu32 {
		r = uint64(uint32(r))
	}
	return r
}

// edges are numbers around every limit that the four ranges have.
var edges = []uint64{0, 1, 2, 7, 8, 63, 64, 255, 256, 1<<16 - 1, 1 << 16, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 2,
	1<<32 - 1, 1 << 32, 1<<32 + 1, 1<<33 - 1, 1<<63 - 1, 1 << 63, 1<<63 + 1, ^uint64(0) - 255, ^uint64(0) - 1, ^uint64(0), 0xffffffff80000000, 0xffffffff7fffffff}

// TestScalarOpsSound checks arithmetic on the hulls of all pairs of edge
// numbers: results of members are members of the result.
func TestScalarOpsSound(t *testing.T) {
	for op := uint8(0); op < isa.OpEnd; op += 0x10 {
		fn := scalarOps[op>>4]
		if fn == nil {
			continue
		}
		shift := op == isa.OpLsh || op == isa.OpRsh || op == isa.OpArsh
		for _, alu32 := range []bool{false, true} {
			for _, a := range edges {
				for _, b := range edges {
					d := hull(a, b)
					for _, x := range edges {
						for _, y := range edges {
							if shift {
								y = x
							}
							s := hull(x, y)
							if !rangeComputable(op, alu32, &s) {
								continue
							}
							r := d
							fn(&r, &s, alu32)
							if alu32 {
								r.zext32()
							}
							r.sync()
							for _, p := range []uint64{a, b} {
								for _, q := range []uint64{x, y} {
									if v := concrete(op, alu32, p, q); !r.holds(v) {
										t.Fatalf("op %#x alu32=%v {%#x %#x} {%#x %#x}: %+v lacks %#x", op, alu32, a, b, x, y, r, v)
									}
								}
							}
							if shift {
								break
							}
						}
					}
				}
			}
		}
	}
}

func holdsJmp(op uint8, jmp32 bool, x, y uint64) bool {
	sx, sy := int64(x), int64(y)
	if jmp32 {
		x, y = uint64(uint32(x)), uint64(uint32(y))
		sx, sy = int64(int32(x)), int64(int32(y))
	}
	switch op {
	case isa.JmpEq:
		return x == y
	case isa.JmpNe:
		return x != y
	case isa.JmpSet:
		return x&y != 0
	case jmpSetNot:
		return x&y == 0
	case isa.JmpGt:
		return x > y
	case isa.JmpGe:
		return x >= y
	case isa.JmpLt:
		return x < y
	case isa.JmpLe:
		return x <= y
	case isa.JmpSgt:
		return sx > sy
	case isa.JmpSge:
		return sx >= sy
	case isa.JmpSlt:
		return sx < sy
	}
	return sx <= sy
}

var jmpOps = []uint8{isa.JmpEq, isa.JmpNe, isa.JmpSet, isa.JmpGt, isa.JmpGe, isa.JmpLt, isa.JmpLe, isa.JmpSgt, isa.JmpSge, isa.JmpSlt, isa.JmpSle}

// TestBranchesSound checks comparisons on hulls of pairs of edge numbers: a
// decided one is right for all members, and narrowing keeps every member that
// satisfies it.
func TestBranchesSound(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for range 60000 {
		pick := func() uint64 { return edges[rnd.Intn(len(edges))] }
		vals := [4]uint64{pick(), pick(), pick(), pick()}
		if rnd.Intn(3) == 0 {
			vals[3] = vals[2]
		}
		a, b := hull(vals[0], vals[1]), hull(vals[2], vals[3])
		for _, op := range jmpOps {
			for _, jmp32 := range []bool{false, true} {
				got := compare(&a, &b, op, jmp32)
				na, nb := a, b
				refine(&na, &nb, op, jmp32)
				na.sync()
				nb.sync()
				fa, fb := a, b
				refine(&fa, &fb, negateJmp(op), jmp32)
				fa.sync()
				fb.sync()
				for _, x := range vals[:2] {
					for _, y := range vals[2:] {
						taken := holdsJmp(op, jmp32, x, y)
						if got != unknownBranch && (got == alwaysTaken) != taken {
							t.Fatalf("op %#x jmp32=%v %#x: said %v, %#x ? %#x is %v", op, jmp32, vals, got, x, y, taken)
						}
						if got != unknownBranch {
							continue
						}
						ra, rb := &na, &nb
						if !taken {
							ra, rb = &fa, &fb
						}
						if !ra.holds(x) || !rb.holds(y) {
							t.Fatalf("op %#x jmp32=%v %#x taken=%v: lost %#x or %#x\n%+v\n%+v", op, jmp32, vals, taken, x, y, *ra, *rb)
						}
					}
				}
			}
		}
	}
}

// TestCoerceSound checks extension of partial loads.
func TestCoerceSound(t *testing.T) {
	for _, a := range edges {
		for _, b := range edges {
			for _, size := range []int{1, 2, 4} {
				z := hull(a, b)
				z.coerce(size)
				s := hull(a, b)
				s.coerceSX(size)
				for _, v := range []uint64{a, b} {
					if w := v & (1<<(size*8) - 1); !z.holds(w) {
						t.Fatalf("zext %d of {%#x %#x}: %+v lacks %#x", size, a, b, z, w)
					}
					if w := uint64(sext(int64(v), size)); !s.holds(w) {
						t.Fatalf("sext %d of {%#x %#x}: %+v lacks %#x", size, a, b, s, w)
					}
				}
			}
		}
	}
}

package ir

import (
	"math"

	"skep/vm/isa"
)

// fusion matches a group that begins at op i. It returns how many ops the
// group has and the operation it becomes, or 0. It may look only at ops up to
// end, where the next block begins.
type fusion struct {
	name  string
	match func(u *Unit, i, end int) (int, Op)
}

// fusions in the order they are tried: the longer ones first.
var fusions = [...]fusion{
	{"rotate", rotate},
	{"indexed address", indexed},
	{"address sum", lea},
	{"zero or sign extension", extend},
}

// fuse replaces groups. A group lies within a block and is all or nothing: the
// ops it covers write only registers, but for an access at its very end.
func fuse(u *Unit) error {
	if u.Options.NoFusion || u.Options.Blind != 0 || u.Irregular {
		return nil
	}
	for i, end := 0, 0; i < len(u.Ops); {
		for end <= i || end < len(u.Ops) && u.Ops[end].Flags&Leader == 0 {
			end++
		}
		step := 1
		first := u.Ops[i].Own
		for k := range fusions {
			if first != isa.KindMov64Reg && first != isa.KindMov32Reg && first != isa.KindLsh64Imm {
				break // none begins otherwise
			}
			n, o := fusions[k].match(u, i, end)
			if n == 0 {
				continue
			}
			last := &u.Ops[i+n-1]
			o.Slot, o.Len, o.In, o.Out, o.Target = u.Ops[i].Slot, uint8(n), u.Ops[i].In, last.Out, -1
			o.Flags |= u.Ops[i].Flags & (Leader | Entry | Head)
			o.use, o.def = o.useDef()
			u.Ops[i] = o
			for j := i + 1; j < i+n; j++ {
				u.Ops[j].Len = 0
			}
			u.note(i, NoteFusion, fusions[k].name)
			step = n
			break
		}
		i += step
	}
	return nil
}

// is reports that op i is before end and of kind k.
func (u *Unit) is(i, end int, k isa.Kind) bool {
	return i < end && u.Ops[i].Own == k && u.Ops[i].Len == 1
}

// rotate is the ways a compiler spells a rotation by c of width w:
//
//	t = a; t >>= w-c; a <<= c; a |= t        (shifts in either order)
//	b = a; b <<= c; t = a; t >>= w-c; b |= t
//	t |= a instead of a |= t
//
// with t dead behind it.
func rotate(u *Unit, i, end int) (int, Op) {
	for _, w := range [...]struct {
		bits              uint64
		mov, lsh, rsh, or isa.Kind
		rotl              Kind
	}{
		{64, isa.KindMov64Reg, isa.KindLsh64Imm, isa.KindRsh64Imm, isa.KindOr64Reg, KindRotl64},
		{32, isa.KindMov32Reg, isa.KindLsh32Imm, isa.KindRsh32Imm, isa.KindOr32Reg, KindRotl32},
	} {
		if !u.is(i, end, w.mov) && !(w.bits == 32 && u.is(i, end, isa.KindMov64Reg)) {
			continue
		}
		shift := func(o *Op) bool { return o.Own == w.lsh || o.Own == w.rsh }
		left := func(o *Op) uint64 { // as a rotation to the left
			if c := o.Imm & (w.bits - 1); o.Own == w.lsh {
				return c
			} else {
				return w.bits - c
			}
		}
		if i+4 <= end && u.plain(i, 4) {
			o := u.Ops[i : i+4]
			t, a := o[0].Dst, o[0].Src
			s1, s2, or := &o[1], &o[2], &o[3]
			if shift(s1) && shift(s2) && s1.Own != s2.Own && or.Own == w.or && t != a && left(s1) == left(s2) && s1.Imm&(w.bits-1) != 0 &&
				(s1.Dst == t && s2.Dst == a || s1.Dst == a && s2.Dst == t) &&
				(or.Dst == a && or.Src == t || or.Dst == t && or.Src == a) {
				dead := t
				if or.Dst == t {
					dead = a
				}
				if or.Out&Bit(dead) == 0 {
					return 4, Op{Kind: w.rotl, Own: w.mov, Dst: or.Dst, Src: a, Index: NoReg, Imm: left(s1)}
				}
			}
		}
		if i+5 <= end && u.plain(i, 5) {
			o := u.Ops[i : i+5]
			b, a, t := o[0].Dst, o[0].Src, o[2].Dst
			s1, m2, s2, or := &o[1], &o[2], &o[3], &o[4]
			isMov := m2.Own == w.mov || w.bits == 32 && m2.Own == isa.KindMov64Reg
			if shift(s1) && isMov && shift(s2) && s1.Own != s2.Own && or.Own == w.or && b != a && t != a && t != b && m2.Src == a &&
				s1.Dst == b && s2.Dst == t && left(s1) == left(s2) && s1.Imm&(w.bits-1) != 0 &&
				(or.Dst == b && or.Src == t || or.Dst == t && or.Src == b) {
				dead := t
				if or.Dst == t {
					dead = b
				}
				if or.Out&Bit(dead) == 0 {
					return 5, Op{Kind: w.rotl, Own: w.mov, Dst: or.Dst, Src: a, Index: NoReg, Imm: left(s1)}
				}
			}
		}
	}
	return 0, Op{}
}

// plain reports that n ops from i on are not yet part of a group.
func (u *Unit) plain(i, n int) bool {
	for j := i; j < i+n; j++ {
		if u.Ops[j].Len != 1 {
			return false
		}
	}
	return true
}

// sum is the address that ops from i on compute into a register: d = a [+ b]
// [+ imm], in n ops.
type sum struct {
	n       int
	d, a, b uint8
	imm     int64
}

// address reads mov d,a; add d,b; add d,imm in any order of the adds, or one
// add without the mov. The registers read keep their values: d is not among
// them but for d = d + b.
func (u *Unit) address(i, end int) (s sum) {
	s.b = NoReg
	if !u.is(i, end, isa.KindMov64Reg) {
		return s
	}
	s.n, s.d, s.a = 1, u.Ops[i].Dst, u.Ops[i].Src
	if s.d == s.a {
		return sum{}
	}
	for s.n < 3 {
		j := i + s.n
		if u.is(j, end, isa.KindAdd64Reg) && u.Ops[j].Dst == s.d && s.b == NoReg && u.Ops[j].Src != s.d {
			s.b = u.Ops[j].Src
		} else if u.is(j, end, isa.KindAdd64Imm) && u.Ops[j].Dst == s.d && s.imm == 0 {
			s.imm = int64(u.Ops[j].Imm)
		} else {
			break
		}
		s.n++
	}
	return s
}

// indexed puts such a sum into the address of a load or store that follows,
// when nothing else wants it.
func indexed(u *Unit, i, end int) (int, Op) {
	s := u.address(i, end)
	if s.n < 1 || i+s.n >= end {
		return 0, Op{}
	}
	o := u.Ops[i+s.n]
	if o.Len != 1 {
		return 0, Op{}
	}
	size, write := o.Access()
	if size == 0 || o.Row().Form == isa.FormAtomic || o.Row().Form == isa.FormAtomicFetch || o.Row().Form == isa.FormAtomicCmpxchg {
		return 0, Op{}
	}
	off := s.imm + int64(o.Off)
	if off != int64(int32(off)) || off > math.MaxInt32-1024 {
		return 0, Op{}
	}
	if !write {
		if o.Src != s.d || o.Dst != s.d && o.Out&Bit(s.d) != 0 {
			return 0, Op{}
		}
		o.Src = s.a
	} else {
		if o.Dst != s.d || o.Out&Bit(s.d) != 0 || o.Row().Form == isa.FormStore && o.Src == s.d {
			return 0, Op{}
		}
		o.Dst = s.a
	}
	o.Index, o.Off = s.b, int32(off)
	o.Flags &^= Leader | Entry | Head
	return s.n + 1, o
}

// lea is the sum by itself.
func lea(u *Unit, i, end int) (int, Op) {
	s := u.address(i, end)
	if s.n < 2 {
		return 0, Op{}
	}
	return s.n, Op{Kind: KindLea, Own: isa.KindMov64Reg, Dst: s.d, Src: s.a, Index: s.b, Imm: uint64(s.imm)}
}

// extend is shl 32, shr 32 (or sar), with a mov before it or without.
func extend(u *Unit, i, end int) (int, Op) {
	n, src := 0, uint8(0)
	if u.is(i, end, isa.KindMov64Reg) || u.is(i, end, isa.KindMov32Reg) {
		n, src = 1, u.Ops[i].Src
	}
	if !u.is(i+n, end, isa.KindLsh64Imm) || u.Ops[i+n].Imm&63 != 32 || i+n+1 >= end {
		return 0, Op{}
	}
	d := u.Ops[i+n].Dst
	if n == 0 {
		src = d
	} else if u.Ops[i].Dst != d {
		return 0, Op{}
	}
	last := &u.Ops[i+n+1]
	if last.Dst != d || last.Imm&63 != 32 || last.Len != 1 {
		return 0, Op{}
	}
	switch last.Own {
	case isa.KindRsh64Imm:
		return n + 2, Op{Kind: KindZext32, Own: isa.KindMov32Reg, Dst: d, Src: src, Index: NoReg}
	case isa.KindArsh64Imm:
		return n + 2, Op{Kind: KindSext32, Own: isa.KindMov32Reg, Dst: d, Src: src, Index: NoReg}
	}
	return 0, Op{}
}

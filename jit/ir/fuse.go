package ir

import (
	"math"

	"skep/vm/isa"
)

// fusion matches a group that begins at op i. It returns how many ops the
// group has and makes to the operation it becomes, or returns 0. It may look
// only at ops up to end, where the next block begins.
type fusion struct {
	name  string
	match func(u *Unit, i, end int, to *Op) int
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
	var o Op
	for i, end := 0, 0; i < len(u.Ops); i++ {
		for end <= i || end < len(u.Ops) && u.Ops[end].Flags&Leader == 0 {
			end++
		}
		first := u.Ops[i].Own
		if first != isa.KindMov64Reg && first != isa.KindMov32Reg && first != isa.KindLsh64Imm {
			continue // no group begins otherwise
		}
		for k := range fusions {
			n := fusions[k].match(u, i, end, &o)
			if n == 0 {
				continue
			}
			o.Slot, o.Len, o.In, o.Out, o.Target = u.Ops[i].Slot, uint8(n), u.Ops[i].In, u.Ops[i+n-1].Out, -1
			o.Flags |= u.Ops[i].Flags & (Leader | Entry | Head)
			o.setUseDef(&traitsOf[o.Own])
			u.Ops[i] = o
			u.note(i, NoteFusion, fusions[k].name)
			for n--; n > 0; n-- {
				i++
				u.Ops[i].Len = 0
			}
			break
		}
	}
	return nil
}

// is reports that op i is before end and of kind k.
func (u *Unit) is(i, end int, k isa.Kind) bool { return i < end && u.Ops[i].Own == k }

// rotation is the instructions of a width that rotations are made of.
type rotation struct {
	bits              uint64
	mov, lsh, rsh, or isa.Kind
	rotl              Kind
}

var rotations = [...]rotation{
	{64, isa.KindMov64Reg, isa.KindLsh64Imm, isa.KindRsh64Imm, isa.KindOr64Reg, KindRotl64},
	{32, isa.KindMov32Reg, isa.KindLsh32Imm, isa.KindRsh32Imm, isa.KindOr32Reg, KindRotl32},
}

func rotate(u *Unit, i, end int, to *Op) int {
	for k := range rotations {
		if n := rotations[k].match(u.Ops[i:end], to); n > 0 {
			return n
		}
	}
	return 0
}

// match is the ways a compiler spells a rotation by c of width w:
//
//	t = a; t >>= w-c; a <<= c; a |= t        (shifts in either order)
//	b = a; b <<= c; t = a; t >>= w-c; b |= t
//	t |= a instead of a |= t
//
// with t dead behind it.
func (w *rotation) match(o []Op, to *Op) int {
	if len(o) < 4 || !w.moves(&o[0]) || !w.shifts(&o[1]) {
		return 0
	}
	d, a := o[0].Dst, o[0].Src
	n, s1, s2, or, ok := 4, &o[1], &o[2], &o[3], false
	other := a // what or has beside d
	switch {
	case w.shifts(s2):
		ok = s1.Dst == d && s2.Dst == a || s1.Dst == a && s2.Dst == d
	case len(o) > 4 && w.moves(s2) && w.shifts(&o[3]):
		other = s2.Dst
		ok = other != a && other != d && s2.Src == a && s1.Dst == d && o[3].Dst == other
		n, s2, or = 5, &o[3], &o[4]
	}
	if !ok || d == a || s1.Own == s2.Own || w.left(s1) != w.left(s2) || s1.Imm&(w.bits-1) == 0 {
		return 0
	}
	if or.Own != w.or || (or.Dst != d || or.Src != other) && (or.Dst != other || or.Src != d) || or.Out&Bit(or.Src) != 0 {
		return 0
	}
	*to = Op{Kind: w.rotl, Own: w.mov, Dst: or.Dst, Src: a, Index: NoReg, Imm: w.left(s1)}
	return n
}

func (w *rotation) moves(o *Op) bool {
	return o.Own == w.mov || w.bits == 32 && o.Own == isa.KindMov64Reg
}

func (w *rotation) shifts(o *Op) bool { return o.Own == w.lsh || o.Own == w.rsh }

// left is a shift as a rotation to the left.
func (w *rotation) left(o *Op) uint64 {
	c := o.Imm & (w.bits - 1)
	if o.Own == w.rsh {
		return w.bits - c
	}
	return c
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
func indexed(u *Unit, i, end int, to *Op) int {
	s := u.address(i, end)
	if s.n < 1 || i+s.n >= end {
		return 0
	}
	o := &u.Ops[i+s.n]
	size, write := o.Access()
	if form := traitsOf[o.Own].form; size == 0 || form == isa.FormAtomic || form == isa.FormAtomicFetch || form == isa.FormAtomicCmpxchg {
		return 0
	}
	off := s.imm + int64(o.Off)
	if off != int64(int32(off)) || off > math.MaxInt32-1024 {
		return 0
	}
	src, dst := o.Src, o.Dst
	if !write {
		if src != s.d || dst != s.d && o.Out&Bit(s.d) != 0 {
			return 0
		}
		src = s.a
	} else {
		if dst != s.d || o.Out&Bit(s.d) != 0 || traitsOf[o.Own].form == isa.FormStore && src == s.d {
			return 0
		}
		dst = s.a
	}
	*to = *o
	to.Src, to.Dst, to.Index, to.Off = src, dst, s.b, int32(off)
	to.Flags &^= Leader | Entry | Head
	return s.n + 1
}

// lea is the sum by itself.
func lea(u *Unit, i, end int, to *Op) int {
	s := u.address(i, end)
	if s.n < 2 {
		return 0
	}
	*to = Op{Kind: KindLea, Own: isa.KindMov64Reg, Dst: s.d, Src: s.a, Index: s.b, Imm: uint64(s.imm)}
	return s.n
}

// extend is shl 32, shr 32 (or sar), with a mov before it or without.
func extend(u *Unit, i, end int, to *Op) int {
	n, src := 0, uint8(0)
	if u.is(i, end, isa.KindMov64Reg) || u.is(i, end, isa.KindMov32Reg) {
		n, src = 1, u.Ops[i].Src
	}
	if !u.is(i+n, end, isa.KindLsh64Imm) || u.Ops[i+n].Imm&63 != 32 || i+n+1 >= end {
		return 0
	}
	d := u.Ops[i+n].Dst
	if n == 0 {
		src = d
	} else if u.Ops[i].Dst != d {
		return 0
	}
	last := &u.Ops[i+n+1]
	if last.Dst != d || last.Imm&63 != 32 {
		return 0
	}
	switch last.Own {
	case isa.KindRsh64Imm:
		*to = Op{Kind: KindZext32, Own: isa.KindMov32Reg, Dst: d, Src: src, Index: NoReg}
		return n + 2
	case isa.KindArsh64Imm:
		*to = Op{Kind: KindSext32, Own: isa.KindMov32Reg, Dst: d, Src: src, Index: NoReg}
		return n + 2
	}
	return 0
}

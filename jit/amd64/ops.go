package amd64

import (
	"skep/jit/ir"
	"skep/vm/isa"
)

// width is the mode of a class of arithmetic or jumps: 64 or 32 bits.
func width(class uint8) mode {
	if class == isa.ClassALU64 || class == isa.ClassJMP {
		return w64
	}
	return 0
}

// lowerOp emits one operation, or reports false when it is not known.
func (l *lower) lowerOp(o *ir.Op) bool {
	switch o.Kind {
	case ir.KindEnd:
		return l.host()
	case ir.KindRotl64:
		l.rotate(w64, o)
		return true
	case ir.KindRotl32:
		l.rotate(0, o)
		return true
	case ir.KindLea:
		m := mem{base: regs[o.Src], disp: int32(o.Imm)}
		if o.Index != ir.NoReg {
			m.index, m.hasIndex = regs[o.Index], true
		}
		l.lea(w64, regs[o.Dst], m)
		return true
	case ir.KindZext32:
		l.mov(0, regs[o.Dst], regs[o.Src])
		return true
	case ir.KindSext32:
		l.rr(w64, 0x63, regs[o.Dst], regs[o.Src])
		return true
	case ir.KindArray:
		l.array(o)
		return true
	case ir.KindHash:
		l.hash(o)
		return true
	case ir.KindElement:
		l.known(o)
		return true
	case ir.KindNop:
		return true
	case ir.Kind(isa.KindLdImm64): // also what a lookup became
		l.movImm(regs[o.Dst], o.Imm)
		return true
	}
	row := o.Row()
	switch row.Form {
	case isa.FormDst, isa.FormDstImm, isa.FormDstSrc:
		if row.Op&7 == isa.ClassALU || row.Op&7 == isa.ClassALU64 {
			return l.arith(o, row)
		}
		return l.host() // gotox, callx
	case isa.FormCast: // arena memory has one address here
		l.move(w64, o)
	case isa.FormWide:
		return l.host()
	case isa.FormLoad:
		l.load(o)
	case isa.FormStore:
		l.store(o)
	case isa.FormStoreImm:
		l.storeImm(o)
	case isa.FormAtomic, isa.FormAtomicFetch, isa.FormAtomicCmpxchg:
		l.atomic(o)
	case isa.FormJmpImm, isa.FormJmpReg:
		return l.condition(o, row)
	case isa.FormJa, isa.FormGotol:
		l.goTo(o)
	case isa.FormNone:
		l.end(o)
	case isa.FormCallLocal:
		l.call(o)
	case isa.FormCall, isa.FormCallKfunc, isa.FormAbs, isa.FormInd:
		return l.host()
	default:
		return false
	}
	return true
}

func (l *lower) rotate(f mode, o *ir.Op) {
	d := regs[o.Dst]
	if o.Dst != o.Src {
		l.mov(f, d, regs[o.Src])
	}
	l.shiftImm(f, shRol, d, byte(o.Imm))
}

func (l *lower) move(f mode, o *ir.Op) {
	if f == w64 && o.Dst == o.Src {
		return
	}
	l.mov(f, regs[o.Dst], regs[o.Src])
}

// arith is the two arithmetic classes.
func (l *lower) arith(o *ir.Op, row *isa.Row) bool {
	f := width(row.Op & 7)
	d := regs[o.Dst]
	imm := row.Form == isa.FormDstImm
	var s reg
	if row.Form == isa.FormDstSrc {
		s = regs[o.Src]
	}
	v := int32(uint32(o.Imm))
	two := func(n uint32) {
		if imm {
			l.aluImm(f, n, d, v)
		} else {
			l.alu(f, n, d, s)
		}
	}
	switch row.Op & 0xf0 {
	case isa.OpAdd:
		two(aluAdd)
	case isa.OpSub:
		two(aluSub)
	case isa.OpOr:
		two(aluOr)
	case isa.OpAnd:
		two(aluAnd)
	case isa.OpXor:
		two(aluXor)
	case isa.OpMul:
		switch {
		case !imm:
			l.rr(f, 0x0faf, d, s)
		case is8(v):
			l.rr(f, 0x6b, d, d)
			l.byte(byte(v))
		default:
			l.rr(f, 0x69, d, d)
			l.imm32(v)
		}
	case isa.OpDiv, isa.OpMod:
		l.divide(o, row, f)
	case isa.OpLsh:
		l.shift(f, shShl, o, imm)
	case isa.OpRsh:
		l.shift(f, shShr, o, imm)
	case isa.OpArsh:
		l.shift(f, shSar, o, imm)
	case isa.OpNeg:
		l.rr(f, 0xf7, 3, d)
	case isa.OpMov:
		switch o.Own {
		case isa.KindMovSX8To64, isa.KindMovSX8To32:
			l.rr(f|rm8, 0x0fbe, d, s)
		case isa.KindMovSX16To64, isa.KindMovSX16To32:
			l.rr(f, 0x0fbf, d, s)
		case isa.KindMovSX32To64:
			l.rr(w64, 0x63, d, s)
		default:
			switch {
			case !imm:
				l.move(f, o)
			case f == w64:
				l.movImm(d, o.Imm)
			default:
				l.movImm(d, uint64(uint32(o.Imm)))
			}
		}
	case isa.OpEnd:
		return l.swap(o, d)
	default:
		return false
	}
	return true
}

// swap is the byte order operations.
func (l *lower) swap(o *ir.Op, d reg) bool {
	switch o.Own {
	case isa.KindLE16:
		l.rr(0, 0x0fb7, d, d)
	case isa.KindLE32:
		l.mov(0, d, d)
	case isa.KindLE64:
	case isa.KindBE16, isa.KindSwap16:
		l.shiftImm(p16, shRol, d, 8)
		l.rr(0, 0x0fb7, d, d)
	case isa.KindBE32, isa.KindSwap32:
		l.bswap(0, d)
	case isa.KindBE64, isa.KindSwap64:
		l.bswap(w64, d)
	default:
		return false
	}
	return true
}

func (l *lower) bswap(f mode, d reg) {
	rex := byte(0x40) | byte(d>>3)
	if f&w64 != 0 {
		rex |= 8
	}
	if rex != 0x40 {
		l.byte(rex)
	}
	l.byte(0x0f, 0xc8|byte(d&7))
}

func (l *lower) shift(f mode, n reg, o *ir.Op, imm bool) {
	d := regs[o.Dst]
	if imm {
		mask := byte(31)
		if f == w64 {
			mask = 63
		}
		c := byte(o.Imm) & mask
		switch {
		case c != 0:
			l.shiftImm(f, n, d, c)
		case f == 0:
			l.mov(0, d, d)
		}
		return
	}
	s := regs[o.Src]
	if l.feat.BMI2 {
		l.shiftX(f, n, d, d, s)
		return
	}
	if s != rcx {
		l.rr(w64, 0x87, rcx, s)
		switch d {
		case rcx:
			d = s
		case s:
			d = rcx
		}
	}
	l.rr(f, 0xd3, n, d)
	if f == 0 { // a count of zero leaves the upper half as it is
		l.mov(0, d, d)
	}
	if s != rcx {
		l.rr(w64, 0x87, rcx, s)
	}
}

// divide is div, mod, sdiv and smod. The machine divides rdx:rax, which are
// r3 and r0.
func (l *lower) divide(o *ir.Op, row *isa.Row, f mode) {
	signed := row.Off == 1
	if o.Flags&ir.Narrow != 0 && !signed {
		f = 0
	}
	mod := row.Op&0xf0 == isa.OpMod
	d := regs[o.Dst]
	var ends []int
	if row.Form == isa.FormDstImm {
		v := o.Imm
		if f == 0 {
			v = uint64(uint32(v))
		}
		if l.u.Options.Blind == 0 && !signed && v != 0 && v&(v-1) == 0 {
			l.dividePower(d, f, v, mod)
			return
		}
		if l.u.Options.Blind != 0 {
			l.hidden(scratch, int32(uint32(v)))
		} else {
			l.movImm(scratch, v)
		}
	} else {
		l.mov(f, scratch, regs[o.Src])
	}
	if o.Flags&ir.NonZero == 0 {
		l.rr(f, 0x85, scratch, scratch)
		some := l.local(ccNE)
		switch {
		case !mod:
			l.rr(0, 0x31, d, d)
		case f == 0:
			l.mov(0, d, d)
		}
		ends = append(ends, l.localJmp())
		l.land(some)
	}
	if signed { // the smallest number divided by -1 would trap
		l.aluImm(f, aluCmp, scratch, -1)
		other := l.local(ccNE)
		if mod {
			l.rr(0, 0x31, d, d)
		} else {
			l.rr(f, 0xf7, 3, d)
		}
		ends = append(ends, l.localJmp())
		l.land(other)
	}
	if d != rdx {
		l.push(rdx)
	}
	if d != rax {
		l.push(rax)
		l.mov(f, rax, d)
	}
	if signed {
		if f == w64 {
			l.byte(0x48)
		}
		l.byte(0x99) // cqo, cdq
		l.rr(f, 0xf7, 7, scratch)
	} else {
		l.rr(0, 0x31, rdx, rdx)
		l.rr(f, 0xf7, 6, scratch)
	}
	res := rax
	if mod {
		res = rdx
	}
	if res != d {
		l.mov(f, scratch, res)
	}
	if d != rax {
		l.pop(rax)
	}
	if d != rdx {
		l.pop(rdx)
	}
	if res != d {
		l.mov(f, d, scratch)
	}
	for _, at := range ends {
		l.land(at)
	}
}

// dividePower divides unsigned by a power of two.
func (l *lower) dividePower(d reg, f mode, v uint64, mod bool) {
	c := byte(0)
	for v>>c != 1 {
		c++
	}
	switch {
	case !mod && c > 0:
		l.shiftImm(f, shShr, d, c)
	case !mod:
		if f == 0 {
			l.mov(0, d, d)
		}
	case v-1 <= 0x7fffffff:
		l.aluImm(f, aluAnd, d, int32(v-1))
		if v == 1 && f == 0 {
			l.mov(0, d, d)
		}
	default:
		l.movImm(scratch, v-1)
		l.alu(f, aluAnd, d, scratch)
	}
}

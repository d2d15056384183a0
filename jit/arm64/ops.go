package arm64

import (
	"math/bits"

	"skep/jit/ir"
	"skep/vm/isa"
)

// widthOf is the width of a class of arithmetic or jumps.
func widthOf(class uint8) width {
	if class == isa.ClassALU64 || class == isa.ClassJMP {
		return w64
	}
	return w32
}

// lowerOp emits one operation, or reports false when it is not known.
func (l *lower) lowerOp(o *ir.Op) bool {
	d, s := hw(o.Dst), hw(o.Src)
	switch o.Kind {
	case ir.KindEnd:
		return l.host()
	case ir.KindRotl64:
		l.rorImm(w64, d, s, uint8(-o.Imm&63))
		return true
	case ir.KindRotl32:
		l.rorImm(w32, d, s, uint8(-o.Imm&31))
		return true
	case ir.KindLea:
		if o.Index != ir.NoReg {
			l.rrr(w64, opAdd, d, s, hw(o.Index))
			s = d
		}
		if o.Imm != 0 || s != d {
			l.addImm(w64, d, s, int64(o.Imm))
		}
		return true
	case ir.KindZext32:
		l.mov(w32, d, s)
		return true
	case ir.KindSext32:
		l.sext(w64, d, s, 32)
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
		l.constant(d, o.Imm)
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
		l.move(w64, d, s)
	case isa.FormWide:
		return l.host()
	case isa.FormLoad:
		l.load(o)
	case isa.FormStore:
		l.store(o)
	case isa.FormStoreImm:
		l.storeImm(o)
	case isa.FormAtomic, isa.FormAtomicFetch, isa.FormAtomicCmpxchg:
		return l.atomic(o)
	case isa.FormJmpImm, isa.FormJmpReg:
		return l.compare(o, row)
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

// move leaves out what changes nothing.
func (l *lower) move(w width, d, s reg) {
	if w == w32 || d != s {
		l.mov(w, d, s)
	}
}

// alu is the operations that are one instruction on two registers, by number;
// aluImm those that take a bitmask.
var (
	alu = [16]uint32{
		isa.OpAdd >> 4: opAdd, isa.OpSub >> 4: opSub, isa.OpMul >> 4: opMul,
		isa.OpOr >> 4: opOrr, isa.OpAnd >> 4: opAnd, isa.OpXor >> 4: opEor,
		isa.OpLsh >> 4: opLslv, isa.OpRsh >> 4: opLsrv, isa.OpArsh >> 4: opAsrv,
	}
	aluImm = [16]uint32{isa.OpOr >> 4: opOrrImm, isa.OpAnd >> 4: opAndImm, isa.OpXor >> 4: opEorImm}
)

// arith is the two arithmetic classes. Divisions need no checks: dividing by
// zero gives zero here too, and the smallest number by -1 itself.
func (l *lower) arith(o *ir.Op, row *isa.Row) bool {
	w := widthOf(row.Op & 7)
	if o.Flags&ir.Narrow != 0 && row.Off != 1 {
		w = w32
	}
	d, s := hw(o.Dst), hw(o.Src)
	op := row.Op & 0xf0
	if row.Form == isa.FormDstImm {
		v := o.Imm
		if w == w32 {
			v = uint64(uint32(v))
		}
		switch op {
		case isa.OpLsh, isa.OpRsh, isa.OpArsh:
			l.shift(w, op, d, uint8(v)&(w.bits()-1))
			return true
		case isa.OpMov:
			l.constant(d, v)
			return true
		}
		if l.u.Options.Blind == 0 && l.immediate(o, w, op, row.Off == 1, d, v) {
			return true
		}
		s = scratch2
		l.constant(s, v)
	}
	if word := alu[op>>4]; word != 0 {
		l.rrr(w, word, d, d, s)
		return true
	}
	switch op {
	case isa.OpNeg:
		l.rrr(w, opSub, d, zero, d)
	case isa.OpDiv, isa.OpMod:
		div := uint32(opUdiv)
		if row.Off == 1 {
			div = opSdiv
		}
		if op == isa.OpDiv {
			l.rrr(w, div, d, d, s)
		} else {
			l.rrr(w, div, scratch, d, s)
			l.rrrr(w, opMsub, d, scratch, s, d)
		}
	case isa.OpMov:
		switch o.Own {
		case isa.KindMovSX8To64, isa.KindMovSX8To32:
			l.sext(w, d, s, 8)
		case isa.KindMovSX16To64, isa.KindMovSX16To32:
			l.sext(w, d, s, 16)
		case isa.KindMovSX32To64:
			l.sext(w, d, s, 32)
		default:
			l.move(w, d, s)
		}
	case isa.OpEnd:
		return l.swap(o.Own, d)
	default:
		return false
	}
	return true
}

// immediate is d = d op v where there is a short way.
func (l *lower) immediate(o *ir.Op, w width, op uint8, signed bool, d reg, v uint64) bool {
	power := !signed && bits.OnesCount64(v) == 1
	switch op {
	case isa.OpAdd:
		return l.immArith(w, opAddImm, opSubImm, d, d, int64(int32(uint32(o.Imm))))
	case isa.OpSub:
		return l.immArith(w, opSubImm, opAddImm, d, d, int64(int32(uint32(o.Imm))))
	case isa.OpOr, isa.OpAnd, isa.OpXor:
		return l.immLogical(w, aluImm[op>>4], d, d, v)
	case isa.OpMul:
		if power {
			l.shift(w, isa.OpLsh, d, uint8(bits.TrailingZeros64(v)))
		}
		return power
	case isa.OpDiv:
		if power {
			l.shift(w, isa.OpRsh, d, uint8(bits.TrailingZeros64(v)))
		}
		return power
	case isa.OpMod:
		return power && l.immLogical(w, opAndImm, d, d, v-1)
	}
	return false
}

// shift shifts by a constant.
func (l *lower) shift(w width, op uint8, d reg, c uint8) {
	switch {
	case c == 0:
		l.move(w, d, d)
	case op == isa.OpLsh:
		l.lslImm(w, d, d, c)
	case op == isa.OpRsh:
		l.lsrImm(w, d, d, c)
	default:
		l.asrImm(w, d, d, c)
	}
}

// swap is the byte order operations.
func (l *lower) swap(k isa.Kind, d reg) bool {
	switch k {
	case isa.KindLE16:
		l.zext(d, d, 16)
	case isa.KindLE32:
		l.mov(w32, d, d)
	case isa.KindLE64:
	case isa.KindBE16, isa.KindSwap16:
		l.rr(w32, opRev16, d, d)
		l.zext(d, d, 16)
	case isa.KindBE32, isa.KindSwap32:
		l.rr(w32, opRev, d, d)
	case isa.KindBE64, isa.KindSwap64:
		l.rr(w64, opRev|opRev8, d, d)
	default:
		return false
	}
	return true
}

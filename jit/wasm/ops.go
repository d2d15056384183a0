package wasm

import (
	"skep/jit/ir"
	"skep/vm/isa"
)

// lowerOp emits one operation but the jumps, or reports false when it is not
// known.
func (b *body) lowerOp(o *ir.Op) bool {
	switch o.Kind {
	case ir.KindEnd:
		return b.leave(o)
	case ir.KindRotl64:
		b.get64(o.Src)
		b.i64(int64(o.Imm))
		b.op(opI64Rotl)
		b.set64(o.Dst)
		return true
	case ir.KindRotl32:
		b.get32(o.Src)
		b.i32(int32(o.Imm))
		b.op(opI32Rotl)
		b.set32(o.Dst)
		return true
	case ir.KindLea:
		b.get64(o.Src)
		if o.Index != ir.NoReg {
			b.get64(o.Index)
			b.op(opI64Add)
		}
		if o.Imm != 0 {
			b.i64(int64(o.Imm))
			b.op(opI64Add)
		}
		b.set64(o.Dst)
		return true
	case ir.KindZext32:
		b.get32(o.Src)
		b.set32(o.Dst)
		return true
	case ir.KindSext32:
		b.get32(o.Src)
		b.op(opI64ExtendI32S)
		b.set64(o.Dst)
		return true
	case ir.KindArray:
		b.array(o)
		return true
	case ir.KindHash:
		return b.hash(o)
	case ir.KindElement:
		b.known(o)
		return true
	case ir.KindNop:
		return true
	case ir.Kind(isa.KindLdImm64): // also what a lookup became
		b.i64(int64(o.Imm))
		b.set64(o.Dst)
		return true
	}
	row := o.Row()
	switch row.Form {
	case isa.FormDst, isa.FormDstImm, isa.FormDstSrc:
		switch {
		case row.Op&7 == isa.ClassALU || row.Op&7 == isa.ClassALU64:
			return b.arith(o, row)
		case o.Own == isa.KindGotox:
			return b.leave(o)
		}
		return b.host(o) // callx
	case isa.FormCast: // arena memory has one address here
		b.get64(o.Src)
		b.set64(o.Dst)
	case isa.FormWide:
		return b.host(o)
	case isa.FormLoad:
		b.load(o)
	case isa.FormStore:
		b.write(o, false)
	case isa.FormStoreImm:
		b.write(o, true)
	case isa.FormAtomic, isa.FormAtomicFetch, isa.FormAtomicCmpxchg:
		b.atomic(o)
	case isa.FormNone:
		b.end()
	case isa.FormCallLocal:
		b.call(o)
	case isa.FormCall, isa.FormCallKfunc, isa.FormAbs, isa.FormInd:
		return b.host(o)
	default:
		return false
	}
	return true
}

// arith is the two arithmetic classes.
func (b *body) arith(o *ir.Op, row *isa.Row) bool {
	wide := row.Op&7 == isa.ClassALU64
	imm := row.Form == isa.FormDstImm
	n := byte(0)
	switch row.Op & 0xf0 {
	case isa.OpAdd:
		n = opI32Add
	case isa.OpSub:
		n = opI32Sub
	case isa.OpMul:
		n = opI32Mul
	case isa.OpOr:
		n = opI32Or
	case isa.OpAnd:
		n = opI32And
	case isa.OpXor:
		n = opI32Xor
	case isa.OpLsh:
		n = opI32Shl
	case isa.OpRsh:
		n = opI32ShrU
	case isa.OpArsh:
		n = opI32ShrS
	case isa.OpDiv, isa.OpMod:
		b.divide(o, row, wide, imm)
		return true
	case isa.OpNeg:
		if wide {
			b.i64(0)
			b.get64(o.Dst)
		} else {
			b.i32(0)
			b.get32(o.Dst)
		}
		b.result(o, wide, opI32Sub)
		return true
	case isa.OpMov:
		b.move(o, wide, imm)
		return true
	case isa.OpEnd:
		return b.swap(o)
	default:
		return false
	}
	b.operands(o, wide, imm)
	b.result(o, wide, n)
	return true
}

// result applies the operation, given as that of 32 bits, and sets dst.
func (b *body) result(o *ir.Op, wide bool, n byte) {
	if wide {
		b.op(n + wideArith)
		b.set64(o.Dst)
	} else {
		b.op(n)
		b.set32(o.Dst)
	}
}

func (b *body) move(o *ir.Op, wide, imm bool) {
	switch o.Own {
	case isa.KindMovSX8To64, isa.KindMovSX16To64:
		b.get64(o.Src)
		b.op(opI64Extend8S + byte(o.Own-isa.KindMovSX8To64))
		b.set64(o.Dst)
		return
	case isa.KindMovSX32To64:
		b.get32(o.Src)
		b.op(opI64ExtendI32S)
		b.set64(o.Dst)
		return
	case isa.KindMovSX8To32, isa.KindMovSX16To32:
		b.get32(o.Src)
		b.op(opI32Extend8S + byte(o.Own-isa.KindMovSX8To32))
		b.set32(o.Dst)
		return
	}
	switch {
	case wide && imm:
		b.i64(int64(o.Imm))
		b.set64(o.Dst)
	case imm:
		b.i32(int32(uint32(o.Imm)))
		b.set32(o.Dst)
	case wide && (o.Src == isa.R10 || b.state[o.Src]&inWide != 0):
		b.get64(o.Src)
		b.set64(o.Dst)
	default: // of 32 bits, or the upper half is known to be zero
		b.get32(o.Src)
		b.set32(o.Dst)
	}
}

// swap is the byte order operations.
func (b *body) swap(o *ir.Op) bool {
	switch o.Own {
	case isa.KindLE16:
		b.get32(o.Dst)
		b.i32(0xffff)
		b.op(opI32And)
		b.set32(o.Dst)
	case isa.KindLE32:
		b.get32(o.Dst)
		b.set32(o.Dst)
	case isa.KindLE64:
	case isa.KindBE16, isa.KindSwap16:
		b.get32(o.Dst)
		b.i32(8)
		b.op(opI32Shl)
		b.i32(0xff00)
		b.op(opI32And)
		b.get32(o.Dst)
		b.i32(8)
		b.op(opI32ShrU)
		b.i32(0xff)
		b.op(opI32And, opI32Or)
		b.set32(o.Dst)
	case isa.KindBE32, isa.KindSwap32:
		b.get32(o.Dst)
		b.swap32()
		b.set32(o.Dst)
	case isa.KindBE64, isa.KindSwap64:
		b.get32(o.Dst)
		b.swap32()
		b.op(opI64ExtendI32U)
		b.i64(32)
		b.op(opI64Shl)
		b.get64(o.Dst)
		b.i64(32)
		b.op(opI64ShrU, opI32WrapI64)
		b.swap32()
		b.op(opI64ExtendI32U, opI64Or)
		b.set64(o.Dst)
	default:
		return false
	}
	return true
}

// swap32 reverses the bytes of the number on the stack: rotated by a byte each
// way it has two of them in their places.
func (b *body) swap32() {
	b.tee(b.l.n)
	b.i32(8)
	b.op(opI32Rotl)
	b.i32(0x00ff00ff)
	b.op(opI32And)
	b.get(b.l.n)
	b.i32(8)
	b.op(opI32Rotr)
	b.i32(-0xff0100)
	b.op(opI32And, opI32Or)
}

// divide is div, mod, sdiv and smod: a division by zero gives 0, a remainder
// by zero the dividend.
func (b *body) divide(o *ir.Op, row *isa.Row, wide, imm bool) {
	signed, mod := row.Off == 1, row.Op&0xf0 == isa.OpMod
	if o.Flags&ir.Narrow != 0 && !signed {
		wide = false
	}
	t, n := typeI32, opI32DivU
	constant := b.i32
	dst, src := func() { b.get32(o.Dst) }, func() { b.get32(o.Src) }
	divisor := int64(int32(uint32(o.Imm)))
	eq, eqz := opI32Eq, opI32Eqz
	if wide {
		t, constant = typeI64, func(v int32) { b.i64(int64(v)) }
		dst, src = func() { b.get64(o.Dst) }, func() { b.get64(o.Src) }
		eq, eqz = opI64Eq, opI64Eqz
	}
	switch {
	case signed && mod:
		n = opI32RemS
	case signed:
		n = opI32DivS
	case mod:
		n = opI32RemU
	}
	zero := func() {
		if mod {
			dst()
		} else {
			constant(0)
		}
	}
	if imm {
		src = func() { constant(int32(divisor)) }
	}
	minusOne := func() { // the smallest number divided by it would trap
		constant(0)
		dst()
		if wide {
			b.op(opI64Sub)
		} else {
			b.op(opI32Sub)
		}
	}
	divide := func() {
		dst()
		src()
		if wide {
			b.op(n + wideArith)
		} else {
			b.op(n)
		}
	}
	open := 0
	switch {
	case imm && divisor == 0:
		zero()
	case imm && divisor == -1 && signed && !mod:
		minusOne()
	case imm:
		divide()
	default:
		if o.Flags&ir.NonZero == 0 {
			src()
			b.op(eqz)
			b.ifThen(t)
			zero()
			b.op(opElse)
			open++
		}
		if signed && !mod {
			src()
			constant(-1)
			b.op(eq)
			b.ifThen(t)
			minusOne()
			b.op(opElse)
			open++
		}
		divide()
	}
	for range open {
		b.op(opEnd)
	}
	if wide {
		b.set64(o.Dst)
	} else {
		b.set32(o.Dst)
	}
}

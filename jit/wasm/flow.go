package wasm

import (
	"skep/jit/ir"
	"skep/vm/isa"
)

// compare is the comparison of 32 bits of each jump, by the operation's
// number.
func compare(op uint8) (byte, bool) {
	switch op {
	case isa.JmpEq:
		return opI32Eq, true
	case isa.JmpNe:
		return opI32Ne, true
	case isa.JmpGt:
		return opI32GtU, true
	case isa.JmpGe:
		return opI32GeU, true
	case isa.JmpLt:
		return opI32LtU, true
	case isa.JmpLe:
		return opI32LeU, true
	case isa.JmpSgt:
		return opI32GtS, true
	case isa.JmpSge:
		return opI32GeS, true
	case isa.JmpSlt:
		return opI32LtS, true
	case isa.JmpSle:
		return opI32LeS, true
	}
	return 0, false
}

// condition pushes whether a jump is taken.
func (b *body) condition(o *ir.Op) bool {
	row := o.Row()
	wide := row.Op&7 == isa.ClassJMP
	op := row.Op & 0xf0
	imm := row.Form == isa.FormJmpImm
	b.operands(o, wide, imm)
	if op == isa.JmpSet {
		if wide {
			b.op(opI64And)
			b.i64(0)
			b.op(opI64Ne)
		} else {
			b.op(opI32And)
		}
		return true
	}
	c, ok := compare(op)
	if wide {
		c += wideCompare
	}
	b.op(c)
	return ok
}

// operands pushes dst and src or the immediate.
func (b *body) operands(o *ir.Op, wide, imm bool) {
	switch {
	case wide && imm:
		b.get64(o.Dst)
		b.i64(int64(int32(uint32(o.Imm))))
	case wide:
		b.get64(o.Dst)
		b.get64(o.Src)
	case imm:
		b.get32(o.Dst)
		b.i32(int32(uint32(o.Imm)))
	default:
		b.get32(o.Dst)
		b.get32(o.Src)
	}
}

// mayGoto counts a pass and pushes whether there have been too many.
func (b *body) mayGoto() {
	b.get(b.l.loops)
	b.i32(1)
	b.op(opI32Add)
	b.tee(b.l.loops)
	b.i32(MaxLoops)
	b.op(opI32GtU)
}

// host has the interpreter do the op, then takes over the registers that it
// writes.
func (b *body) host(o *ir.Op) bool {
	b.ask(o)
	b.ifThen(typeVoid)
	b.unwind()
	b.op(opEnd)
	b.written(o)
	return true
}

// written takes over what the interpreter has changed in doing an op.
func (b *body) written(o *ir.Op) {
	b.load32(CtxFuel)
	b.set(b.l.fuel)
	_, def := o.UseDef()
	each(def&^ir.Bit(isa.R10), func(r uint8) {
		b.load64(CtxRegs + 8*uint32(r))
		b.set64(r)
	})
	b.refreshAll()
}

// ask puts into the context what the interpreter may want of the registers
// and calls the import.
func (b *body) ask(o *ir.Op) {
	if o.Own == isa.KindCallHelper && o.Imm != helperTailCall && !b.u.Callbacks {
		each(argRegs|ir.Bit(isa.R10), func(r uint8) {
			b.store(opI64Store, CtxRegs+8*uint32(r), func() { b.get64(r) })
		})
	} else {
		b.save(b.cur)
	}
	b.saveFuel()
	b.i32(b.cur)
	b.callFunc(fnHost)
}

const helperTailCall = 12

// leave has the interpreter do an op behind which the code never goes on.
func (b *body) leave(o *ir.Op) bool {
	b.ask(o)
	b.op(opDrop)
	b.unwind()
	return true
}

// call calls a function of the program.
func (b *body) call(o *ir.Op) {
	if o.Flags&ir.Shallow == 0 {
		b.get(b.l.wide[isa.R10])
		b.load64(CtxFloor)
		b.op(opI64LeU)
		b.ifThen(typeVoid)
		b.leave(o)
		b.op(opEnd)
	}
	fn, sig := b.function(o.Target)
	each(sig.params, b.get64)
	b.get(b.l.wide[isa.R10])
	b.i64(frameStride)
	b.op(opI64Sub)
	b.get(b.l.fuel)
	b.callFunc(fn)
	b.tee(b.l.fuel)
	b.i32(leftFuel)
	b.op(opI32Eq)
	b.ifThen(typeVoid)
	b.get(b.l.wide[isa.R10])
	for r := uint8(isa.R6); r <= isa.R9; r++ {
		b.get64(r)
	}
	b.get(b.l.loops)
	b.i32(b.cur + 1)
	b.callFunc(fnKeep)
	b.unwind()
	b.op(opEnd)
	for r := int(isa.R5); r >= 0; r-- {
		if sig.results&ir.Bit(uint8(r)) != 0 {
			b.set64(uint8(r))
		}
	}
	b.refreshAll()
}

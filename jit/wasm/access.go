package wasm

import (
	"skep/jit/ir"
	"skep/vm/isa"
)

// place is where an access goes: a 32-bit address, pushed by push, and the
// constant to add to it.
type place struct {
	base, index uint8 // registers; NoReg: the address is in the local addr
	add         int32
	offset      uint32
	frame       bool // inside the frame by its own numbers
}

// access prepares the op's access of n bytes at [base + index + off], checks
// it unless proved, and has do emit it.
//
// The check: the address lies in the window that the last access by way of
// the same register fell in, else in the current frame, else package portable
// finds the window, or the access faults. These are the rules of the
// interpreter, so that both fault at the same instruction.
func (b *body) access(o *ir.Op, base, index uint8, off int32, n int, write bool, do func(place)) {
	frame := inFrame(base, index, off, n)
	switch {
	case o.Flags&ir.Proved == 0 && !frame:
		b.op(opBlock, typeVoid)
		b.check(base, index, off, n, write)
		do(place{base: ir.NoReg, offset: b.target.Base})
		b.op(opEnd)
	case off >= -1<<15 && off < 1<<15:
		do(place{base: base, index: index, offset: b.target.Base + uint32(off), frame: frame})
	default:
		do(place{base: base, index: index, add: off, offset: b.target.Base})
	}
}

// inFrame reports an access inside the frame by its own numbers.
func inFrame(base, index uint8, off int32, n int) bool {
	return base == isa.R10 && index == ir.NoReg && off >= -stackSize && int(off)+n <= 0
}

// push pushes the address without its constant.
func (b *body) push(p place) {
	if p.base == ir.NoReg {
		b.get(b.l.addr)
		b.op(opI32WrapI64)
		return
	}
	b.get32(p.base)
	if p.index != ir.NoReg {
		b.get32(p.index)
		b.op(opI32Add)
	}
	if p.add != 0 {
		b.i32(p.add)
		b.op(opI32Add)
	}
	if !p.frame {
		b.mask()
	}
}

// check leaves the address in the local addr if it is in a window. Another
// access that is good (in the frame of a caller, a load that may miss) is done
// by the host: then the code goes on behind the block that is open.
func (b *body) check(base, index uint8, off int32, n int, write bool) {
	w := windowOf(base, write)
	b.get64(base)
	if index != ir.NoReg {
		b.get64(index)
		b.op(opI64Add)
	}
	if off != 0 {
		b.i64(int64(off))
		b.op(opI64Add)
	}
	b.tee(b.l.addr)
	b.getWindow(w, 0)
	b.op(opI64Sub)
	b.getWindow(w, log2(n)+1)
	b.op(opI64GeU)
	b.ifThen(typeVoid)
	b.get(b.l.addr)
	b.get(b.l.wide[isa.R10])
	b.op(opI64Sub)
	b.i64(stackSize)
	b.op(opI64Add)
	b.i64(int64(stackSize - n))
	b.op(opI64GtU)
	b.ifThen(typeVoid)
	b.store(opI64Store, CtxAddr, func() { b.get(b.l.addr) })
	b.save(b.cur)
	b.saveFuel()
	b.i32(b.cur)
	b.i32(missInfo(n, w))
	b.callFunc(fnReach)
	b.tee(b.l.n)
	b.i32(Near)
	b.op(opI32Ne)
	b.ifThen(typeVoid)
	b.get(b.l.n)
	b.ifThen(typeVoid)
	b.unwind()
	b.op(opEnd)
	state := b.state // the access itself begins with what was before
	b.written(&b.u.Ops[b.cur])
	b.state = state
	b.br(opBr, 3)
	b.op(opEnd)
	b.refresh(w)
	b.op(opEnd, opEnd)
}

func log2(n int) int {
	switch n {
	case 1:
		return 0
	case 2:
		return 1
	case 4:
		return 2
	}
	return 3
}

// load does the loads of all kinds, load-acquire included: there is one
// thread.
func (b *body) load(o *ir.Op) {
	n, _ := o.Access()
	op := opI64Load
	switch {
	case o.Own == isa.KindLdxSXB:
		op = opI64Load8S
	case o.Own == isa.KindLdxSXH:
		op = opI64Load16S
	case o.Own == isa.KindLdxSXW:
		op = opI64Load32S
	case n == 1:
		op = opI64Load8U
	case n == 2:
		op = opI64Load16U
	case n == 4:
		op = opI64Load32U
	}
	b.access(o, o.Src, o.Index, o.Off, n, false, func(p place) {
		b.push(p)
		b.memory(op, p.offset)
		b.set64(o.Dst)
	})
}

var stores = [...]byte{opI64Store8, opI64Store16, opI64Store32, opI64Store}

// write does the stores, store-release included.
func (b *body) write(o *ir.Op, imm bool) {
	n, _ := o.Access()
	b.access(o, o.Dst, o.Index, o.Off, n, true, func(p place) {
		b.push(p)
		if imm {
			b.i64(int64(int32(uint32(o.Imm))))
		} else {
			b.get64(o.Src)
		}
		b.memory(stores[log2(n)], p.offset)
	})
}

// atomic does the read-modify-write operations: plain ones, as there is one
// thread.
func (b *body) atomic(o *ir.Op) {
	k, n := o.Own, 8
	if k >= isa.KindAtomicAdd32 && k <= isa.KindAtomicCmpxchg32 {
		k -= isa.KindAtomicAdd32 - isa.KindAtomicAdd64
		n = 4
	}
	b.access(o, o.Dst, ir.NoReg, o.Off, n, true, func(p place) { b.modify(o, k, n, p) })
}

// modify is the operation k, given as that of 64 bits, on n bytes.
func (b *body) modify(o *ir.Op, k isa.Kind, n int, p place) {
	get, put := opI64Load, stores[log2(n)]
	if n == 4 {
		get = opI64Load32U
	}
	b.push(p)
	b.tee(b.l.n)
	b.memory(get, p.offset)
	b.set(b.l.old)
	switch k {
	case isa.KindAtomicXchg64:
		b.get(b.l.n)
		b.get64(o.Src)
	case isa.KindAtomicCmpxchg64:
		b.get(b.l.old)
		b.get64(isa.R0)
		if n == 4 {
			b.op(opI32WrapI64, opI64ExtendI32U)
		}
		b.op(opI64Eq)
		b.ifThen(typeVoid)
		b.get(b.l.n)
		b.get64(o.Src)
		b.memory(put, p.offset)
		b.op(opEnd)
		b.get(b.l.old)
		b.set64(isa.R0)
		return
	default:
		b.get(b.l.n)
		b.get(b.l.old)
		b.get64(o.Src)
		b.op(atomicOp(k))
	}
	b.memory(put, p.offset)
	if k >= isa.KindAtomicFetchAdd64 {
		b.get(b.l.old)
		b.set64(o.Src)
	}
}

func atomicOp(k isa.Kind) byte {
	switch k {
	case isa.KindAtomicAdd64, isa.KindAtomicFetchAdd64:
		return opI32Add + wideArith
	case isa.KindAtomicOr64, isa.KindAtomicFetchOr64:
		return opI32Or + wideArith
	case isa.KindAtomicAnd64, isa.KindAtomicFetchAnd64:
		return opI32And + wideArith
	}
	return opI32Xor + wideArith
}

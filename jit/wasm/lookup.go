package wasm

import (
	"skep/jit/ir"
	"skep/vm/isa"
)

// keyOp is the load of a piece of a lookup's key, for access.
func (b *body) keyOp(o *ir.Op) *ir.Op {
	key := &ir.Op{Flags: o.Flags &^ ir.Proved}
	if b.u.Facts.Accepted {
		key.Flags |= ir.Proved
	}
	return key
}

// array looks an element up.
func (b *body) array(o *ir.Op) {
	a := &b.u.Program.Arrays[o.Target]
	b.access(b.keyOp(o), o.Src, ir.NoReg, o.Off, 4, false, func(p place) {
		b.push(p)
		b.memory(opI32Load, p.offset)
		b.tee(b.l.n)
		b.i32(int32(a.Entries))
		b.op(opI32LtU)
		b.ifThen(typeVoid)
		b.get(b.l.n)
		b.i32(int32(a.Stride))
		b.op(opI32Mul)
		b.i32(int32(a.Elems))
		b.op(opI32Add)
		b.ofCPU(a.CPUStride)
		b.op(opI64ExtendI32U)
		b.set64(isa.R0)
		b.element(o, &a.Map)
		b.op(opElse)
		b.null(o)
		b.op(opEnd)
	})
}

// known is the value of a known element for the CPU that runs.
func (b *body) known(o *ir.Op) {
	a := &b.u.Program.Arrays[o.Target]
	b.i32(int32(uint32(o.Imm)))
	b.ofCPU(a.CPUStride)
	b.op(opI64ExtendI32U)
	b.set64(isa.R0)
	b.element(o, &a.Map)
}

// ofCPU moves the address on the stack from the value of the first CPU to that
// of the one that runs.
func (b *body) ofCPU(stride uint32) {
	if stride == 0 {
		return
	}
	b.load32(CtxCPU)
	b.i32(int32(stride))
	b.op(opI32Mul, opI32Add)
}

// null is a lookup that found nothing.
func (b *body) null(o *ir.Op) {
	b.i64(0)
	b.set64(isa.R0)
	b.store(opI32Store, CtxNull, func() { b.i32(o.Slot + 1) })
}

// hash looks an element up: the function of maps.HashKey, then the chain of
// the bucket. A step of the chain costs fuel, as code with wrong facts may
// have made it endless.
func (b *body) hash(o *ir.Op) bool {
	h := &b.u.Program.Hashes[o.Target]
	key, pieces := b.keyOp(o), h.Pieces()
	if len(pieces) == 1 {
		b.access(key, o.Src, ir.NoReg, o.Off, pieces[0], false, func(p place) {
			b.push(p)
			b.memory(loads[log2(pieces[0])], p.offset)
			b.set(b.l.key)
			b.chain(o, h, func(int, int) { b.get(b.l.key) })
		})
		return true
	}
	if key.Flags&ir.Proved == 0 && !inFrame(o.Src, ir.NoReg, o.Off, int(h.KeySize)) {
		return b.host(o)
	}
	b.chain(o, h, func(off, n int) {
		b.access(key, o.Src, ir.NoReg, o.Off+int32(off), n, false, func(p place) {
			b.push(p)
			b.memory(loads[log2(n)], p.offset)
		})
	})
	return true
}

var loads = [...]byte{opI64Load8U, opI64Load16U, opI64Load32U, opI64Load}

// chain is a lookup of which push pushes the piece of the key that has n bytes
// at off.
func (b *body) chain(o *ir.Op, h *ir.Hash, push func(off, n int)) {
	pieces := h.Pieces()
	base := b.target.Base
	mixed := b.l.old
	times := ir.HashKey
	b.i64(int64(uint64(h.KeySize) * times))
	off := 0
	for _, n := range pieces {
		push(off, n)
		b.op(opI64Xor)
		b.i64(int64(times))
		b.op(opI64Mul)
		b.tee(mixed)
		b.get(mixed)
		b.i64(32)
		b.op(opI64ShrU, opI64Xor)
		off += n
	}
	b.op(opI32WrapI64)
	b.tee(b.l.n)
	b.i32(int32(h.Mask))
	b.op(opI32And)
	b.i32(2)
	b.op(opI32Shl)
	b.memory(opI32Load, base+h.Buckets)
	b.set(b.l.ref)
	b.op(opBlock, typeVoid) // done
	b.op(opBlock, typeVoid) // nothing found
	b.op(opLoop, typeVoid)
	b.get(b.l.ref)
	b.op(opI32Eqz)
	b.br(opBrIf, 1)
	b.slot(h)
	b.set(b.l.slot)
	if len(pieces) > 1 {
		b.get(b.l.slot)
		b.memory(opI32Load, base+h.Hash)
		b.get(b.l.n)
		b.op(opI32Eq)
	}
	off = 0
	for _, n := range pieces {
		b.get(b.l.slot)
		b.memory(loads[log2(n)], base+h.HashLayout.Key+uint32(off))
		push(off, n)
		b.op(opI64Eq)
		if len(pieces) > 1 {
			b.op(opI32And)
		}
		off += n
	}
	b.ifThen(typeVoid)
	b.get(b.l.slot)
	b.i32(int32(h.HashLayout.Value))
	b.op(opI32Add)
	b.ofCPU(h.CPUStride)
	b.op(opI64ExtendI32U)
	b.set64(isa.R0)
	b.element(o, &h.Map)
	b.br(opBr, 3)
	b.op(opEnd)
	b.get(b.l.slot)
	b.memory(opI32Load, base+h.Next)
	b.set(b.l.ref)
	b.get(b.l.fuel)
	b.i32(1)
	b.op(opI32Sub)
	b.tee(b.l.fuel)
	b.i32(0)
	b.op(opI32GeS)
	b.br(opBrIf, 0)
	b.host(o) // it gets ahead, with however little fuel it is called
	b.br(opBr, 2)
	b.op(opEnd, opEnd)
	b.null(o)
	b.op(opEnd)
}

// slot pushes the address of the slot that the local ref is the number of.
func (b *body) slot(h *ir.Hash) {
	b.get(b.l.ref)
	b.i32(1)
	b.op(opI32Sub)
	if !h.Single {
		b.tee(b.l.slot)
		b.i32(1<<h.Shift - 1)
		b.op(opI32And)
	}
	b.i32(int32(h.Stride))
	b.op(opI32Mul)
	if h.Single {
		b.i32(0)
	} else {
		b.get(b.l.slot)
		b.i32(int32(h.Shift))
		b.op(opI32ShrU)
		b.i32(2)
		b.op(opI32Shl)
		b.mask()
	}
	b.memory(opI32Load, b.target.Base+h.Chunks)
	b.op(opI32Add)
	b.mask()
}

// mask cuts the address on the stack where memory is shared with others.
func (b *body) mask() {
	if m := b.target.Mask; m != 0 {
		b.i32(int32(m))
		b.op(opI32And)
	}
}

// element makes the value that was found the window of accesses by way of r0,
// if there are some that look for it.
func (b *body) element(o *ir.Op, m *ir.Map) {
	if b.u.Facts.Accepted || o.Flags&ir.Loose == 0 {
		return
	}
	for k, perm := range [...]uint8{1, 2} {
		w := windowOf(isa.R0, k == 1)
		b.store(opI64Store, windowField(w, 0), func() { b.get64(isa.R0) })
		for i := range 4 {
			n := int64(0)
			if size := uint32(1) << i; m.Perm&perm != 0 && m.Size >= size && m.Size <= 1<<30 {
				n = int64(m.Size-size) + 1
			}
			b.store(opI64Store, windowField(w, 1+i), func() { b.i64(n) })
		}
		b.refresh(w)
	}
}

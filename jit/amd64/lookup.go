package amd64

import (
	"skep/jit/contract"
	"skep/jit/ir"
	"skep/jit/window"
	"skep/vm/isa"
)

// keyAt checks the key of a lookup, n bytes, piece by piece, and returns a
// function that makes the operand of a piece.
func (l *lower) keyAt(o *ir.Op, pieces ...int) func(off, n int) mem {
	key := ir.Op{Flags: o.Flags &^ ir.Proved}
	if l.u.Facts.Accepted {
		key.Flags |= ir.Proved
	}
	off := o.Off
	for _, n := range pieces {
		if !inside(&key, o.Src, ir.NoReg, off, n) {
			l.check(mem{base: regs[o.Src], disp: off}, o.Src, n, false)
		}
		off += int32(n)
	}
	return func(off, n int) mem { return l.operand(mem{base: regs[o.Src], disp: o.Off + int32(off)}) }
}

// array looks an element up.
func (l *lower) array(o *ir.Op) {
	a := &l.u.Program.Arrays[o.Target]
	l.rm(0, 0x8b, rax, l.keyAt(o, 4)(0, 4))
	l.aluImm(0, aluCmp, rax, int32(a.Entries))
	s := stub{op: l.op, at: l.far(ccAE)}
	switch n := a.Stride; {
	case n&(n-1) == 0:
		l.shiftImm(0, shShl, rax, byte(log2(int(n))))
	default:
		l.rr(0, 0x69, rax, rax)
		l.imm32(int32(n))
	}
	if a.CPUStride > 0 {
		l.ofCPU(scratch, a.CPUStride)
		l.alu(0, aluAdd, rax, scratch)
	}
	l.aluImm(0, aluAdd, rax, int32(a.Elems))
	l.element(o, &a.Map)
	s.back = l.pos()
	l.stubs = append(l.stubs, s)
}

// known is the value of a known element for the CPU that runs.
func (l *lower) known(o *ir.Op) {
	a := &l.u.Program.Arrays[o.Target]
	l.ofCPU(rax, a.CPUStride)
	l.aluImm(0, aluAdd, rax, int32(uint32(o.Imm)))
	l.element(o, &a.Map)
}

// ofCPU makes d how far the values of the CPU that runs are behind those of the
// first.
func (l *lower) ofCPU(d reg, stride uint32) {
	l.rm(0, 0x69, d, ctx(contract.CtxCPU))
	l.imm32(int32(stride))
}

// hash looks an element up: the function of maps.HashKey, then the chain of
// the bucket. A step of the chain costs fuel, as code with wrong facts may
// have made it endless. r1 and r3 to r5 are free here, nobody wants them
// behind a call.
func (l *lower) hash(o *ir.Op) {
	const (
		piece = rdi // of the key
		times = rdx
		ref   = rcx
		at    = r8
	)
	h := &l.u.Program.Hashes[o.Target]
	pieces := h.Pieces()
	key := l.keyAt(o, pieces...)
	l.movImm(rax, uint64(h.KeySize)*ir.HashKey)
	l.movImm(times, ir.HashKey)
	off := 0
	for _, n := range pieces {
		l.loadPiece(piece, key(off, n), n)
		l.alu(w64, aluXor, rax, piece)
		l.rr(w64, 0x0faf, rax, times)
		l.mov(w64, at, rax)
		l.shiftImm(w64, shShr, at, 32)
		l.alu(w64, aluXor, rax, at)
		off += n
	}
	l.mov(0, ref, rax)
	l.aluImm(0, aluAnd, ref, int32(h.Mask))
	l.shiftImm(0, shShl, ref, 2)
	l.rm(0, 0x8b, ref, l.operand(mem{base: ref, disp: int32(h.Buckets)}))
	back := int32(0) // of the slot, behind at
	if h.Single {
		l.movImm(rdx, uint64(h.Chunks))
		l.rm(0, 0x8b, rdx, l.operand(mem{base: rdx}))
		back = -int32(h.Stride)
	}
	loop := l.pos()
	l.rr(0, 0x85, ref, ref)
	null := stub{op: l.op, at: l.far(ccE)}
	if h.Single {
		l.rr(0, 0x69, at, ref)
		l.imm32(int32(h.Stride))
	} else {
		l.lea(0, at, mem{base: ref, disp: -1})
		l.mov(0, rdx, at)
		l.shiftImm(0, shShr, rdx, byte(h.Shift))
		l.shiftImm(0, shShl, rdx, 2)
		l.rm(0, 0x8b, rdx, l.operand(mem{base: rdx, disp: int32(h.Chunks)}))
		l.aluImm(0, aluAnd, at, 1<<h.Shift-1)
		l.rr(0, 0x69, at, at)
		l.imm32(int32(h.Stride))
	}
	l.alu(0, aluAdd, at, rdx)
	slot := func(off uint32) mem { return l.operand(mem{base: at, disp: back + int32(off)}) }
	var differs []int
	if len(pieces) > 1 {
		l.rm(0, 0x3b, rax, slot(h.Hash))
		differs = append(differs, l.far(ccNE))
	}
	off = 0
	for _, n := range pieces {
		if len(pieces) > 1 {
			l.loadPiece(piece, key(off, n), n)
		}
		l.sized(0x39, piece, slot(h.HashLayout.Key+uint32(off)), n)
		differs = append(differs, l.far(ccNE))
		off += n
	}
	value := mem{base: at, disp: back + int32(h.HashLayout.Value)}
	if h.CPUStride > 0 {
		l.ofCPU(ref, h.CPUStride)
		value.index, value.hasIndex = ref, true
	}
	l.lea(0, rax, value)
	l.element(o, &h.Map)
	found := l.farJmp()
	for _, p := range differs {
		l.patch32(p, l.pos()-p-4)
	}
	l.rm(0, 0x8b, ref, slot(h.Next))
	l.aluImm(w64, aluSub, fuel, 1)
	empty := stub{op: l.op, reason: uint32(contract.ExitFuel), at: l.far(ccS)}
	empty.back = l.pos() // all that is known is in registers that come back
	l.stubs = append(l.stubs, empty)
	l.byte(0xe9)
	l.imm32(int32(loop - l.pos() - 4))
	l.patch32(found, l.pos()-found-4)
	null.back = l.pos()
	l.stubs = append(l.stubs, null)
}

// loadPiece loads n bytes, the rest of the register is zero.
func (l *lower) loadPiece(d reg, m mem, n int) {
	switch n {
	case 1:
		l.rm(0, 0x0fb6, d, m)
	case 2:
		l.rm(0, 0x0fb7, d, m)
	case 4:
		l.rm(0, 0x8b, d, m)
	default:
		l.rm(w64, 0x8b, d, m)
	}
}

// null is out of line: the lookup found nothing.
func (l *lower) null(s *stub) {
	l.movImm(rax, 0)
	l.rm(w64, 0xc7, 0, ctx(contract.CtxNull))
	l.imm32(l.u.Ops[s.op].Slot + 1)
	l.byte(0xe9)
	l.imm32(int32(s.back - l.pos() - 4))
}

// element makes the value that was found the window of accesses by way of r0,
// if there are some that look for it.
func (l *lower) element(o *ir.Op, m *ir.Map) {
	if l.u.Facts.Accepted || o.Flags&ir.Loose == 0 {
		return
	}
	for k, perm := range [...]uint8{1, 2} {
		at := int32(contract.CtxWindows + k*window.Count/2*window.Size)
		l.rm(w64, 0x89, regs[isa.R0], ctx(at))
		for i := range int32(4) {
			n := int32(0)
			if size := uint32(1) << i; m.Perm&perm != 0 && m.Size >= size && m.Size <= 1<<30 {
				n = int32(m.Size-size) + 1
			}
			l.rm(w64, 0xc7, 0, ctx(at+8+8*i))
			l.imm32(n)
		}
	}
}

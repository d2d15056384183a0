package arm64

import (
	"skep/jit/contract"
	"skep/jit/ir"
	"skep/jit/window"
	"skep/vm/isa"
)

// key checks the key of a lookup piece by piece and returns a function that
// loads a piece of n bytes at off.
func (l *lower) key(o *ir.Op, pieces ...int) func(t reg, off, n int) {
	key := &ir.Op{Flags: o.Flags &^ ir.Proved}
	if l.u.Facts.Accepted {
		key.Flags |= ir.Proved
	}
	if len(pieces) > 1 && key.Flags&ir.Proved == 0 {
		off := o.Off
		for _, n := range pieces {
			l.address(key, o.Src, ir.NoReg, off, n, false)
			off += int32(n)
		}
		key.Flags |= ir.Proved
	}
	return func(t reg, off, n int) {
		l.access(opLdr, n, t, l.address(key, o.Src, ir.NoReg, o.Off+int32(off), n, false))
	}
}

// array looks an element up.
func (l *lower) array(o *ir.Op) {
	a := &l.u.Program.Arrays[o.Target]
	l.key(o, 4)(scratch, 0, 4)
	if !l.immArith(w32, opSubsImm, opAddsImm, zero, scratch, int64(a.Entries)) {
		l.movImm(scratch2, uint64(a.Entries))
		l.rrr(w32, opSubs, zero, scratch, scratch2)
	}
	s := stub{op: l.op, at: l.branch(cond(ccHS))}
	r0 := hw(isa.R0)
	l.movImm(scratch2, uint64(a.Elems))
	if n := a.Stride; n&(n-1) == 0 {
		l.rrr(w32, shifted(opAdd, log2(int(n))), r0, scratch2, scratch)
	} else {
		l.movImm(scratch3, uint64(n))
		l.rrrr(w32, opMadd, r0, scratch, scratch3, scratch2)
	}
	l.ofCPU(a.CPUStride)
	l.element(o, &a.Map)
	s.back = l.pos()
	l.stubs = append(l.stubs, s)
}

// known is the value of a known element for the CPU that runs.
func (l *lower) known(o *ir.Op) {
	a := &l.u.Program.Arrays[o.Target]
	l.movImm(hw(isa.R0), o.Imm)
	l.ofCPU(a.CPUStride)
	l.element(o, &a.Map)
}

// ofCPU moves r0 from the value of the first CPU to that of the one that runs.
func (l *lower) ofCPU(stride uint32) {
	if stride == 0 {
		return
	}
	r0 := hw(isa.R0)
	l.ctx(opLdr, 4, scratch, contract.CtxCPU)
	l.movImm(scratch2, uint64(stride))
	l.rrrr(w32, opMadd, r0, scratch, scratch2, r0)
}

// hash looks an element up: the function of maps.HashKey, then the chain of
// the bucket. A step of the chain costs fuel, as code with wrong facts may
// have made it endless. r1 and r3 to r5 are free here, nobody wants them
// behind a call.
func (l *lower) hash(o *ir.Op) {
	const (
		mixed = reg(isa.R0)
		piece = reg(isa.R1) // of the key
		chunk = reg(isa.R3)
		ref   = reg(isa.R4)
		at    = reg(isa.R5)
		times = chunk
	)
	h := &l.u.Program.Hashes[o.Target]
	pieces := h.Pieces()
	load := l.key(o, pieces...)
	off := 0
	for i, n := range pieces {
		load(piece, off, n)
		if i == 0 {
			k := ir.HashKey
			l.movImm(mixed, uint64(h.KeySize)*k)
			l.movImm(times, k)
		}
		l.rrr(w64, opEor, mixed, mixed, piece)
		l.rrr(w64, opMul, mixed, mixed, times)
		l.rrr(w64, shifted(opEor|opLsr, 32), mixed, mixed, mixed)
		off += n
	}
	l.movImm(ref, uint64(h.Mask))
	l.rrr(w32, opAnd, ref, ref, mixed)
	l.movImm(scratch2, uint64(h.Buckets))
	l.rrr(w32, shifted(opAdd, 2), ref, scratch2, ref)
	l.indexed(opLdr, 4, ref, base, ref)
	if h.Single {
		l.movImm(chunk, uint64(h.Chunks))
		l.indexed(opLdr, 4, chunk, base, chunk)
	}
	loop := l.pos()
	null := stub{op: l.op, at: l.branch(compareZero(w32, opCbz, ref))}
	l.addImm(w32, at, ref, -1)
	if !h.Single {
		l.lsrImm(w32, chunk, at, uint8(h.Shift))
		l.movImm(scratch2, uint64(h.Chunks))
		l.rrr(w32, shifted(opAdd, 2), chunk, scratch2, chunk)
		l.indexed(opLdr, 4, chunk, base, chunk)
		l.movImm(scratch2, 1<<h.Shift-1)
		l.rrr(w32, opAnd, at, at, scratch2)
	}
	l.movImm(scratch2, uint64(h.Stride))
	l.rrrr(w32, opMadd, at, at, scratch2, chunk)
	slot := func(t reg, off uint32, n int) {
		l.addImm(w32, scratch, at, int64(off))
		l.indexed(opLdr, n, t, base, scratch)
	}
	var differs []int
	if len(pieces) > 1 {
		slot(scratch3, h.Hash, 4)
		l.rrr(w32, opSubs, zero, scratch3, mixed)
		differs = append(differs, l.local(cond(ccNE)))
	}
	off = 0
	for _, n := range pieces {
		if len(pieces) > 1 {
			load(piece, off, n)
		}
		slot(scratch3, h.HashLayout.Key+uint32(off), n)
		l.rrr(w64, opSubs, zero, scratch3, piece)
		differs = append(differs, l.local(cond(ccNE)))
		off += n
	}
	l.addImm(w32, mixed, at, int64(h.HashLayout.Value))
	l.ofCPU(h.CPUStride)
	l.element(o, &h.Map)
	found := l.local(opB)
	for _, p := range differs {
		l.land(p)
	}
	slot(ref, h.Next, 4)
	l.immArith(w64, opSubsImm, opAddsImm, fuel, fuel, 1)
	empty := stub{op: l.op, reason: uint32(contract.ExitFuel), at: l.branch(cond(ccMI))}
	empty.back = l.pos() // all that is known is in registers that come back
	l.stubs = append(l.stubs, empty)
	l.to(l.local(opB), loop)
	l.land(found)
	null.back = l.pos()
	l.stubs = append(l.stubs, null)
}

// null is out of line: the lookup found nothing.
func (l *lower) null(s *stub) {
	l.movImm(hw(isa.R0), 0)
	l.movImm(scratch, uint64(l.u.Ops[s.op].Slot)+1)
	l.ctx(opStr, 8, scratch, contract.CtxNull)
	l.to(l.branch(opB), s.back)
}

// element makes the value that was found the window of accesses by way of r0,
// if there are some that look for it.
func (l *lower) element(o *ir.Op, m *ir.Map) {
	if l.u.Facts.Accepted || o.Flags&ir.Loose == 0 {
		return
	}
	for k, perm := range [...]uint8{1, 2} {
		at := int32(contract.CtxWindows + k*window.Count/2*window.Size)
		l.ctx(opStr, 8, hw(isa.R0), at)
		for i := range int32(4) {
			n := zero
			if size := uint32(1) << i; m.Perm&perm != 0 && m.Size >= size && m.Size <= 1<<30 {
				n = scratch
				l.movImm(n, uint64(m.Size-size)+1)
			}
			l.ctx(opStr, 8, n, at+8+8*i)
		}
	}
}

package arm64

import (
	"slices"

	"skep/jit/contract"
	"skep/jit/ir"
	"skep/jit/window"
	"skep/vm/isa"
)

// place is where an access goes: off behind base, a register that may be
// relied on; or, without such a base, the lower half of index in the arena.
type place struct {
	base  reg // 0: none
	index reg
	off   int32
}

// address prepares the op's access of n bytes at [b + index + off]: it checks
// it, unless proved, and returns the place. scratch may be part of it.
//
// The check: the address lies in the window that the last access by way of
// the same register fell in, else (out of line) in the current frame, else
// package native finds the window, or the access faults. These are the rules
// of the interpreter, so that both fault at the same instruction.
func (l *lower) address(o *ir.Op, b, index uint8, off int32, n int, write bool) place {
	inside := b == isa.R10 && index == ir.NoReg && off >= -contract.FrameSize && int(off)+n <= 0
	proved := o.Flags&ir.Proved != 0 || inside
	switch {
	case inside && encodable(off+contract.FrameSize, n):
		return place{base: frame, off: off + contract.FrameSize}
	case proved && l.joins != nil && index == ir.NoReg && b != isa.R10 && off > 0 && encodable(off, n):
		return place{base: l.anchor(b), off: off}
	}
	w := w64
	if proved {
		w = w32 // the sum is cut to 32 bits anyway
	}
	at := hw(b)
	if index != ir.NoReg {
		l.rrr(w, opAdd, scratch, at, hw(index))
		at = scratch
	}
	if off != 0 {
		l.addImm(w, scratch, at, int64(off))
		at = scratch
	}
	if !proved {
		l.check(at, b, n, write)
	}
	return place{index: at}
}

// anchor is a register that holds the address in the process that r points to.
func (l *lower) anchor(r uint8) reg {
	if i := slices.Index(l.anchors[:], r+1); i >= 0 {
		return anchor0 + reg(i)
	}
	i := l.oldest
	l.oldest = (i + 1) % len(l.anchors)
	l.anchors[i] = r + 1
	l.rrr(w64, opUxtw, anchor0+reg(i), base, hw(r))
	return anchor0 + reg(i)
}

// forget forgets all anchors, drop those of registers.
func (l *lower) forget() { clear(l.anchors[:]) }

func (l *lower) drop(regs uint16) {
	for i, r := range l.anchors {
		if r > 0 && regs&ir.Bit(r-1) != 0 {
			l.anchors[i] = 0
		}
	}
}

// addImm is d = s + v. It needs scratch2 when v is large.
func (l *lower) addImm(w width, d, s reg, v int64) {
	if !l.immArith(w, opAddImm, opSubImm, d, s, v) {
		l.movImm(scratch2, uint64(v))
		l.rrr(w, opAdd, d, s, scratch2)
	}
}

func (l *lower) check(at reg, b uint8, n int, write bool) {
	w := int(b)
	if write {
		w += window.Count / 2
	}
	s := stub{op: l.op, reason: contract.MissReason(n, w), addr: at, size: n, window: w, at: l.outside(at, n, w)}
	s.back = l.pos()
	l.stubs = append(l.stubs, s)
}

// outside branches when n bytes at the address in at are not in window w.
func (l *lower) outside(at reg, n, w int) int {
	off := int32(contract.CtxWindows + w*window.Size)
	l.ctx(opLdr, 8, scratch2, off)
	l.ctx(opLdr, 8, scratch3, off+8+8*int32(log2(n)))
	l.rrr(w64, opSub, scratch2, at, scratch2)
	l.rrr(w64, opSubs, zero, scratch2, scratch3)
	return l.branch(cond(ccHS))
}

// missed tries two other windows for an access that is not in its own.
func (l *lower) missed(s *stub) {
	// The current frame.
	l.addImm(w64, scratch2, s.addr, contract.FrameSize)
	l.rrr(w64, opSub, scratch2, scratch2, r10)
	l.immArith(w64, opSubsImm, opAddsImm, zero, scratch2, int64(contract.FrameSize-s.size))
	l.to(l.branch(cond(ccLS)), s.back)
	// The value that was looked up last.
	if first := s.window / (window.Count / 2) * (window.Count / 2); s.window != first {
		at := l.outside(s.addr, s.size, first)
		l.to(l.branch(opB), s.back)
		l.land(at)
	}
}

// access loads or stores t.
func (l *lower) access(op uint32, size int, t reg, p place) {
	if p.base != 0 {
		l.offset(op, size, t, p.base, p.off)
	} else {
		l.indexed(op, size, t, base, p.index)
	}
}

// load does the loads of all kinds.
func (l *lower) load(o *ir.Op) {
	n, _ := o.Access()
	d := hw(o.Dst)
	if o.Own >= isa.KindLoadAcqB && o.Own <= isa.KindLoadAcqDW {
		l.aligned(o, o.Src, n, false)
		l.exclusive(opLdar, n, 0, d, scratch)
		return
	}
	p := l.address(o, o.Src, o.Index, o.Off, n, false)
	op := uint32(opLdr)
	if o.Own >= isa.KindLdxSXB && o.Own <= isa.KindLdxSXW {
		op = opLdrs
	}
	l.access(op, n, d, p)
}

// store does the stores from a register.
func (l *lower) store(o *ir.Op) {
	n, _ := o.Access()
	s := hw(o.Src)
	if o.Own >= isa.KindStoreRelB && o.Own <= isa.KindStoreRelDW {
		l.aligned(o, o.Dst, n, true)
		l.exclusive(opStlr, n, 0, s, scratch)
		return
	}
	l.access(opStr, n, s, l.address(o, o.Dst, o.Index, o.Off, n, true))
}

func (l *lower) storeImm(o *ir.Op) {
	n, _ := o.Access()
	p := l.address(o, o.Dst, o.Index, o.Off, n, true)
	v := o.Imm
	if n < 8 {
		v &= 1<<(8*n) - 1
	}
	s := zero
	if v != 0 || l.u.Options.Blind != 0 {
		s = scratch2
		l.constant(s, v)
	}
	l.access(opStr, n, s, p)
}

// aligned makes scratch the address in the process of an access that traps
// when it is not aligned: then it is left to the interpreter.
func (l *lower) aligned(o *ir.Op, b uint8, n int, write bool) {
	p := l.address(o, b, o.Index, o.Off, n, write)
	if p.base != 0 {
		l.addImm(w64, scratch, p.base, int64(p.off))
	} else {
		l.rrr(w64, opUxtw, scratch, base, p.index)
	}
	if n > 1 {
		l.immLogical(w64, opAndsImm, zero, scratch, uint64(n-1))
		l.hostIf(cond(ccNE))
	}
}

// atomics are the read-modify-write operations: the instruction of LSE that
// does one, and the operation of a loop that does it without. The first is
// with not in place of and, of the complement.
var atomics = [...]struct {
	kind     isa.Kind // of 8 bytes
	lse, alu uint32
	not      bool
	fetch    bool
}{
	{isa.KindAtomicAdd64, opLdadd, opAdd, false, false},
	{isa.KindAtomicOr64, opLdset, opOrr, false, false},
	{isa.KindAtomicAnd64, opLdclr, opAnd, true, false},
	{isa.KindAtomicXor64, opLdeor, opEor, false, false},
	{isa.KindAtomicFetchAdd64, opLdadd, opAdd, false, true},
	{isa.KindAtomicFetchOr64, opLdset, opOrr, false, true},
	{isa.KindAtomicFetchAnd64, opLdclr, opAnd, true, true},
	{isa.KindAtomicFetchXor64, opLdeor, opEor, false, true},
	{isa.KindAtomicXchg64, opSwp, 0, false, true},
}

// atomic does one of them. As in the kernel those that fetch are ordered with
// everything else, those that do not are not ordered.
func (l *lower) atomic(o *ir.Op) bool {
	k, n, w := o.Own, 8, w64
	if k >= isa.KindAtomicAdd32 && k <= isa.KindAtomicCmpxchg32 {
		k -= isa.KindAtomicAdd32 - isa.KindAtomicAdd64
		n, w = 4, w32
	}
	l.aligned(o, o.Dst, n, true)
	s := hw(o.Src)
	if k == isa.KindAtomicCmpxchg64 {
		l.compareAndSwap(w, n, s)
		return true
	}
	for i := range atomics {
		a := &atomics[i]
		switch {
		case a.kind != k:
		case l.feat.LSE:
			old, order := zero, uint32(0)
			if a.fetch {
				old, order = s, opAcqRel
			}
			if a.not {
				l.rrr(w, opOrn, scratch2, zero, s)
				s = scratch2
			}
			l.exclusive(a.lse|order, n, s, old, scratch)
			return true
		default:
			l.exclusiveLoop(w, n, s, a.alu, a.fetch)
			return true
		}
	}
	return false
}

// exclusiveLoop replaces the value at scratch by itself op s until nothing
// came between.
func (l *lower) exclusiveLoop(w width, n int, s reg, op uint32, fetch bool) {
	loop := l.pos()
	l.exclusive(opLdxr, n, 0, scratch3, scratch)
	value, store := s, uint32(opStxr)
	if op != 0 {
		value = scratch2
		l.rrr(w, op, value, scratch3, s)
	}
	if fetch {
		store = opStlxr
	}
	l.exclusive(store, n, scratch4, value, scratch)
	l.to(l.local(compareZero(w32, opCbnz, scratch4)), loop)
	if fetch {
		l.word(opDmbIsh)
		l.mov(w, s, scratch3)
	}
}

// compareAndSwap stores s at scratch if r0 is there, and loads r0.
func (l *lower) compareAndSwap(w width, n int, s reg) {
	r0 := hw(isa.R0)
	if l.feat.LSE {
		l.exclusive(opCasal, n, r0, s, scratch)
		return
	}
	loop := l.pos()
	l.exclusive(opLdxr, n, 0, scratch3, scratch)
	l.rrr(w, opSubs, zero, scratch3, r0)
	differs := l.local(cond(ccNE))
	l.exclusive(opStlxr, n, scratch4, s, scratch)
	l.to(l.local(compareZero(w32, opCbnz, scratch4)), loop)
	l.land(differs)
	l.word(opDmbIsh)
	l.mov(w, r0, scratch3)
}

package amd64

import (
	"math/bits"

	"skep/jit/contract"
	"skep/jit/ir"
	"skep/jit/window"
	"skep/vm/isa"
)

// address prepares the op's access of n bytes at [b + index + off]: it checks
// it, unless proved, and returns the operand to use. The operand is good for
// one instruction after another until a register of it changes; scratch may
// be part of it.
//
// The check: the address lies in the window that the last access by way of
// the same register fell in, else (out of line) in the current frame, else
// package native finds the window, or the access faults. These are the rules
// of the interpreter, so that both fault at the same instruction.
func (l *lower) address(o *ir.Op, b, index uint8, off int32, n int, write bool) mem {
	m := mem{base: regs[b], disp: off}
	if index != ir.NoReg {
		m.index, m.hasIndex = regs[index], true
	}
	if !inside(o, b, index, off, n) {
		l.check(m, b, n, write)
	}
	return l.operand(m)
}

// inside reports an access that needs no check: one that is proved, or inside
// the frame by its own numbers.
func inside(o *ir.Op, b, index uint8, off int32, n int) bool {
	return o.Flags&ir.Proved != 0 || b == isa.R10 && index == ir.NoReg && off >= -contract.FrameSize && int(off)+n <= 0
}

// operand makes an address into an operand of the program's memory.
func (l *lower) operand(m mem) mem {
	if l.feat.GS {
		m.gs = true
		return m
	}
	l.lea(0, scratch, m)
	return mem{base: base, index: scratch, hasIndex: true}
}

func (l *lower) check(m mem, b uint8, n int, write bool) {
	w := int(b)
	if write {
		w += window.Count / 2
	}
	at := int32(contract.CtxWindows + w*window.Size)
	l.lea(w64, scratch, m)
	l.rm(w64, 0x2b, scratch, ctx(at))
	l.rm(w64, 0x3b, scratch, ctx(at+8*int32(log2(n)+1)))
	s := stub{op: l.op, reason: contract.MissReason(n, w), addr: m, size: n, window: w, at: l.far(ccAE)}
	s.back = l.pos()
	l.stubs = append(l.stubs, s)
}

// log2 is that of a power of two.
func log2(n int) int { return bits.TrailingZeros(uint(n)) }

// load does the loads of all kinds, load-acquire included: amd64 keeps loads
// in order.
func (l *lower) load(o *ir.Op) {
	n, _ := o.Access()
	m := l.address(o, o.Src, o.Index, o.Off, n, false)
	d := regs[o.Dst]
	switch o.Own {
	case isa.KindLdxSXB:
		l.rm(w64, 0x0fbe, d, m)
	case isa.KindLdxSXH:
		l.rm(w64, 0x0fbf, d, m)
	case isa.KindLdxSXW:
		l.rm(w64, 0x63, d, m)
	default:
		l.loadPiece(d, m, n)
	}
}

// store does the stores from a register, store-release included: amd64 keeps
// a store behind what came before it.
func (l *lower) store(o *ir.Op) {
	n, _ := o.Access()
	m := l.address(o, o.Dst, o.Index, o.Off, n, true)
	l.sized(0x89, regs[o.Src], m, n)
}

// sized is an instruction on n bytes of a register and memory: that of bytes
// comes before it in the opcode map.
func (l *lower) sized(op uint32, s reg, m mem, n int) {
	switch n {
	case 1:
		l.rm(low8, op-1, s, m)
	case 2:
		l.rm(p16, op, s, m)
	case 4:
		l.rm(0, op, s, m)
	default:
		l.rm(w64, op, s, m)
	}
}

func (l *lower) storeImm(o *ir.Op) {
	n, _ := o.Access()
	m := l.address(o, o.Dst, o.Index, o.Off, n, true)
	v := int32(uint32(o.Imm))
	switch n {
	case 1:
		l.rm(0, 0xc6, 0, m)
		l.byte(byte(v))
	case 2:
		l.rm(p16, 0xc7, 0, m)
		l.byte(byte(v), byte(v>>8))
	case 4:
		l.rm(0, 0xc7, 0, m)
		l.imm32(v)
	default:
		l.rm(w64, 0xc7, 0, m)
		l.imm32(v)
	}
}

// atomic does the read-modify-write operations.
func (l *lower) atomic(o *ir.Op) {
	k, f := o.Own, w64
	n := 8
	if k >= isa.KindAtomicAdd32 && k <= isa.KindAtomicCmpxchg32 {
		k -= isa.KindAtomicAdd32 - isa.KindAtomicAdd64
		f, n = 0, 4
	}
	m := l.address(o, o.Dst, ir.NoReg, o.Off, n, true)
	s := regs[o.Src]
	switch k {
	case isa.KindAtomicAdd64:
		l.rm(f|lock, 0x01, s, m)
	case isa.KindAtomicOr64:
		l.rm(f|lock, 0x09, s, m)
	case isa.KindAtomicAnd64:
		l.rm(f|lock, 0x21, s, m)
	case isa.KindAtomicXor64:
		l.rm(f|lock, 0x31, s, m)
	case isa.KindAtomicFetchAdd64:
		l.rm(f|lock, 0x0fc1, s, m)
	case isa.KindAtomicXchg64:
		l.rm(f, 0x87, s, m)
	case isa.KindAtomicCmpxchg64:
		l.rm(f|lock, 0x0fb1, s, m)
		if n == 4 { // eax is not written when the comparison holds
			l.mov(0, rax, rax)
		}
	case isa.KindAtomicFetchOr64:
		l.fetchLoop(o, f, aluOr, m)
	case isa.KindAtomicFetchAnd64:
		l.fetchLoop(o, f, aluAnd, m)
	case isa.KindAtomicFetchXor64:
		l.fetchLoop(o, f, aluXor, m)
	}
}

// fetchLoop is the fetching operations that amd64 lacks: a loop around
// cmpxchg, which wants the old value in rax.
func (l *lower) fetchLoop(o *ir.Op, f mode, alu uint32, m mem) {
	if m.gs { // rax and the temporaries may be in the address
		m.gs = false
		l.lea(0, scratch, m)
		m = mem{base: base, index: scratch, hasIndex: true}
	}
	src := regs[o.Src]
	var tmp, val reg // two registers that are neither rax nor src
	for r := rdi; r > rax; r-- {
		switch {
		case r == rsp || r == rbp || r == src:
		case tmp == rax:
			tmp = r
		case val == rax:
			val = r
		}
	}
	l.push(rax)
	l.push(tmp)
	l.push(val)
	l.mov(w64, val, src)
	l.rm(f, 0x8b, rax, m)
	loop := l.pos()
	l.mov(w64, tmp, rax)
	l.alu(f, alu, tmp, val)
	l.rm(f|lock, 0x0fb1, tmp, m)
	l.byte(0x70|ccNE, 0)
	l.b[l.pos()-1] = byte(loop - l.pos())
	l.mov(f, scratch, rax)
	l.pop(val)
	l.pop(tmp)
	l.pop(rax)
	l.mov(f, src, scratch)
}

package arm64

import (
	"encoding/binary"
	"math/bits"
)

// encoder collects instructions, each a word.
type encoder struct {
	b []byte
}

func (a *encoder) word(w uint32)          { a.b = binary.LittleEndian.AppendUint32(a.b, w) }
func (a *encoder) pos() int               { return len(a.b) }
func (a *encoder) at(pos int) uint32      { return binary.LittleEndian.Uint32(a.b[pos:]) }
func (a *encoder) set(pos int, w uint32)  { binary.LittleEndian.PutUint32(a.b[pos:], w) }
func field(r reg, shift int) uint32       { return uint32(r) << shift }
func fits(v int64, n int) bool            { return v >= -1<<(n-1) && v < 1<<(n-1) }
func low(v int64, n int) uint32           { return uint32(v) & (1<<n - 1) }
func log2(n int) uint8                    { return uint8(bits.TrailingZeros(uint(n))) }
func shifted(op uint32, n uint8) uint32   { return op | uint32(n)<<10 }
func extended(op uint32, size int) uint32 { return op | uint32(log2(size))<<30 }

// width is the size of an operation: bit 31 of its word.
type width uint32

const (
	w32 width = 0
	w64 width = 1 << 31
)

// bits of an operand.
func (w width) bits() uint8 {
	if w == w64 {
		return 64
	}
	return 32
}

// Words of instructions with all operands zero, by the form of the operands.
const (
	// rrr: d = n op m. A shift of m to the left may be added by shifted.
	opAdd   = 0x0b000000
	opSub   = 0x4b000000
	opSubs  = 0x6b000000
	opAnd   = 0x0a000000
	opAnds  = 0x6a000000
	opOrr   = 0x2a000000
	opEor   = 0x4a000000
	opOrn   = 0x2a200000
	opLsr   = 0x00400000 // of m, added to the above
	opUxtw  = 0x0b204000 // d = n + the lower half of m
	opUdiv  = 0x1ac00800
	opSdiv  = 0x1ac00c00
	opLslv  = 0x1ac02000
	opLsrv  = 0x1ac02400
	opAsrv  = 0x1ac02800
	opMul   = 0x1b007c00
	opMadd  = 0x1b000000 // rrrr: d = n*m + a
	opMsub  = 0x1b008000 // d = a - n*m
	opExtr  = 0x13800000 // ror when n and m are the same
	opRev16 = 0x5ac00400 // rr
	opRev   = 0x5ac00800 // of 4 bytes; of 8 with w64 and opRev8
	opRev8  = 0x00000400

	// ri: d = n op imm, 12 bits, or the same shifted by 12.
	opAddImm  = 0x11000000
	opAddsImm = 0x31000000
	opSubImm  = 0x51000000
	opSubsImm = 0x71000000

	// logical: d = n op imm, a repeated run of ones.
	opAndImm  = 0x12000000
	opOrrImm  = 0x32000000
	opEorImm  = 0x52000000
	opAndsImm = 0x72000000

	opMovn = 0x12800000
	opMovz = 0x52800000
	opMovk = 0x72800000

	opSbfm = 0x13000000
	opUbfm = 0x53000000

	// Memory: t, [n, #imm], 9 bits, signed; with opScaled 12 bits, in units of
	// the size; with opIndexed t, [n, w, uxtw]. extended adds the size.
	opStr     = 0x38000000
	opLdr     = 0x38400000
	opLdrs    = 0x38800000 // sign-extending to 64 bits
	opScaled  = 0x01000000
	opIndexed = 0x00204800
	opStrPre  = 0xf8000c00 // t, [n, #imm]!
	opLdrPost = 0xf8400400 // t, [n], #imm
	opStpPre  = 0xa9800000
	opLdpPost = 0xa8c00000
	opStp     = 0xa9000000
	opStp32   = 0x29000000
	opLdxr    = 0x085f7c00
	opStxr    = 0x08007c00
	opStlxr   = 0x0800fc00
	opLdar    = 0x08dffc00
	opStlr    = 0x089ffc00
	opLdadd   = 0x38200000 // LSE: t = memory, memory += s
	opLdclr   = 0x38201000 // memory &^= s
	opLdeor   = 0x38202000
	opLdset   = 0x38203000
	opSwp     = 0x38208000
	opAcqRel  = 0x00c00000 // of the five above
	opCasal   = 0x08e0fc00
	opDmbIsh  = 0xd5033bbf
	opB       = 0x14000000
	opBl      = 0x94000000
	opBcond   = 0x54000000
	opCbz     = 0x34000000
	opCbnz    = 0x35000000
	opRet     = 0xd65f03c0
	opAdrp    = 0x90000000
	maskB     = 0x7c000000 // opB and opBl have the same bits here
)

// rrr is d = n op m.
func (a *encoder) rrr(w width, op uint32, d, n, m reg) {
	a.word(uint32(w) | op | field(m, 16) | field(n, 5) | field(d, 0))
}

// rr is d = op n.
func (a *encoder) rr(w width, op uint32, d, n reg) { a.rrr(w, op, d, n, 0) }

// mov copies; on 32 bits it clears the upper half.
func (a *encoder) mov(w width, d, s reg) { a.rrr(w, opOrr, d, zero, s) }

// rrrr is madd and msub, which add to or take from s.
func (a *encoder) rrrr(w width, op uint32, d, n, m, s reg) { a.rrr(w, op|field(s, 10), d, n, m) }

// immArith is d = n op v where v fits the instruction, by op or by its
// opposite neg.
func (a *encoder) immArith(w width, op, neg uint32, d, n reg, v int64) bool {
	if v < 0 {
		op, v = neg, -v
	}
	switch {
	case v>>12 == 0:
	case v&0xfff == 0 && v>>24 == 0:
		op, v = op|1<<22, v>>12
	default:
		return false
	}
	a.word(uint32(w) | op | uint32(v)<<10 | field(n, 5) | field(d, 0))
	return true
}

// logicalImm is the fields N, immr and imms of a bitmask immediate: a run of
// ones in an element of 2 to 64 bits, rotated and repeated.
func logicalImm(w width, v uint64) (fields uint32, ok bool) {
	if w == w32 {
		v = v&0xffffffff | v<<32
	}
	if v == 0 || v == 1<<64-1 {
		return 0, false
	}
	size := 64
	for size > 2 {
		half := size / 2
		if mask := uint64(1)<<half - 1; v&mask != v>>half&mask {
			break
		}
		size = half
	}
	mask := uint64(1<<64-1) >> (64 - size)
	e := v & mask
	ones := bits.OnesCount64(e)
	// Rotate until the run is at the bottom: r is how far it was turned right.
	r := 0
	for ; r < size; r++ {
		if e == uint64(1)<<ones-1 {
			break
		}
		e = (e<<1 | e>>(size-1)) & mask
	}
	if r == size {
		return 0, false
	}
	n := uint32(0)
	imms := uint32(ones-1) | ^uint32(2*size-1)&0x3f
	if size == 64 {
		n, imms = 1, uint32(ones-1)
	}
	return n<<22 | uint32(r)<<16 | imms<<10, true
}

// immLogical is d = n op v where v fits the instruction.
func (a *encoder) immLogical(w width, op uint32, d, n reg, v uint64) bool {
	f, ok := logicalImm(w, v)
	if ok {
		a.word(uint32(w) | op | f | field(n, 5) | field(d, 0))
	}
	return ok
}

// movImm loads a constant by the fewest instructions: a bitmask, or 16 bits at
// a time from zeros or from ones.
func (a *encoder) movImm(d reg, v uint64) {
	zeros, ones := 0, 0
	for i := 0; i < 64; i += 16 {
		switch v >> i & 0xffff {
		case 0:
			zeros++
		case 0xffff:
			ones++
		}
	}
	if zeros < 3 && ones < 3 {
		if a.immLogical(w64, opOrrImm, d, zero, v) {
			return
		}
		if v>>32 == 0 && (a.immLogical(w32, opOrrImm, d, zero, v) || a.movn32(d, uint32(v))) {
			return
		}
	}
	first, skip, flip := uint32(opMovz), uint64(0), uint64(0)
	if ones > zeros {
		first, skip, flip = opMovn, 0xffff, 0xffff
	}
	op := first
	for i := 0; i < 64; i += 16 {
		h := v >> i & 0xffff
		if h == skip {
			continue
		}
		if op == first {
			h ^= flip
		}
		a.word(uint32(w64) | op | uint32(i/16)<<21 | uint32(h)<<5 | field(d, 0))
		op = opMovk
	}
	if op == first {
		a.word(uint32(w64) | op | field(d, 0))
	}
}

// movn32 loads a 32-bit constant of which one half is ones.
func (a *encoder) movn32(d reg, v uint32) bool {
	switch {
	case v>>16 == 0xffff:
		a.word(opMovn | ^v&0xffff<<5 | field(d, 0))
	case v&0xffff == 0xffff:
		a.word(opMovn | 1<<21 | ^v>>16<<5 | field(d, 0))
	default:
		return false
	}
	return true
}

// bitfield is sbfm and ubfm: what shifts and extensions are made of.
func (a *encoder) bitfield(w width, op uint32, d, n reg, immr, imms uint8) {
	a.word(uint32(w) | uint32(w)>>9 | op | uint32(immr)<<16 | uint32(imms)<<10 | field(n, 5) | field(d, 0))
}

func (a *encoder) lslImm(w width, d, n reg, c uint8) {
	a.bitfield(w, opUbfm, d, n, -c&(w.bits()-1), w.bits()-1-c)
}
func (a *encoder) lsrImm(w width, d, n reg, c uint8) { a.bitfield(w, opUbfm, d, n, c, w.bits()-1) }
func (a *encoder) asrImm(w width, d, n reg, c uint8) { a.bitfield(w, opSbfm, d, n, c, w.bits()-1) }

// rorImm rotates right.
func (a *encoder) rorImm(w width, d, n reg, c uint8) {
	a.rrr(w, uint32(w)>>9|opExtr|uint32(c)<<10, d, n, n)
}

// Extensions of the lowest bytes of n.
func (a *encoder) sext(w width, d, n reg, bits uint8) { a.bitfield(w, opSbfm, d, n, 0, bits-1) }
func (a *encoder) zext(d, n reg, bits uint8)          { a.bitfield(w32, opUbfm, d, n, 0, bits-1) }

// indexed is an access of t at n plus the lower half of m.
func (a *encoder) indexed(op uint32, size int, t, n, m reg) {
	a.word(extended(op|opIndexed, size) | field(m, 16) | field(n, 5) | field(t, 0))
}

// offset is an access of t at n plus off, which must be encodable.
func (a *encoder) offset(op uint32, size int, t, n reg, off int32) {
	op = extended(op, size) | field(n, 5) | field(t, 0)
	if scaled(off, size) {
		a.word(op | opScaled | uint32(int(off)/size)<<10)
	} else {
		a.word(op | low(int64(off), 9)<<12)
	}
}

// encodable reports that an access of size bytes may have the offset off.
func encodable(off int32, size int) bool { return scaled(off, size) || fits(int64(off), 9) }

func scaled(off int32, size int) bool {
	return off >= 0 && int(off)%size == 0 && int(off)/size < 1<<12
}

// ctx is an access of t to a word of the context.
func (a *encoder) ctx(op uint32, size int, t reg, off int32) { a.offset(op, size, t, context, off) }

// pair is a pair of registers of size bytes each at n plus off, a multiple of
// that.
func (a *encoder) pair(op uint32, size int32, t, u, n reg, off int32) {
	a.word(op | low(int64(off/size), 7)<<15 | field(u, 10) | field(n, 5) | field(t, 0))
}

// push and pop one or two registers (zero: one) to and from the JIT's stack.
func (a *encoder) push(t, u reg) {
	if u == zero {
		a.word(opStrPre | low(-8, 9)<<12 | field(stack, 5) | field(t, 0))
		return
	}
	a.pair(opStpPre, 8, t, u, stack, -16)
}

func (a *encoder) pop(t, u reg) {
	if u == zero {
		a.word(opLdrPost | 8<<12 | field(stack, 5) | field(t, 0))
		return
	}
	a.pair(opLdpPost, 8, t, u, stack, 16)
}

// exclusive is a load or store of t at [n] and no other place: acquire,
// release, exclusive (s gets whether a store failed), and what LSE does with s
// (compares it, adds it) before t has what was there.
func (a *encoder) exclusive(op uint32, size int, s, t, n reg) {
	a.word(extended(op, size) | field(s, 16) | field(n, 5) | field(t, 0))
}

// Conditions of bcond, each one's opposite is its number with bit 0 flipped.
const (
	ccEQ = 0
	ccNE = 1
	ccHS = 2
	ccLO = 3
	ccMI = 4
	ccHI = 8
	ccLS = 9
	ccGE = 10
	ccLT = 11
	ccGT = 12
	ccLE = 13
)

// cond is a conditional branch without its distance.
func cond(cc uint32) uint32 { return opBcond | cc }

// compareZero is a branch on a register that is zero, or not.
func compareZero(w width, op uint32, r reg) uint32 { return uint32(w) | op | field(r, 0) }

// opposite is the conditional branch that is taken when w is not.
func opposite(w uint32) uint32 {
	if w>>24 == opBcond>>24 {
		return w ^ 1
	}
	return w ^ (opCbz ^ opCbnz)
}

// patch makes the branch at pos lead to to. It reports whether it reaches.
func (a *encoder) patch(pos, to int) bool {
	w, d := a.at(pos), int64(to-pos)/4
	if w&maskB == opB {
		a.set(pos, w|low(d, 26))
		return fits(d, 26)
	}
	a.set(pos, w|low(d, 19)<<5)
	return fits(d, 19)
}

// adrp loads the address of the page of the code that is n pages behind this
// instruction's.
func (a *encoder) adrp(d reg, n int) {
	a.word(opAdrp | low(int64(n), 2)<<29 | low(int64(n)>>2, 19)<<5 | field(d, 0))
}

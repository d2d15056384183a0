package amd64

import "encoding/binary"

// encoder collects instructions.
type encoder struct {
	b []byte
}

// mem is an operand in memory: [base + index + disp], of the program's memory
// (gs, 32-bit sums) or of the JIT's own.
type mem struct {
	base, index reg
	hasIndex    bool
	gs          bool
	disp        int32
}

// ctx is a word of the context.
func ctx(off int32) mem { return mem{base: context, disp: off} }

func (a *encoder) byte(b ...byte)    { a.b = append(a.b, b...) }
func (a *encoder) imm8(v byte)       { a.b = append(a.b, v) }
func (a *encoder) imm32(v int32)     { a.b = binary.LittleEndian.AppendUint32(a.b, uint32(v)) }
func (a *encoder) imm64(v uint64)    { a.b = binary.LittleEndian.AppendUint64(a.b, v) }
func (a *encoder) pos() int          { return len(a.b) }
func is8(v int32) bool               { return v == int32(int8(v)) }
func (a *encoder) patch32(at, v int) { binary.LittleEndian.PutUint32(a.b[at:], uint32(int32(v))) }

// Modifiers of an instruction, beside its opcode.
type mode uint8

const (
	w64  mode = 1 << iota // REX.W
	p16                   // 66 prefix
	lock                  // F0 prefix
	low8                  // the reg operand is a byte register
	rm8                   // the rm operand is a byte register
)

// piece is up to eight bytes of an instruction, to be written at once.
type piece struct {
	bits uint64
	n    int
}

func (p *piece) add(b byte) {
	p.bits |= uint64(b) << (8 * p.n & 63)
	p.n++
}

// opcode adds the bytes of an opcode after the prefixes: 0x0fb6 is 0f b6.
func (p *piece) opcode(op uint32) {
	if op > 0xffff {
		p.add(byte(op >> 16))
	}
	if op > 0xff {
		p.add(byte(op >> 8))
	}
	p.add(byte(op))
}

func (a *encoder) put(p piece) {
	n := len(a.b) + p.n
	a.b = binary.LittleEndian.AppendUint64(a.b, p.bits)[:n]
}

// rr is an instruction on two registers: reg field r, rm field m.
func (a *encoder) rr(f mode, op uint32, r, m reg) {
	var p piece
	if f&p16 != 0 {
		p.add(0x66)
	}
	rex := byte(0x40) | byte(r>>3)<<2 | byte(m>>3)
	if f&w64 != 0 {
		rex |= 8
	}
	if rex != 0x40 || f&low8 != 0 && r >= rsp || f&rm8 != 0 && m >= rsp {
		p.add(rex)
	}
	p.opcode(op)
	p.add(0xc0 | byte(r&7)<<3 | byte(m&7))
	a.put(p)
}

// rm is an instruction on a register (or opcode extension) and memory.
func (a *encoder) rm(f mode, op uint32, r reg, m mem) {
	var p piece
	if m.gs {
		p.add(0x65)
		p.add(0x67)
	}
	if f&lock != 0 {
		p.add(0xf0)
	}
	if f&p16 != 0 {
		p.add(0x66)
	}
	rex := byte(0x40) | byte(r>>3)<<2 | byte(m.base>>3)
	if m.hasIndex {
		rex |= byte(m.index>>3) << 1
	}
	if f&w64 != 0 {
		rex |= 8
	}
	if rex != 0x40 || f&low8 != 0 && r >= rsp {
		p.add(rex)
	}
	p.opcode(op)
	a.put(p)
	p = piece{}
	sib := m.hasIndex || m.base&7 == rsp
	rmField := byte(m.base & 7)
	if sib {
		rmField = 4
	}
	mod := byte(2)
	switch {
	case m.disp == 0 && m.base&7 != rbp:
		mod = 0
	case is8(m.disp):
		mod = 1
	}
	p.add(mod<<6 | byte(r&7)<<3 | rmField)
	if sib {
		index := byte(4) // none
		if m.hasIndex {
			index = byte(m.index & 7)
		}
		p.add(index<<3 | byte(m.base&7))
	}
	p.bits |= uint64(uint32(m.disp)) << (8 * p.n)
	switch mod {
	case 1:
		p.n++
	case 2:
		p.n += 4
	}
	a.put(p)
}

// Arithmetic by its number in the opcode map: add 0, or 1, and 4, sub 5,
// xor 6, cmp 7.
const (
	aluAdd = 0
	aluOr  = 1
	aluAnd = 4
	aluSub = 5
	aluXor = 6
	aluCmp = 7
)

func (a *encoder) alu(f mode, n uint32, d, s reg) { a.rr(f, n<<3|1, s, d) }

func (a *encoder) aluImm(f mode, n uint32, d reg, v int32) {
	if is8(v) {
		a.rr(f, 0x83, reg(n), d)
		a.imm8(byte(v))
		return
	}
	if d == rax {
		if f&w64 != 0 {
			a.byte(0x48)
		}
		a.byte(byte(n<<3 | 5))
	} else {
		a.rr(f, 0x81, reg(n), d)
	}
	a.imm32(v)
}

func (a *encoder) mov(f mode, d, s reg) { a.rr(f, 0x89, s, d) }

func (a *encoder) lea(f mode, d reg, m mem) { a.rm(f, 0x8d, d, m) }

// movImm loads a constant by the shortest form. It may change flags.
func (a *encoder) movImm(d reg, v uint64) {
	switch {
	case v == 0:
		a.rr(0, 0x31, d, d)
	case v>>32 == 0:
		if d >= r8 {
			a.byte(0x41)
		}
		a.byte(0xb8 | byte(d&7))
		a.imm32(int32(v))
	case int64(v) == int64(int32(v)):
		a.rr(w64, 0xc7, 0, d)
		a.imm32(int32(v))
	default:
		a.byte(0x48|byte(d>>3), 0xb8|byte(d&7))
		a.imm64(v)
	}
}

// Shifts by their number in the opcode map.
const (
	shRol = 0
	shShl = 4
	shShr = 5
	shSar = 7
)

func (a *encoder) shiftImm(f mode, n reg, d reg, c byte) {
	if c == 1 {
		a.rr(f, 0xd1, n, d)
		return
	}
	a.rr(f, 0xc1, n, d)
	a.imm8(c)
}

// shiftX is shlx, shrx and sarx of BMI2: d = s shifted by c.
func (a *encoder) shiftX(f mode, n reg, d, s, c reg) {
	pp := map3(n)
	w := byte(0)
	if f&w64 != 0 {
		w = 0x80
	}
	a.byte(0xc4, (^byte(d>>3)&1)<<7|1<<6|(^byte(s>>3)&1)<<5|2, w|(^byte(c)&15)<<3|pp, 0xf7, 0xc0|byte(d&7)<<3|byte(s&7))
}

// map3 is the pp field that tells the three apart.
func map3(n reg) byte {
	switch n {
	case shShl:
		return 1
	case shShr:
		return 3
	}
	return 2
}

// pad adds n bytes that do nothing, in the long forms of nop.
func (a *encoder) pad(n int) {
	for ; n >= 8; n -= 8 {
		a.byte(0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0)
	}
	switch n {
	case 7:
		a.byte(0x0f, 0x1f, 0x80, 0, 0, 0, 0)
	case 6:
		a.byte(0x66, 0x0f, 0x1f, 0x44, 0, 0)
	case 5:
		a.byte(0x0f, 0x1f, 0x44, 0, 0)
	case 4:
		a.byte(0x0f, 0x1f, 0x40, 0)
	case 3:
		a.byte(0x0f, 0x1f, 0)
	case 2:
		a.byte(0x66, 0x90)
	case 1:
		a.byte(0x90)
	}
}

func (a *encoder) push(r reg) {
	if r >= r8 {
		a.byte(0x41)
	}
	a.byte(0x50 | byte(r&7))
}

func (a *encoder) pop(r reg) {
	if r >= r8 {
		a.byte(0x41)
	}
	a.byte(0x58 | byte(r&7))
}

// Condition codes.
const (
	ccB  = 2
	ccAE = 3
	ccE  = 4
	ccNE = 5
	ccBE = 6
	ccA  = 7
	ccS  = 8
	ccL  = 12
	ccGE = 13
	ccLE = 14
	ccG  = 15
)

package asm

import (
	"slices"
	"strconv"
	"strings"

	"skep/vm/isa"
)

// instruction reads an instruction of the file's dialect.
func (a *assembler) instruction() bool {
	read := (*assembler).expression
	if a.opt.Dialect == Conformance {
		read = (*assembler).mnemonic
	}
	n, fixes, relocs := len(a.res.Insns), len(a.fix), len(a.res.Relocs)
	if read(a) && a.done() && a.legal(n) {
		return true
	}
	a.res.Insns, a.fix, a.res.Relocs = a.res.Insns[:n], a.fix[:fixes], a.res.Relocs[:relocs]
	return false
}

// legal lets the instruction table judge what has been read. The grammar takes
// "w1 = (s32)w2"; that there is no such instruction is the table's knowledge.
func (a *assembler) legal(n int) bool {
	if isa.Lookup(a.res.Insns[n]) != nil {
		return true
	}
	first := a.toks[a.at0()]
	t := token{tokPunct, a.src[first.pos:a.end], first.pos}
	return a.fail(t, "there is no such instruction", "the operation exists, but not with these operands")
}

func (a *assembler) peek() token {
	if a.at < len(a.toks) {
		return a.toks[a.at]
	}
	return token{}
}

func (a *assembler) next() token {
	t := a.peek()
	a.at++
	return t
}

func (a *assembler) accept(text string) bool {
	if t := a.peek(); t.kind != tokString && t.kind != tokEnd && t.text == text {
		a.at++
		return true
	}
	return false
}

func (a *assembler) expect(text string) bool {
	if a.accept(text) {
		return true
	}
	return a.fail(a.peek(), "expected "+quote(text)+a.found(), "")
}

// expectAll reads tokens that must follow one another.
func (a *assembler) expectAll(texts ...string) bool {
	for _, t := range texts {
		if !a.expect(t) {
			return false
		}
	}
	return true
}

func (a *assembler) found() string {
	t := a.peek()
	if t.kind == tokEnd {
		return ", found the end of the line"
	}
	return ", found " + quote(t.text)
}

// done demands the end of the statement.
func (a *assembler) done() bool {
	if a.at >= len(a.toks) {
		return true
	}
	t := a.peek()
	return a.fail(token{tokPunct, a.src[t.pos:a.end], t.pos}, quote(a.src[t.pos:a.end])+" is too much here", "the instruction ends before it")
}

// register splits a register's name into view ('r' or 'w') and number.
func register(s string) (view byte, n uint8, ok bool) {
	if len(s) < 2 || len(s) > 3 || s[0] != 'r' && s[0] != 'w' {
		return 0, 0, false
	}
	switch {
	case len(s) == 2 && isDigit(s[1]):
		return s[0], s[1] - '0', true
	case s[1] == '1' && s[2] == '0':
		return s[0], 10, true
	}
	return 0, 0, false
}

// looksLikeRegister is r or w and digits, in range or not.
func looksLikeRegister(s string) bool {
	return len(s) >= 2 && (s[0] == 'r' || s[0] == 'w') && strings.Trim(s[1:], "0123456789") == ""
}

func (a *assembler) reg() (view byte, n uint8, ok bool) {
	t := a.next()
	if t.text == "%" && t.kind == tokPunct && a.peek().kind == tokWord {
		t = a.next()
	}
	if t.kind == tokWord {
		if view, n, ok = register(t.text); ok {
			return view, n, true
		}
		if looksLikeRegister(t.text) {
			a.fail(t, "there is no register "+quote(t.text), "registers are r0 to r10, and w0 to w10 for their lower halves")
			return 0, 0, false
		}
	}
	a.at--
	a.fail(a.peek(), "expected a register"+a.found(), "registers are r0 to r10, and w0 to w10 for their lower halves")
	return 0, 0, false
}

// reg64 reads a register where only its 64-bit view makes sense.
func (a *assembler) reg64() (n uint8, ok bool) {
	t := a.peek()
	view, n, ok := a.reg()
	if ok && view == 'w' {
		return 0, a.fail(t, "an address needs all 64 bits", "write r"+itoa(int(n)))
	}
	return n, ok
}

// number reads a number with its sign; neg says that there was a minus.
func (a *assembler) number(what string) (v uint64, neg, ok bool) {
	for {
		if a.accept("-") {
			neg = !neg
		} else if !a.accept("+") {
			break
		}
	}
	t := a.peek()
	if t.kind != tokNumber {
		return 0, false, a.fail(t, "expected "+what+a.found(), "")
	}
	a.at++
	v, bad := parseUint(t.text)
	if bad {
		return 0, false, a.fail(t, quote(t.text)+" is no number that fits in 64 bits", "numbers are decimal, or hexadecimal with 0x")
	}
	return v, neg, true
}

// signed reads a number of so many bits. Loose also takes the bit pattern of a
// negative one, in hexadecimal: 2147483648 in an immediate would be negative
// and is most likely a mistake, 0x80000000 is not.
func (a *assembler) signed(what string, bits uint, loose bool) (int64, bool) {
	start := a.peek()
	v, neg, ok := a.number(what)
	if !ok {
		return 0, false
	}
	half := uint64(1) << (bits - 1)
	switch {
	case neg && v <= half:
		return -int64(v), true
	case !neg && v < half:
		return int64(v), true
	case !neg && loose && bits == 64:
		return int64(v), true
	case !neg && loose && v < half*2 && isHex(a.toks[a.at-1].text):
		return int64(v) - int64(half)*2, true
	}
	last := a.toks[a.at-1]
	t := token{tokNumber, a.src[start.pos : last.pos+len(last.text)], start.pos}
	hint := ""
	switch {
	case bits == 32 && !neg && v < half*2:
		hint = "as a bit pattern it is written 0x" + strconv.FormatUint(v, 16)
	case bits == 32 && loose:
		hint = "a wide load takes 64 bits: `r1 = 0x1122334455667788 ll`, or `lddw %r1, 0x1122334455667788`"
	}
	return 0, a.fail(t, quote(t.text)+" does not fit in the "+itoa(int(bits))+" bits of "+what, hint)
}

func isHex(s string) bool { return len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' }

func (a *assembler) imm() (int32, bool) {
	v, ok := a.signed("the immediate", 32, true)
	return int32(v), ok
}

func (a *assembler) isReg() bool {
	t := a.peek()
	if t.kind == tokPunct && t.text == "%" {
		return true
	}
	return t.kind == tokWord && looksLikeRegister(t.text)
}

// offset reads the offset of an address, when there is one.
func (a *assembler) offset() (int16, bool) {
	if t := a.peek().text; t != "+" && t != "-" {
		return 0, true
	}
	v, ok := a.signed("the offset", 16, false)
	return int16(v), ok
}

// size reads a type in a cast, such as u32, and its size field.
func (a *assembler) size() (field uint8, signed, ok bool) {
	t := a.next()
	if n := slices.Index(sizes[:], t.text); n >= 0 && t.kind == tokWord {
		return uint8(n) << 3, false, true
	}
	if n := slices.Index(signedSizes[:3], t.text); n >= 0 && t.kind == tokWord {
		return uint8(n) << 3, true, true
	}
	hint := a.didYouMean(t.text, func(yield func(string) bool) {
		_ = yield("u8") && yield("u16") && yield("u32") && yield("u64") && yield("s8") && yield("s16") && yield("s32")
	})
	a.fail(t, "expected the type of a memory access", hint)
	return 0, false, false
}

// mem is an address with the size of the access.
type mem struct {
	size   uint8 // size field
	signed bool
	reg    uint8
	off    int16
}

// memory reads "(u32 *)(r1 + 4)".
func (a *assembler) memory() (m mem, ok bool) {
	if !a.expect("(") {
		return m, false
	}
	if m.size, m.signed, ok = a.size(); !ok || !a.expectAll("*", ")", "(") {
		return m, false
	}
	if m.reg, ok = a.reg64(); !ok {
		return m, false
	}
	if m.off, ok = a.offset(); !ok {
		return m, false
	}
	return m, a.expect(")")
}

// target reads where a jump goes: a distance, or a label to be filled in.
func (a *assembler) target(kind fixupKind) (distance int32, ok bool) {
	t := a.peek()
	bits := uint(16)
	if kind != fixJump {
		bits = 32
	}
	if t.kind == tokWord && t.text == "pc" && a.at+1 < len(a.toks) && (a.toks[a.at+1].text == "+" || a.toks[a.at+1].text == "-") {
		a.at++
		t = a.peek()
	}
	switch {
	case t.text == "+" || t.text == "-" || t.kind == tokNumber:
		v, ok := a.signed("the distance", bits, false)
		if !ok {
			return 0, false
		}
		// llvm-objdump's "<main+0x20>" says the same again.
		if a.accept("<") {
			for a.peek().kind != tokEnd && !a.accept(">") {
				a.at++
			}
		}
		return int32(v), true
	case t.kind == tokWord:
		a.at++
		a.use(kind, t)
		return 0, true
	}
	return 0, a.fail(t, "expected a label or a distance"+a.found(), "as in `goto done` or `goto +2`")
}

package asm

import (
	"slices"
	"strings"

	"skep/vm/isa"
)

// assignment reads an instruction that begins with a register.
func (a *assembler) assignment() bool {
	first := a.peek()
	view, dst, ok := a.reg()
	if !ok {
		return false
	}
	class := uint8(isa.ClassALU64)
	if view == 'w' {
		class = isa.ClassALU
	}
	t := a.next()
	if t.text == "=" {
		return a.value(first, view, dst, class)
	}
	i := isa.Insn{Op: class, Dst: dst}
	op := slices.Index(aluOps[:], t.text)
	switch {
	case t.text == "s/=":
		i.Op, i.Off = i.Op|isa.OpDiv, isa.OffSigned
	case t.text == "s%=":
		i.Op, i.Off = i.Op|isa.OpMod, isa.OffSigned
	case op >= 0 && t.kind == tokPunct:
		i.Op |= uint8(op) << 4
	default:
		hint := "they are = += -= *= /= %= |= &= ^= <<= >>= s>>= s/= s%="
		if t.text == "==" {
			hint = "did you mean `=`?"
		}
		return a.fail(t, "expected an operation after "+quote(first.text), hint)
	}
	if a.isReg() {
		i.Op |= isa.SrcX
		i.Src, ok = a.sameView(view)
	} else {
		i.Imm, ok = a.imm()
	}
	return ok && a.emit(i)
}

// sameView reads a register that must have the view of the first.
func (a *assembler) sameView(view byte) (uint8, bool) {
	t := a.peek()
	v, n, ok := a.reg()
	if ok && v != view {
		return 0, a.fail(t, "both registers are r, or both are w", "write "+string([]byte{view})+itoa(int(n)))
	}
	return n, ok
}

// value reads what follows "r1 =".
func (a *assembler) value(first token, view byte, dst uint8, class uint8) bool {
	t := a.peek()
	mov := isa.Insn{Op: class | isa.OpMov, Dst: dst}
	switch {
	case a.isReg():
		src, ok := a.sameView(view)
		mov.Op, mov.Src = mov.Op|isa.SrcX, src
		return ok && a.emit(mov)
	case t.text == "*":
		return a.load(first, view, dst)
	case t.text == "(":
		return a.cast(view, mov)
	case t.text == "-" && a.at+1 < len(a.toks) && looksLikeRegister(a.toks[a.at+1].text):
		a.at++
		t := a.peek()
		src, ok := a.sameView(view)
		if ok && src != dst {
			return a.fail(t, "a register is negated in place", "write -"+first.text)
		}
		return ok && a.emit(isa.Insn{Op: class | isa.OpNeg, Dst: dst})
	case t.kind == tokNumber || t.text == "-" || t.text == "+":
		return a.constant(view, mov)
	case t.kind == tokWord || t.kind == tokString:
		return a.named(first, view, dst)
	}
	return a.fail(t, "expected a value"+a.found(), "a number, a register, or *(u32 *)(r1 + 4)")
}

// constant reads a number: 32 bits for mov, 64 with "ll" behind it or behind
// the opcode (18) of a log.
func (a *assembler) constant(view byte, mov isa.Insn) bool {
	start := a.at
	wide := a.toks[len(a.toks)-1].text == "ll" || a.opcode == isa.ClassLD|isa.ModeImm|isa.SizeDW
	if !wide {
		v, ok := a.imm()
		mov.Imm = v
		return ok && a.emit(mov)
	}
	v, ok := a.signed("the immediate", 64, true)
	if !ok {
		return false
	}
	a.accept("ll")
	if view == 'w' {
		return a.fail(a.toks[start], "a wide load fills all 64 bits", "write r"+itoa(int(mov.Dst)))
	}
	return a.emitWide(mov.Dst, 0, uint64(v))
}

// cast reads "(s8)r2".
func (a *assembler) cast(view byte, mov isa.Insn) bool {
	a.at++
	t := a.peek()
	size, signed, ok := a.size()
	if !ok {
		return false
	}
	if !signed {
		return a.fail(t, "a move extends the sign only", "write s"+strings.TrimPrefix(t.text, "u")+", or mask with &=")
	}
	if !a.expect(")") {
		return false
	}
	src, ok := a.sameView(view)
	mov.Op, mov.Src = mov.Op|isa.SrcX, src
	mov.Off = int16(isa.Insn.Bytes(isa.Insn{Op: size}) * 8)
	return ok && a.emit(mov)
}

// load reads "*(u32 *)(r1 + 4)" or "*(u8 *)skb[r1 + 4]".
func (a *assembler) load(first token, view byte, dst uint8) bool {
	a.at++
	// A packet access has no bracket around its address.
	if a.at+4 < len(a.toks) && a.toks[a.at+4].text == "skb" {
		return a.packetLoad(first, dst)
	}
	m, ok := a.memory()
	if !ok {
		return false
	}
	i := isa.Insn{Op: isa.ClassLDX | isa.ModeMem | m.size, Dst: dst, Src: m.reg, Off: m.off}
	if m.signed {
		i.Op = isa.ClassLDX | isa.ModeMemSX | m.size
	}
	if view == 'w' && (m.signed || m.size == isa.SizeDW) {
		return a.fail(first, "this load fills all 64 bits", "write r"+itoa(int(dst)))
	}
	return a.emit(i)
}

func (a *assembler) packetLoad(first token, dst uint8) bool {
	if !a.expect("(") {
		return false
	}
	size, signed, ok := a.size()
	if !ok || !a.expectAll("*", ")", "skb", "[") {
		return false
	}
	if dst != 0 {
		return a.fail(first, "a packet load writes r0", "")
	}
	if signed || size == isa.SizeDW {
		return a.fail(a.toks[a.at-5], "a packet load is u8, u16 or u32", "")
	}
	i := isa.Insn{Op: isa.ClassLD | isa.ModeAbs | size}
	if a.isReg() {
		i.Op = isa.ClassLD | isa.ModeInd | size
		if i.Src, ok = a.reg64(); !ok {
			return false
		}
		if a.peek().text == "]" {
			a.at++
			return a.emit(i)
		}
		if t := a.peek().text; t != "+" && t != "-" {
			return a.expect("]")
		}
	}
	i.Imm, ok = a.imm()
	return ok && a.expect("]") && a.emit(i)
}

// operations that look like calls, and what they need.
var functions = [...]struct {
	name string
	imm  int32 // of the atomic operation
	size uint8 // field, for those without a cast; 0xff when the cast says it
	cmp  bool  // r0 is an operand
}{
	{"atomic_fetch_add", isa.OpAdd | isa.AtomicFetch, 0xff, false},
	{"atomic_fetch_or", isa.OpOr | isa.AtomicFetch, 0xff, false},
	{"atomic_fetch_and", isa.OpAnd | isa.AtomicFetch, 0xff, false},
	{"atomic_fetch_xor", isa.OpXor | isa.AtomicFetch, 0xff, false},
	{"atomic64_fetch_add", isa.OpAdd | isa.AtomicFetch, 0xff, false},
	{"atomic64_fetch_or", isa.OpOr | isa.AtomicFetch, 0xff, false},
	{"atomic64_fetch_and", isa.OpAnd | isa.AtomicFetch, 0xff, false},
	{"atomic64_fetch_xor", isa.OpXor | isa.AtomicFetch, 0xff, false},
	{"atomic_xchg", isa.AtomicXchg, 0xff, false},
	{"atomic64_xchg", isa.AtomicXchg, 0xff, false},
	{"xchg_64", isa.AtomicXchg, isa.SizeDW, false},
	{"xchg32_32", isa.AtomicXchg, isa.SizeW, false},
	{"atomic_cmpxchg", isa.AtomicCmpxchg, 0xff, true},
	{"atomic64_cmpxchg", isa.AtomicCmpxchg, 0xff, true},
	{"cmpxchg_64", isa.AtomicCmpxchg, isa.SizeDW, true},
	{"cmpxchg32_32", isa.AtomicCmpxchg, isa.SizeW, true},
	{"load_acquire", isa.AtomicLoadAcq, 0xff, false},
}

// named reads a value that begins with a word: a byte swap, an atomic
// operation, a cast of address space, or something with a name.
func (a *assembler) named(first token, view byte, dst uint8) bool {
	t := a.next()
	for n := range functions {
		if functions[n].name == t.text && a.peek().text == "(" {
			return a.atomicCall(n, first, dst)
		}
	}
	switch t.text {
	case "addr_space_cast":
		return a.spaceCast(first, view, dst)
	case "map", "subprog", "ksym":
		if a.peek().text == "[" {
			a.at--
			src, lo, hi, ok := a.pseudo()
			a.accept("ll")
			return ok && a.wideReg(first, view) && a.emitWide(dst, src, uint64(uint32(hi))<<32|uint64(uint32(lo)))
		}
	}
	for i := range isa.Table {
		row := &isa.Table[i]
		if row.Form == isa.FormDst && row.Op&0xf0 == isa.OpEnd && row.Name == t.text && row.Op&7 != isa.ClassJMP {
			src, ok := a.swapReg(first, dst)
			return ok && a.emit(isa.Insn{Op: row.Op, Dst: src, Imm: row.Imm})
		}
	}
	if a.peek().text == "(" {
		names := func(yield func(string) bool) {
			for i := range functions {
				if !yield(functions[i].name) {
					return
				}
			}
			yield("addr_space_cast")
		}
		return a.fail(t, "unknown operation "+quote(t.text), a.didYouMean(t.text, names))
	}
	return a.symbol(t, first, view, dst)
}

func (a *assembler) wideReg(first token, view byte) bool {
	if view == 'w' {
		return a.fail(first, "a wide load fills all 64 bits", "write r"+first.text[1:])
	}
	return true
}

// swapReg reads the operand of a byte swap, which is in place.
func (a *assembler) swapReg(first token, dst uint8) (uint8, bool) {
	t := a.peek()
	_, src, ok := a.reg()
	if ok && src != dst {
		return 0, a.fail(t, "bytes are swapped in place", "write "+first.text)
	}
	return src, ok
}

// atomicCall reads the operands of functions[n].
func (a *assembler) atomicCall(n int, first token, dst uint8) bool {
	f := &functions[n]
	if !a.expect("(") {
		return false
	}
	var m mem
	var ok bool
	if f.size == 0xff {
		m, ok = a.memory()
	} else {
		m.size = f.size
		if m.reg, ok = a.reg64(); ok {
			m.off, ok = a.offset()
		}
	}
	if !ok {
		return false
	}
	if f.imm == isa.AtomicLoadAcq {
		return a.expect(")") && a.emit(isa.Insn{Op: isa.ClassSTX | isa.ModeAtomic | m.size, Dst: dst, Src: m.reg, Off: m.off, Imm: f.imm})
	}
	if !a.expect(",") {
		return false
	}
	result := dst
	if f.cmp {
		t := a.peek()
		r, ok := a.accessReg(m.size)
		if !ok || !a.expect(",") {
			return false
		}
		if r != 0 || dst != 0 {
			if r == 0 {
				t = first
			}
			return a.fail(t, "compare and exchange compares with r0 and writes r0", "")
		}
	}
	t := a.peek()
	src, ok := a.accessReg(m.size)
	if !ok {
		return false
	}
	if !f.cmp && src != result {
		return a.fail(t, "the old value goes to the register of the operand", "write "+first.text)
	}
	return a.expect(")") && a.emit(atomic(m, f.imm, src))
}

func (a *assembler) spaceCast(first token, view byte, dst uint8) bool {
	if !a.expect("(") || !a.wideReg(first, view) {
		return false
	}
	src, ok := a.reg64()
	if !ok {
		return false
	}
	imm, ok := a.spaces()
	return ok && a.expect(")") && a.emit(isa.Insn{
		Op: isa.ClassALU64 | isa.OpMov | isa.SrcX, Dst: dst, Src: src, Off: isa.OffAddrSpaceCast, Imm: imm,
	})
}

// spaces reads ", 0, 1", two address spaces, into the immediate of a cast.
func (a *assembler) spaces() (imm int32, ok bool) {
	for range 2 {
		if !a.expect(",") {
			return 0, false
		}
		t := a.peek()
		v, neg, ok := a.number("an address space")
		if !ok {
			return 0, false
		}
		if neg || v > 0xffff {
			return 0, a.fail(t, "an address space is 0 to 65535", "")
		}
		imm = imm<<16 | int32(v)
	}
	return imm, true
}

package asm

import (
	"strings"

	"skep/vm/isa"
)

// otherNames are spellings that bpf_conformance takes beside its first one.
var otherNames = [...][2]string{{"swap16", "bswap16"}, {"swap32", "bswap32"}, {"swap64", "bswap64"}}

func isMnemonic(word string) bool {
	for _, m := range mnemonics()[1:] {
		if m == word {
			return true
		}
	}
	return false
}

// mnemonic reads an instruction of the conformance dialect. The rows that have
// its mnemonic say what operands it may have; the second one chooses.
func (a *assembler) mnemonic() bool {
	t := a.next()
	word := t.text
	if t.kind != tokWord {
		return a.fail(t, "expected an instruction"+quoteFound(t), "")
	}
	switch word {
	case "call":
		return a.conformanceCall()
	case "lock":
		for a.peek().kind == tokWord {
			word += " " + a.next().text
		}
		if strings.Count(word, " ") == 0 {
			return a.fail(a.peek(), "expected an atomic operation after lock", "as in `lock add [%r1+8], %r2`")
		}
		last := a.toks[a.at-1]
		t = token{tokWord, a.src[t.pos : last.pos+len(last.text)], t.pos}
	}
	for _, o := range otherNames {
		if o[0] == word {
			word = o[1]
		}
	}
	var rows [4]*isa.Row
	n := 0
	for k, m := range mnemonics() {
		if m == word && n < len(rows) {
			rows[n] = isa.Kind(k).Row()
			n++
		}
	}
	if n == 0 {
		hint := a.didYouMean(word, func(yield func(string) bool) {
			for _, m := range mnemonics()[1:] {
				if !yield(m) {
					return
				}
			}
		})
		if _, _, reg := register(word); reg {
			hint = "this is the kernel's or LLVM's dialect; here `r0 = 1` is written `mov %r0, 1`"
		}
		return a.fail(t, "unknown mnemonic "+quote(t.text), hint)
	}
	return a.operands(rows[:n], t)
}

func quoteFound(t token) string {
	if t.kind == tokEnd {
		return ""
	}
	return ", found " + quote(t.text)
}

// operands reads the operands of one of the rows: they have the same mnemonic,
// and differ in whether the second operand is a register.
func (a *assembler) operands(rows []*isa.Row, t token) bool {
	row := rows[0]
	if len(rows) > 1 && a.secondIsReg() {
		for _, r := range rows {
			if r.Use.Src() {
				row = r
			}
		}
	}
	i := isa.Insn{Op: row.Op, Src: row.Src, Off: row.Off, Imm: row.Imm}
	ok := true
	comma := func() bool { return a.expect(",") }
	switch row.Form {
	case isa.FormNone:
		if a.exit < 0 {
			a.exit = len(a.res.Insns)
		}
		return a.emit(i)
	case isa.FormDst:
		i.Dst, ok = a.percent()
	case isa.FormDstImm:
		if i.Dst, ok = a.percent(); ok && comma() {
			i.Imm, ok = a.imm()
		} else {
			return false
		}
	case isa.FormDstSrc:
		if i.Dst, ok = a.percent(); ok && comma() {
			i.Src, ok = a.percent()
		} else {
			return false
		}
	case isa.FormCast:
		return a.conformanceCast(i)
	case isa.FormJmpImm, isa.FormJmpReg:
		if i.Dst, ok = a.percent(); !ok || !comma() {
			return false
		}
		if row.Form == isa.FormJmpReg {
			i.Src, ok = a.percent()
		} else {
			i.Imm, ok = a.imm()
		}
		if !ok || !comma() {
			return false
		}
		var d int32
		d, ok = a.target(fixJump)
		i.Off = int16(d)
	case isa.FormJa:
		var d int32
		d, ok = a.target(fixJump)
		i.Off = int16(d)
	case isa.FormGotol:
		i.Imm, ok = a.target(fixGotol)
	case isa.FormWide:
		return a.conformanceWide(row)
	case isa.FormLoad:
		if i.Dst, ok = a.percent(); !ok || !comma() {
			return false
		}
		i.Src, i.Off, ok = a.bracket()
	case isa.FormAbs:
		i.Imm, ok = a.imm()
	case isa.FormInd:
		if i.Src, ok = a.percent(); ok && comma() {
			i.Imm, ok = a.imm()
		} else {
			return false
		}
	case isa.FormStoreImm:
		if i.Dst, i.Off, ok = a.bracket(); ok && comma() {
			i.Imm, ok = a.imm()
		} else {
			return false
		}
	case isa.FormStore, isa.FormAtomic, isa.FormAtomicFetch, isa.FormAtomicCmpxchg:
		if i.Dst, i.Off, ok = a.bracket(); ok && comma() {
			i.Src, ok = a.percent()
		} else {
			return false
		}
	default:
		return a.fail(t, "this instruction has no operands in this dialect", "")
	}
	return ok && a.emit(i)
}

// secondIsReg looks ahead for a register after the first comma.
func (a *assembler) secondIsReg() bool {
	for n := a.at; n+1 < len(a.toks); n++ {
		if a.toks[n].text == "," {
			next := a.toks[n+1]
			return next.text == "%" || next.kind == tokWord && looksLikeRegister(next.text)
		}
	}
	return false
}

// percent reads a register, which this dialect always calls r.
func (a *assembler) percent() (uint8, bool) {
	view, n, ok := a.reg()
	if ok && view == 'w' {
		return 0, a.fail(a.toks[a.at-1], "this dialect has no w registers", "the mnemonic says the width: mov32 %r"+itoa(int(n))+", 1")
	}
	return n, ok
}

// bracket reads "[%r1+8]".
func (a *assembler) bracket() (reg uint8, off int16, ok bool) {
	if t := a.peek(); t.text != "[" {
		return 0, 0, a.fail(t, "expected an address"+a.found(), "as in [%r1+8]")
	}
	a.at++
	if reg, ok = a.percent(); !ok {
		return 0, 0, false
	}
	if off, ok = a.offset(); !ok {
		return 0, 0, false
	}
	return reg, off, a.expect("]")
}

func (a *assembler) conformanceCast(i isa.Insn) bool {
	var ok bool
	if i.Dst, ok = a.percent(); !ok || !a.expect(",") {
		return false
	}
	if i.Src, ok = a.percent(); !ok {
		return false
	}
	if i.Imm, ok = a.spaces(); !ok {
		return false
	}
	return a.emit(i)
}

// conformanceWide reads lddw with a number, or one of its pseudo forms with
// "map[counts]" and the like. The bracket decides what is loaded, so that
// "lddw %r1, map[counts]" works too.
func (a *assembler) conformanceWide(row *isa.Row) bool {
	dst, ok := a.percent()
	if !ok || !a.expect(",") {
		return false
	}
	t := a.peek()
	if t.kind == tokWord {
		src, lo, hi, ok := a.pseudoWord()
		if ok && row.Src != 0 && src != row.Src {
			return a.fail(t, row.Name+" does not load this", "lddw takes every one of them")
		}
		return ok && a.emitWide(dst, src, uint64(uint32(hi))<<32|uint64(uint32(lo)))
	}
	if row.Src != 0 {
		return a.fail(t, "expected what to load"+a.found(), "as in map[counts], map[fd:5][0]+8, subprog[cb] or ksym[7]")
	}
	v, ok := a.signed("the immediate", 64, true)
	return ok && a.emitWide(dst, 0, uint64(v))
}

func (a *assembler) pseudoWord() (src uint8, lo, hi int32, ok bool) {
	switch t := a.peek(); t.text {
	case "map", "subprog", "ksym":
		return a.pseudo()
	default:
		return 0, 0, 0, a.fail(t, "expected a number or a map, found "+quote(t.text), "as in map[counts]")
	}
}

// conformanceCall reads "call 5", "call helper 5", "call %r2",
// "call local f" and "call name".
func (a *assembler) conformanceCall() bool {
	switch t := a.peek(); {
	case a.isReg():
		n, ok := a.percent()
		return ok && a.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpCall | isa.SrcX, Dst: n})
	case t.kind == tokWord && t.text == "local":
		a.at++
		d, ok := a.target(fixCall)
		return ok && a.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Src: isa.PseudoCall, Imm: d})
	case t.kind == tokWord && t.text == "helper":
		a.at++
	}
	return a.call()
}

package asm

import (
	"slices"
	"strconv"

	"skep/vm/isa"
)

// keywords begin the statements that do not begin with a register.
var keywords = [...]string{"exit", "goto", "gotol", "gotox", "may_goto", "call", "callx", "if", "lock", "store_release", "ld_pseudo"}

// expression reads an instruction in the words of the kernel or of LLVM, which
// differ only in spaces, numbers and the names of atomic operations.
func (a *assembler) expression() bool {
	t := a.peek()
	if a.isReg() {
		return a.assignment()
	}
	a.at++
	switch t.text {
	case "exit":
		return a.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpExit})
	case "goto", "may_goto":
		op := uint8(isa.ClassJMP | isa.JmpA)
		if t.text == "may_goto" {
			op = isa.ClassJMP | isa.JmpCond
		}
		d, ok := a.target(fixJump)
		return ok && a.emit(isa.Insn{Op: op, Off: int16(d)})
	case "gotol":
		d, ok := a.target(fixGotol)
		return ok && a.emit(isa.Insn{Op: isa.ClassJMP32 | isa.JmpA, Imm: d})
	case "gotox", "callx":
		op := uint8(isa.ClassJMP | isa.JmpA | isa.SrcX)
		if t.text == "callx" {
			op = isa.ClassJMP | isa.JmpCall | isa.SrcX
		}
		n, ok := a.reg64()
		return ok && a.emit(isa.Insn{Op: op, Dst: n})
	case "call":
		return a.call()
	case "if":
		return a.branch()
	case "lock":
		return a.lock()
	case "*":
		return a.store()
	case "store_release":
		return a.storeRelease()
	case "ld_pseudo":
		return a.ldPseudo()
	}
	hint := ""
	if t.kind == tokWord {
		if hint = a.didYouMean(t.text, wordsOf(keywords[:])); hint == "" || isMnemonic(t.text) {
			if isMnemonic(t.text) {
				hint = "this is the conformance dialect; here `mov %r0, 1` is written `r0 = 1`"
			}
		}
	}
	return a.fail(t, "unknown instruction "+quote(t.text), hint)
}

func wordsOf(words []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, w := range words {
			if !yield(w) {
				return
			}
		}
	}
}

// call reads what follows "call": a number, "pc+5", a name, or the log's
// "name#5".
func (a *assembler) call() bool {
	local := isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Src: isa.PseudoCall}
	t := a.peek()
	if t.kind == tokWord && t.text == "pc" {
		d, ok := a.target(fixCall)
		local.Imm = d
		return ok && a.emit(local)
	}
	if t.kind == tokNumber || t.text == "-" {
		v, ok := a.imm()
		return ok && a.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Imm: v})
	}
	if t.text == "#" { // the log's call of a kernel function that has no name
		return a.kfunc("")
	}
	if t.kind != tokWord {
		return a.fail(t, "expected a function or its number"+a.found(), "")
	}
	a.at++
	if t.text == "kfunc" && (a.peek().kind == tokWord || a.peek().text == "#") {
		name := ""
		if a.peek().kind == tokWord {
			name = a.next().text
		}
		return a.kfunc(name)
	}
	if a.peek().text == "#" {
		return a.logCall(t)
	}
	return a.callName(t)
}

// logCall reads "#5" after a name: a helper when the resolver knows it as
// such, or when nobody knows it and the number is a helper's.
func (a *assembler) logCall(t token) bool {
	r := a.opt.Resolver
	helper := t.text == "unknown"
	if r != nil && r.HelperID != nil {
		if id, ok := r.HelperID(t.text); ok {
			helper = true
			a.at++
			n := a.peek()
			if v, ok := a.imm(); !ok || v != id {
				if ok {
					a.fail(n, t.text+" is helper "+strconv.Itoa(int(id))+", not "+n.text, "leave the number out")
				}
				return false
			}
			return a.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Imm: id})
		}
	} else if !helper && a.at+1 < len(a.toks) {
		n, bad := parseUint(a.toks[a.at+1].text)
		helper = !bad && n < maxHelper
	}
	if !helper {
		return a.kfunc(t.text)
	}
	a.at++
	v, ok := a.imm()
	return ok && a.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Imm: v})
}

// kfunc reads "#123" and perhaps "off=1" after a kernel function's name. The
// number wins over the name: it is from another kernel's log.
func (a *assembler) kfunc(name string) bool {
	i := isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Src: isa.PseudoKfuncCall}
	if name != "" {
		pos := a.pos(a.toks[a.at-1])
		a.res.Relocs = append(a.res.Relocs, Reloc{len(a.res.Insns), RelocKfunc, name, -1, pos})
	}
	if !a.accept("#") {
		if r := a.opt.Resolver; r != nil && r.KfuncID != nil {
			if id, off, ok := r.KfuncID(name); ok {
				i.Imm, i.Off = id, off
				return a.emit(i)
			}
		}
		if a.opt.Externs {
			return a.emit(i)
		}
		return a.fail(a.toks[a.at-1], "no kernel function "+quote(name), "")
	}
	v, ok := a.imm()
	if !ok {
		return false
	}
	i.Imm = v
	if a.accept("off") {
		if !a.expect("=") {
			return false
		}
		off, ok := a.signed("the offset", 16, false)
		if !ok {
			return false
		}
		i.Off = int16(off)
	}
	return a.emit(i)
}

// callName reads a call by name: a helper, then a kernel function, then a
// label, which may come later in the file.
func (a *assembler) callName(t token) bool {
	if _, ok := a.byPC[t.text]; !ok {
		if r := a.opt.Resolver; r != nil {
			if r.HelperID != nil {
				if id, ok := r.HelperID(t.text); ok {
					return a.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Imm: id})
				}
			}
			if r.KfuncID != nil {
				if _, _, ok := r.KfuncID(t.text); ok {
					return a.kfunc(t.text)
				}
			}
		}
	}
	a.use(fixCall, t)
	return a.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Src: isa.PseudoCall})
}

// branch reads what follows "if".
func (a *assembler) branch() bool {
	view, dst, ok := a.reg()
	if !ok {
		return false
	}
	i := isa.Insn{Op: isa.ClassJMP, Dst: dst}
	if view == 'w' {
		i.Op = isa.ClassJMP32
	}
	t := a.next()
	op := slices.Index(jmpOps[:], t.text)
	if op <= 0 || t.kind == tokWord {
		hint := "comparisons are == != > >= < <= s> s>= s< s<= and & for a common bit"
		if t.text == "=" {
			hint = "did you mean `==`?"
		}
		return a.fail(t, "expected a comparison", hint)
	}
	i.Op |= uint8(op) << 4
	if a.isReg() {
		t := a.peek()
		other, src, ok := a.reg()
		if !ok {
			return false
		}
		if other != view {
			return a.fail(t, "a comparison is of two r or of two w registers", "")
		}
		i.Op, i.Src = i.Op|isa.SrcX, src
	} else if i.Imm, ok = a.imm(); !ok {
		return false
	}
	if !a.expect("goto") {
		return false
	}
	d, ok := a.target(fixJump)
	i.Off = int16(d)
	return ok && a.emit(i)
}

// lock reads what follows "lock": "*(u64 *)(r10 - 8) += r1".
func (a *assembler) lock() bool {
	if !a.expect("*") {
		return false
	}
	m, ok := a.memory()
	if !ok {
		return false
	}
	t := a.next()
	op := slices.Index(aluOps[:], t.text)
	if op < 0 || atomicOps[op] == "" {
		return a.fail(t, "expected an atomic operation", "they are += |= &= and ^=")
	}
	src, ok := a.accessReg(m.size)
	return ok && a.emit(atomic(m, int32(op)<<4, src))
}

func atomic(m mem, imm int32, src uint8) isa.Insn {
	return isa.Insn{Op: isa.ClassSTX | isa.ModeAtomic | m.size, Dst: m.reg, Src: src, Off: m.off, Imm: imm}
}

// accessReg reads the register of a memory access; w is right when the access
// has at most 32 bits.
func (a *assembler) accessReg(size uint8) (uint8, bool) {
	t := a.peek()
	view, n, ok := a.reg()
	if ok && view == 'w' && size == isa.SizeDW {
		return 0, a.fail(t, "an access of 64 bits needs r"+itoa(int(n)), "")
	}
	return n, ok
}

// store reads what follows the first "*".
func (a *assembler) store() bool {
	m, ok := a.memory()
	if !ok || !a.expect("=") {
		return false
	}
	i := isa.Insn{Op: isa.ModeMem | m.size, Dst: m.reg, Off: m.off}
	if m.signed {
		return a.fail(a.toks[a.at0()], "a store has an unsigned type", "write u"+itoa(i.Bytes()*8))
	}
	if a.isReg() {
		i.Op |= isa.ClassSTX
		i.Src, ok = a.accessReg(m.size)
	} else {
		i.Op |= isa.ClassST
		i.Imm, ok = a.imm()
	}
	return ok && a.emit(i)
}

func (a *assembler) storeRelease() bool {
	if !a.expect("(") {
		return false
	}
	m, ok := a.memory()
	if !ok || !a.expect(",") {
		return false
	}
	src, ok := a.accessReg(m.size)
	return ok && a.expect(")") && a.emit(atomic(m, isa.AtomicStoreRel, src))
}

// ldPseudo reads LLVM's "ld_pseudo r1, 0x1, 0x5" with the second slot's
// immediate as an optional fourth operand.
func (a *assembler) ldPseudo() bool {
	dst, ok := a.reg64()
	if !ok || !a.expect(",") {
		return false
	}
	t := a.peek()
	pseudo, ok := a.imm()
	if !ok {
		return false
	}
	if pseudo < 0 || pseudo > isa.PseudoMapIdxValue {
		return a.fail(t, "there is no pseudo source "+quote(t.text), "they are 1 to 6")
	}
	if !a.expect(",") {
		return false
	}
	lo, ok := a.imm()
	if !ok {
		return false
	}
	hi := int32(0)
	if a.accept(",") {
		if hi, ok = a.imm(); !ok {
			return false
		}
	}
	return a.emitWide(dst, uint8(pseudo), uint64(uint32(hi))<<32|uint64(uint32(lo)))
}

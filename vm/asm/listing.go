package asm

import (
	"runtime"
	"strconv"
	"strings"

	"skep/vm/isa"
)

// Disassemble prints a program as a source file that assembles to the same
// bytes: an instruction a line, with a label in front of each slot that a jump
// (L12) or a call (func_12) goes to. The resolver's own labels win. Maps that
// it names must be declared by the caller, see [AppendMap].
func Disassemble(d Dialect, prog []isa.Insn, r *Resolver) string {
	var names Resolver
	if r != nil {
		names = *r
	}
	marks := targets(prog)
	outer := names.Label
	names.Label = func(pc int) string {
		if pc < 0 || pc >= len(marks) || marks[pc] == 0 {
			return ""
		}
		if outer != nil {
			if name := outer(pc); name != "" {
				return name
			}
		}
		if marks[pc]&markFunc != 0 {
			return "func_" + strconv.Itoa(pc)
		}
		return "L" + strconv.Itoa(pc)
	}
	dst := make([]byte, 0, 32*len(prog))
	for pc := 0; pc < len(prog); pc++ {
		if pc&1023 == 1023 {
			runtime.Gosched()
		}
		if name := names.Label(pc); name != "" {
			if pc > 0 && marks[pc]&markFunc != 0 {
				dst = append(dst, '\n')
			}
			dst = append(append(dst, name...), ":\n"...)
		}
		dst = append(Append(append(dst, '\t'), d, prog, pc, &names), '\n')
		if _, err := isa.Check(prog, pc); err == nil && prog[pc].IsWide() {
			pc++
		}
	}
	if name := names.Label(len(prog)); name != "" {
		dst = append(append(dst, name...), ":\n"...)
	}
	return string(dst)
}

const (
	markJump = 1 << iota
	markFunc
)

// targets marks the slots, and the end, that something in the program goes to.
// The second half of a wide load cannot have a label.
func targets(prog []isa.Insn) []uint8 {
	marks := make([]uint8, len(prog)+1)
	mark := func(pc int, m uint8) {
		if pc >= 0 && pc < len(marks) {
			marks[pc] |= m
		}
	}
	halves := []int(nil)
	for pc := 0; pc < len(prog); pc++ {
		if pc&1023 == 1023 {
			runtime.Gosched()
		}
		row, err := isa.Check(prog, pc)
		if err != nil {
			continue
		}
		i := prog[pc]
		switch row.Form {
		case isa.FormJa, isa.FormJmpImm, isa.FormJmpReg, isa.FormGotol:
			mark(pc+1+distance32(i), markJump)
		case isa.FormCallLocal:
			mark(pc+1+int(i.Imm), markFunc)
		case isa.FormWide:
			if i.Src == isa.PseudoFunc {
				mark(pc+1+int(i.Imm), markFunc)
			}
			pc++
			halves = append(halves, pc)
		}
	}
	for _, pc := range halves {
		marks[pc] = 0
	}
	return marks
}

// AppendMap appends a .map directive.
func AppendMap(dst []byte, m Map) []byte {
	dst = append(append(append(dst, ".map "...), m.Name...), ' ')
	dst = append(dst, m.Type...)
	for i, v := range [...]uint32{m.Key, m.Value, m.Entries, m.Flags} {
		if v != 0 {
			dst = append(append(append(dst, ' '), mapKeys[i]...), '=')
			dst = strconv.AppendUint(dst, uint64(v), 10)
		}
	}
	if m.Inner != "" {
		dst = append(append(dst, " inner="...), m.Inner...)
	}
	return append(dst, '\n')
}

// Detect guesses the dialect of a source from its first instructions: the
// conformance dialect has mnemonics and "%", LLVM writes "(r1 + 0x4)" and "ll",
// the log "(r1 +4)".
func Detect(src string) Dialect {
	var score [numDialects]int
	var toks []token
	lines := 0
	for len(src) > 0 && lines < 200 {
		line := src
		if n := strings.IndexByte(src, '\n'); n >= 0 {
			line, src = src[:n], src[n+1:]
		} else {
			src = ""
		}
		lines++
		toks, _ = scan(toks, line, 0, min(len(line), 200))
		for n, t := range toks {
			switch {
			case t.text == "//" || t.text == "#" || t.text == ";":
			case n == 0 && t.kind == tokWord && t.text != "exit" && t.text != "call" && t.text != "lock" && isMnemonic(t.text):
				score[Conformance] += 2
			case t.text == "%":
				score[Conformance]++
			case t.text == "ll", t.text == "ld_pseudo":
				score[LLVM]++
			case (t.text == "+" || t.text == "-") && n > 0 && n+1 < len(toks) && looksLikeRegister(toks[n-1].text):
				// "(r1 + 4)" or "(r1 +4)"
				if t.pos+1 < toks[n+1].pos {
					score[LLVM]++
				} else {
					score[Kernel]++
				}
			case t.text == "pc":
				score[Kernel]++
			}
		}
	}
	best := Kernel
	for d := range numDialects {
		if score[d] > score[best] {
			best = d
		}
	}
	return best
}

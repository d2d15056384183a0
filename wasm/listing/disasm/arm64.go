package disasm

import (
	"strconv"
	"strings"

	"golang.org/x/arch/arm64/arm64asm"
)

// ARM64 is the first instruction of code, which is not empty and lies at
// offset at.
func ARM64(code []byte, at int) Insn {
	if len(code) < 4 {
		return unknown(code)
	}
	w := word(code)
	if text := atomic(w); text != "" {
		return Insn{text, 4, -1}
	}
	in, err := arm64asm.Decode(code)
	if err != nil {
		return Insn{".inst 0x" + hex(uint64(w)), 4, -1}
	}
	text := arm64asm.GNUSyntax(in)
	// Of the two names of these conditions those that say what they mean here.
	if rest, ok := strings.CutPrefix(text, "b.cs "); ok {
		text = "b.hs " + rest
	} else if rest, ok := strings.CutPrefix(text, "b.cc "); ok {
		text = "b.lo " + rest
	}
	out := Insn{Text: spaced(text), Size: 4, To: -1}
	for _, a := range in.Args {
		rel, ok := a.(arm64asm.PCRel)
		if !ok {
			continue
		}
		to := at + int(rel)
		if in.Op == arm64asm.ADRP {
			to = at&^0xfff + int(rel)
		} else {
			out.To = to
		}
		// The decoder writes ".+0x12c", of negative ones the complement.
		if i := strings.LastIndex(out.Text, ".+0x"); i >= 0 {
			out.Text = out.Text[:i] + place(to)
		}
	}
	return out
}

func place(at int) string {
	if at < 0 {
		return "-0x" + hex(uint64(-at))
	}
	return "0x" + hex(uint64(at))
}

// spaced puts a space behind each comma.
func spaced(s string) string {
	b := make([]byte, 0, len(s)+8)
	for i := range len(s) {
		b = append(b, s[i])
		if s[i] == ',' && i+1 < len(s) && s[i+1] != ' ' {
			b = append(b, ' ')
		}
	}
	return string(b)
}

// atomic names the atomic instructions of ARMv8.1 (LSE), which the decoder
// does not know; "" for others. A64 encodings, "Atomic memory operations" and
// "Compare and swap".
func atomic(w uint32) string {
	size, s, n, t := w>>30, w>>16&31, w>>5&31, w&31
	name, order := "", ""
	switch {
	case w&0x3f200c00 == 0x38200000:
		if op := w >> 12 & 15; op < 4 {
			name = [...]string{"ldadd", "ldclr", "ldeor", "ldset"}[op]
		} else if op == 8 {
			name = "swp"
		} else {
			return ""
		}
		order = [...]string{"", "l", "a", "al"}[w>>22&3]
		if t == 31 && w>>23&1 == 0 && name != "swp" { // the alias without a result
			name = "st" + name[2:]
		}
	case w&0x3fa07c00 == 0x08a07c00:
		name, order = "cas", [...]string{"", "l", "a", "al"}[w>>22&1<<1|w>>15&1]
	default:
		return ""
	}
	name += order + [...]string{"b", "h", "", ""}[size]
	reg := func(r uint32) string {
		c := "w"
		if size == 3 {
			c = "x"
		}
		if r == 31 {
			return c + "zr"
		}
		return c + strconv.Itoa(int(r))
	}
	base := "[sp]"
	if n != 31 {
		base = "[x" + strconv.Itoa(int(n)) + "]"
	}
	if strings.HasPrefix(name, "st") {
		return name + " " + reg(s) + ", " + base
	}
	return name + " " + reg(s) + ", " + reg(t) + ", " + base
}

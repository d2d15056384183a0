package disasm

import (
	"strings"

	"golang.org/x/arch/x86/x86asm"
)

// AMD64 is the first instruction of code, which is not empty and lies at
// offset at.
func AMD64(code []byte, at int) Insn {
	if in, ok := shiftX(code); ok {
		return in
	}
	if len(code) >= 4 && code[0] == 0xf3 && code[1] == 0x0f && code[2] == 0x1e && code[3] == 0xfa {
		return Insn{"endbr64", 4, -1}
	}
	if code[0] == 0xcc {
		return Insn{"int3", 1, -1}
	}
	in, err := x86asm.Decode(code, 64)
	if err != nil || in.Len == 0 {
		return unknown(code)
	}
	out := Insn{Size: in.Len, To: -1}
	b := appendPrefixes(nil, &in)
	b = append(b, mnemonic(&in)...)
	for i, a := range in.Args {
		if a == nil {
			break
		}
		if i == 0 {
			b = append(b, ' ')
		} else {
			b = append(b, ", "...)
		}
		switch a := a.(type) {
		case x86asm.Rel:
			out.To = at + in.Len + int(a)
			b = append(b, "0x"...)
			b = append(b, hex(uint64(out.To))...)
		case x86asm.Mem:
			b = appendMem(b, &in, &a)
		case x86asm.Imm:
			if isMovabs(&in) { // addresses, mostly
				b = append(b, natural(uint64(a))...)
			} else {
				b = append(b, number(int64(a))...)
			}
		case x86asm.Reg:
			b = append(b, register(a)...)
		}
	}
	out.Text = string(b)
	return out
}

// appendPrefixes writes those that the mnemonic does not tell.
func appendPrefixes(b []byte, in *x86asm.Inst) []byte {
	for _, p := range in.Prefix {
		if p&(x86asm.PrefixImplicit|x86asm.PrefixIgnored) != 0 {
			continue
		}
		switch p & 0xff {
		case x86asm.PrefixLOCK:
			b = append(b, "lock "...)
		case x86asm.PrefixREP:
			b = append(b, "rep "...)
		case x86asm.PrefixREPN:
			b = append(b, "repne "...)
		}
	}
	return b
}

func mnemonic(in *x86asm.Inst) string {
	if isMovabs(in) {
		return "movabs" // objdump's word for it
	}
	return strings.ToLower(in.Op.String())
}

// isMovabs reports a move of eight bytes of constant.
func isMovabs(in *x86asm.Inst) bool {
	return in.Op == x86asm.MOV && in.Opcode>>24&^7 == 0xb8 && in.DataSize == 64
}

// register names a register as Intel does. The decoder has Go's names for
// the lower bytes of four, and for the lower halves of the numbered ones.
func register(r x86asm.Reg) string {
	name := strings.ToLower(r.String())
	switch {
	case r >= x86asm.SPB && r <= x86asm.DIB:
		return name[:len(name)-1] + "l"
	case r >= x86asm.R8L && r <= x86asm.R15L:
		return name[:len(name)-1] + "d"
	}
	return name
}

var sizes = [...]string{1: "byte ptr ", 2: "word ptr ", 4: "dword ptr ", 8: "qword ptr "}

func appendMem(b []byte, in *x86asm.Inst, m *x86asm.Mem) []byte {
	if n := in.MemBytes; n > 0 && n < len(sizes) && in.Op != x86asm.LEA {
		b = append(b, sizes[n]...)
	}
	if m.Segment == x86asm.GS || m.Segment == x86asm.FS {
		b = append(append(b, register(m.Segment)...), ':')
	}
	b = append(b, '[')
	from := len(b)
	if m.Base != 0 {
		b = append(b, register(m.Base)...)
	}
	if m.Scale != 0 && m.Index != 0 {
		if len(b) > from {
			b = append(b, '+')
		}
		b = append(b, register(m.Index)...)
		if m.Scale > 1 {
			b = append(b, '*', '0'+m.Scale)
		}
	}
	disp := m.Disp
	if m.Base == x86asm.RIP {
		disp = int64(int32(disp)) // the decoder leaves it unsigned
	}
	if disp != 0 || len(b) == from {
		if disp >= 0 && len(b) > from {
			b = append(b, '+')
		}
		b = append(b, number(disp)...)
	}
	return append(b, ']')
}

// shiftX is shlx, sarx and shrx of BMI2 on registers, which the decoder does
// not know: VEX.LZ 0F38 F7 /r, told apart by the prefix in its third byte.
func shiftX(code []byte) (Insn, bool) {
	if len(code) < 5 || code[0] != 0xc4 || code[1]&0x1f != 2 || code[2]&4 != 0 || code[3] != 0xf7 || code[2]&3 == 0 || code[4]>>6 != 3 {
		return Insn{}, false
	}
	name := [...]string{1: "shlx ", 2: "sarx ", 3: "shrx "}[code[2]&3]
	first := x86asm.EAX
	if code[2]&0x80 != 0 {
		first = x86asm.RAX
	}
	reg := func(n byte) string { return register(first + x86asm.Reg(n)) }
	dst, src, count := code[4]>>3&7|^code[1]>>7<<3, code[4]&7|^code[1]>>5&1<<3, ^code[2]>>3&15
	return Insn{name + reg(dst) + ", " + reg(src) + ", " + reg(count), 5, -1}, true
}

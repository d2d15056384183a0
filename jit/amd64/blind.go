package amd64

import (
	"skep/jit/ir"
	"skep/vm/isa"
)

// Constant blinding: a program's constants would otherwise stand in executable
// memory as its author wrote them, bytes of his choice to jump into. Each one
// is written as its xor with a number that he cannot know, and made right at
// run time. What is blinded is what the kernel blinds (bpf_jit_blind_insn):
// immediates of arithmetic, moves, jumps, stores and lddw, not offsets and
// not the counts of shifts.

// hidden loads a sign-extended immediate without showing it.
func (l *lower) hidden(d reg, v int32) {
	k := int32(l.keys.Next()) | 0x01000000 // four bytes long, always
	l.rr(w64, 0xc7, 0, d)
	l.imm32(v ^ k)
	l.rr(w64, 0x81, aluXor, d)
	l.imm32(k)
}

// blinded emits o if it has a constant to hide, and reports whether it did.
func (l *lower) blinded(o *ir.Op) bool {
	if o.Own == isa.KindInvalid || isa.Kind(o.Kind) != o.Own && isa.Kind(o.Kind) != isa.KindLdImm64 {
		return false
	}
	row := o.Row()
	v := int32(uint32(o.Imm))
	f := width(row.Op & 7)
	d := regs[o.Dst]
	switch row.Form {
	case isa.FormWide:
		if isa.Kind(o.Kind) != isa.KindLdImm64 {
			return false
		}
		k := l.keys.Next() | 1<<63
		l.byte(0x48|byte(d>>3), 0xb8|byte(d&7))
		l.imm64(o.Imm ^ k)
		l.byte(0x49, 0xbc) // mov scratch
		l.imm64(k)
		l.alu(w64, aluXor, d, scratch)
	case isa.FormDstImm:
		n := uint32(0)
		switch row.Op & 0xf0 {
		case isa.OpAdd:
			n = aluAdd
		case isa.OpSub:
			n = aluSub
		case isa.OpOr:
			n = aluOr
		case isa.OpAnd:
			n = aluAnd
		case isa.OpXor:
			n = aluXor
		case isa.OpMul:
			l.hidden(scratch, v)
			l.rr(f, 0x0faf, d, scratch)
			return true
		case isa.OpMov:
			l.hidden(d, v)
			if f == 0 {
				l.mov(0, d, d)
			}
			return true
		default:
			return false // shifts; divisions hide their own
		}
		l.hidden(scratch, v)
		l.alu(f, n, d, scratch)
	case isa.FormStoreImm:
		n, _ := o.Access()
		m := l.address(o, o.Dst, o.Index, o.Off, n, true)
		k := int32(l.keys.Next())
		switch n {
		case 1:
			l.rm(0, 0xc6, 0, m)
			l.byte(byte(v ^ k))
			l.rm(0, 0x80, aluXor, m)
			l.byte(byte(k))
		case 2:
			l.rm(p16, 0xc7, 0, m)
			l.byte(byte(v^k), byte((v^k)>>8))
			l.rm(p16, 0x81, aluXor, m)
			l.byte(byte(k), byte(k>>8))
		default:
			f = 0
			if n == 8 {
				f = w64
			}
			l.rm(f, 0xc7, 0, m)
			l.imm32(v ^ k)
			l.rm(f, 0x81, aluXor, m)
			l.imm32(k)
		}
	case isa.FormJmpImm:
		cc, ok := cond(row.Op & 0xf0)
		if !ok {
			return false
		}
		l.back(o)
		l.hidden(scratch, v)
		if row.Op&0xf0 == isa.JmpSet {
			l.rr(f, 0x85, scratch, d)
		} else {
			l.alu(f, aluCmp, d, scratch)
		}
		l.jcc(cc, o.Target)
	default:
		return false
	}
	return true
}

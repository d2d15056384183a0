package asm

import (
	"strconv"

	"skep/vm/isa"
)

// appendLLVM appends a legal instruction in the words of llvm-objdump-19 -d
// for an object without the alu32 attribute, which is what it prints for all
// of clang's objects: numbers are hexadecimal, loads and stores use r.
//
// It departs from llvm-objdump where that loses something: a local call is
// "call pc+0x5" or its label, a kernel function is "call kfunc#5", an indirect
// packet load shows its offset, and instructions that LLVM 19 does not know
// have LLVM 20's words.
func appendLLVM(dst []byte, prog []isa.Insn, pc int, row *isa.Row, r *Resolver) []byte {
	i := prog[pc]
	switch row.Form {
	case isa.FormDst:
		switch row.Kind {
		case isa.KindCallReg:
			return appendReg(cat(dst, "callx "), 'r', i.Dst)
		}
		return appendKernelBody(dst, prog, pc, nil)
	case isa.FormNone, isa.FormDstSrc:
		return appendKernelBody(dst, prog, pc, nil)
	case isa.FormDstImm:
		return appendHex(cutWord(appendKernelALU(dst, i)), int64(i.Imm))
	case isa.FormCast:
		dst = cat(appendReg(dst, 'r', i.Dst), " = addr_space_cast(")
		dst = cat(appendReg(dst, 'r', i.Src), ", ")
		dst = appendHex(dst, int64(uint32(i.Imm)>>16))
		dst = appendHex(cat(dst, ", "), int64(uint16(i.Imm)))
		return put(dst, ')')
	case isa.FormJmpImm, isa.FormJmpReg:
		view := byte('r')
		if i.Class() == isa.ClassJMP32 {
			view = 'w'
		}
		dst = put(appendReg(cat(dst, "if "), view, i.Dst), ' ')
		dst = put(cat(dst, jmpOps[i.Op>>4]), ' ')
		if i.Source() == isa.SrcX {
			dst = appendReg(dst, view, i.Src)
		} else {
			dst = appendHex(dst, int64(i.Imm))
		}
		return appendLLVMTarget(cat(dst, " goto "), pc, int(i.Off), r)
	case isa.FormJa:
		word := "goto "
		if row.Kind == isa.KindMayGoto {
			word = "may_goto "
		}
		return appendLLVMTarget(cat(dst, word), pc, int(i.Off), r)
	case isa.FormGotol:
		return appendLLVMTarget(cat(dst, "gotol "), pc, int(i.Imm), r)
	case isa.FormCall:
		return appendHex(cat(dst, "call "), int64(i.Imm))
	case isa.FormCallLocal:
		dst = cat(dst, "call ")
		if name := r.label(pc + 1 + int(i.Imm)); name != "" {
			return cat(dst, name)
		}
		return appendSignedHex(cat(dst, "pc"), int64(i.Imm))
	case isa.FormCallKfunc:
		return appendKfunc(dst, i, r)
	case isa.FormWide:
		return appendLLVMWide(dst, prog, pc, r)
	case isa.FormLoad:
		if i.Mode() == isa.ModeAtomic {
			dst = appendReg(dst, accessView(i), i.Dst)
			return put(appendLLVMMem(cat(dst, " = load_acquire("), sizes[i.Width()>>3], i.Src, i.Off), ')')
		}
		names := &sizes
		if i.Mode() == isa.ModeMemSX {
			names = &signedSizes
		}
		return appendLLVMMem(cat(appendReg(dst, 'r', i.Dst), " = *"), names[i.Width()>>3], i.Src, i.Off)
	case isa.FormAbs:
		dst = cat(cat(cat(dst, "r0 = *("), sizes[i.Width()>>3]), " *)skb[")
		return put(appendHex(dst, int64(i.Imm)), ']')
	case isa.FormInd:
		dst = cat(cat(cat(dst, "r0 = *("), sizes[i.Width()>>3]), " *)skb[")
		dst = appendReg(dst, 'r', i.Src)
		if i.Imm != 0 {
			dst = appendSpacedHex(put(dst, ' '), int64(i.Imm))
		}
		return put(dst, ']')
	case isa.FormStoreImm:
		dst = appendLLVMMem(put(dst, '*'), sizes[i.Width()>>3], i.Dst, i.Off)
		return appendHex(cat(dst, " = "), int64(i.Imm))
	case isa.FormStore:
		if i.Mode() == isa.ModeAtomic {
			dst = appendLLVMMem(cat(dst, "store_release("), sizes[i.Width()>>3], i.Dst, i.Off)
			return put(appendReg(cat(dst, ", "), accessView(i), i.Src), ')')
		}
		dst = appendLLVMMem(put(dst, '*'), sizes[i.Width()>>3], i.Dst, i.Off)
		return appendReg(cat(dst, " = "), 'r', i.Src)
	}
	return appendLLVMAtomic(dst, i, row)
}

func appendLLVMAtomic(dst []byte, i isa.Insn, row *isa.Row) []byte {
	view, size := accessView(i), sizes[i.Width()>>3]
	switch row.Form {
	case isa.FormAtomic:
		if row.Kind == isa.KindAtomicAdd32 {
			view = 'r' // the one 32-bit atomic that LLVM has without alu32
		}
		dst = appendLLVMMem(cat(dst, "lock *"), size, i.Dst, i.Off)
		dst = put(cat(put(dst, ' '), aluOps[i.Imm>>4]), ' ')
		return appendReg(dst, view, i.Src)
	case isa.FormAtomicCmpxchg:
		dst = cat(appendReg(dst, view, 0), " = cmpxchg")
		dst = appendLLVMAddr(put(cat(dst, bits(i)), '('), i.Dst, i.Off)
		dst = cat(appendReg(cat(dst, ", "), view, 0), ", ")
		return put(appendReg(dst, view, i.Src), ')')
	}
	dst = cat(appendReg(dst, view, i.Src), " = ")
	if row.Imm == isa.AtomicXchg {
		dst = put(cat(cat(dst, "xchg"), bits(i)), '(')
		dst = appendLLVMAddr(dst, i.Dst, i.Off)
	} else {
		dst = put(cat(cat(dst, "atomic_fetch_"), atomicOps[i.Imm>>4&15]), '(')
		dst = appendLLVMMem(dst, size, i.Dst, i.Off)
	}
	return put(appendReg(cat(dst, ", "), view, i.Src), ')')
}

// accessView is the letter of the register of an atomic access.
func accessView(i isa.Insn) byte {
	if i.Width() == isa.SizeDW {
		return 'r'
	}
	return 'w'
}

// bits is LLVM's suffix of the exchange instructions.
func bits(i isa.Insn) string {
	if i.Width() == isa.SizeDW {
		return "_64"
	}
	return "32_32"
}

// appendLLVMWide appends "r1 = 0x5 ll", "r1 = counts ll" where a name is known,
// or LLVM's "ld_pseudo r1, 0x1, 0x5"; its fourth operand, the second slot, is ours.
func appendLLVMWide(dst []byte, prog []isa.Insn, pc int, r *Resolver) []byte {
	i, hi := prog[pc], prog[pc+1].Imm
	name := ""
	switch i.Src {
	case 0:
		dst = cat(appendReg(dst, 'r', i.Dst), " = 0x")
		return cat(strconv.AppendUint(dst, isa.Imm64(i, prog[pc+1]), 16), " ll")
	case isa.PseudoMapFD, isa.PseudoMapValue:
		name = r.mapName(i.Imm)
	case isa.PseudoFunc:
		name = r.label(pc + 1 + int(i.Imm))
	}
	if name == "" {
		dst = appendReg(cat(dst, "ld_pseudo\t"), 'r', i.Dst)
		dst = appendHex(cat(dst, ", "), int64(i.Src))
		dst = appendHex(cat(dst, ", "), int64(uint32(i.Imm)))
		if hi != 0 {
			dst = appendHex(cat(dst, ", "), int64(uint32(hi)))
		}
		return dst
	}
	dst = cat(cat(appendReg(dst, 'r', i.Dst), " = "), name)
	if i.Src == isa.PseudoMapValue {
		dst = cat(dst, "[0]")
	}
	if hi != 0 || i.Src == isa.PseudoMapValue {
		dst = appendSignedHex(dst, int64(hi))
	}
	return cat(dst, " ll")
}

// appendLLVMTarget appends "+0x5 <label>".
func appendLLVMTarget(dst []byte, pc, distance int, r *Resolver) []byte {
	dst = appendSignedHex(dst, int64(distance))
	if name := r.label(pc + 1 + distance); name != "" {
		dst = put(cat(cat(dst, " <"), name), '>')
	}
	return dst
}

// appendLLVMMem appends "(u32 *)(r1 + 0x4)".
func appendLLVMMem(dst []byte, size string, reg uint8, off int16) []byte {
	dst = cat(cat(put(dst, '('), size), " *)(")
	return put(appendLLVMAddr(dst, reg, off), ')')
}

func appendLLVMAddr(dst []byte, reg uint8, off int16) []byte {
	return appendSpacedHex(put(appendReg(dst, 'r', reg), ' '), int64(off))
}

// appendSpacedHex appends "+ 0x4" or "- 0x4".
func appendSpacedHex(dst []byte, n int64) []byte {
	if n < 0 {
		return appendHex(cat(dst, "- "), -n)
	}
	return appendHex(cat(dst, "+ "), n)
}

// appendSignedHex appends "+0x4" or "-0x4".
func appendSignedHex(dst []byte, n int64) []byte {
	if n >= 0 {
		dst = put(dst, '+')
	}
	return appendHex(dst, n)
}

func appendHex(dst []byte, n int64) []byte {
	if n < 0 {
		dst = put(dst, '-')
		n = -n
	}
	return strconv.AppendUint(cat(dst, "0x"), uint64(n), 16)
}

package asm

import (
	"strconv"

	"skep/vm/isa"
)

// Operators and types by their field in the opcode; the same words serve the
// parser. Empty where the field has no word.
var (
	aluOps      = [16]string{"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian"}
	jmpOps      = [16]string{"jmp", "==", ">", ">=", "&", "!=", "s>", "s>=", "call", "exit", "<", "<=", "s<", "s<="}
	atomicOps   = [16]string{0: "add", 4: "or", 5: "and", 10: "xor"}
	sizes       = [4]string{"u32", "u16", "u8", "u64"}
	signedSizes = [4]string{"s32", "s16", "s8", ""}
)

// AppendKernel appends the instruction at pc in the words of Linux 6.12's
// verifier log, as print_bpf_insn prints it: "(61) r1 = *(u32 *)(r0 +0)",
// without a newline. It prints any bytes, legal or not, and does not allocate
// while dst has room. Facts: kernel/bpf/disasm.c; the text is what a log line
// has between "8: " and the padding before ";".
func AppendKernel(dst []byte, prog []isa.Insn, pc int, r *Resolver) []byte {
	op := prog[pc].Op
	dst = append(dst, '(', hexDigits[op>>4], hexDigits[op&15], ')', ' ')
	return appendKernelBody(dst, prog, pc, r)
}

const hexDigits = "0123456789abcdef"

func appendKernelBody(dst []byte, prog []isa.Insn, pc int, r *Resolver) []byte {
	i := prog[pc]
	switch i.Class() {
	case isa.ClassALU, isa.ClassALU64:
		return appendKernelALU(dst, i)
	case isa.ClassSTX:
		switch i.Mode() {
		case isa.ModeMem:
			dst = appendKernelMem(put(dst, '*'), sizes[i.Width()>>3], i.Dst, i.Off)
			return appendReg(cat(dst, " = "), 'r', i.Src)
		case isa.ModeAtomic:
			return appendKernelAtomic(dst, i, r)
		}
		return appendBug(dst, "BUG_", i.Op)
	case isa.ClassST:
		switch i.Mode() {
		case isa.ModeMem:
			dst = appendKernelMem(put(dst, '*'), sizes[i.Width()>>3], i.Dst, i.Off)
			return strconv.AppendInt(cat(dst, " = "), int64(i.Imm), 10)
		case isa.ModeAtomic:
			return cat(dst, "nospec")
		}
		return appendBug(dst, "BUG_st_", i.Op)
	case isa.ClassLDX:
		names := &sizes
		switch i.Mode() {
		case isa.ModeMem:
		case isa.ModeMemSX:
			names = &signedSizes
		default:
			return appendBug(dst, "BUG_ldx_", i.Op)
		}
		dst = appendReg(dst, 'r', i.Dst)
		return appendKernelMem(cat(dst, " = *"), orNull(names[i.Width()>>3]), i.Src, i.Off)
	case isa.ClassLD:
		return appendKernelLD(dst, prog, pc, r)
	}
	return appendKernelJmp(dst, i, r)
}

func appendKernelALU(dst []byte, i isa.Insn) []byte {
	view := byte('r')
	if i.Class() == isa.ClassALU {
		view = 'w'
	}
	switch {
	case i.ALUOp() == isa.OpEnd:
		dst = cat(appendReg(dst, 'r', i.Dst), " = ")
		switch {
		case i.Class() == isa.ClassALU64:
			dst = cat(dst, "bswap")
		case i.Source() == isa.SrcX:
			dst = cat(dst, "be")
		default:
			dst = cat(dst, "le")
		}
		dst = strconv.AppendInt(dst, int64(i.Imm), 10)
		return appendReg(put(dst, ' '), 'r', i.Dst)
	case i.ALUOp() == isa.OpNeg:
		return appendReg(cat(appendReg(dst, view, i.Dst), " = -"), view, i.Dst)
	case i.Op == isa.ClassALU64|isa.OpMov|isa.SrcX && i.Off == isa.OffAddrSpaceCast:
		dst = cat(appendReg(dst, 'r', i.Dst), " = addr_space_cast(")
		dst = cat(appendReg(dst, 'r', i.Src), ", ")
		dst = strconv.AppendUint(dst, uint64(uint32(i.Imm)>>16), 10)
		dst = strconv.AppendUint(cat(dst, ", "), uint64(uint16(i.Imm)), 10)
		return put(dst, ')')
	case i.Op == isa.ClassALU64|isa.OpMov|isa.SrcX && i.Off == -1: // BPF_ADDR_PERCPU, made by the verifier
		dst = cat(appendReg(dst, 'r', i.Dst), " = &(void __percpu *)(")
		return put(appendReg(dst, 'r', i.Src), ')')
	}
	op := orNull(aluOps[i.Op>>4])
	if i.Off == isa.OffSigned && (i.ALUOp() == isa.OpDiv || i.ALUOp() == isa.OpMod) {
		dst = put(cat(cat(appendReg(dst, view, i.Dst), " s"), op), ' ')
	} else {
		dst = put(cat(put(appendReg(dst, view, i.Dst), ' '), op), ' ')
	}
	if i.Source() == isa.SrcK {
		return strconv.AppendInt(dst, int64(i.Imm), 10)
	}
	if i.ALUOp() == isa.OpMov {
		dst = cat(dst, movsx(i.Off))
	}
	return appendReg(dst, view, i.Src)
}

// movsx is the cast of a sign-extending move, by its offset field.
func movsx(off int16) string {
	switch off {
	case 8:
		return "(s8)"
	case 16:
		return "(s16)"
	case 32:
		return "(s32)"
	}
	return ""
}

func appendKernelAtomic(dst []byte, i isa.Insn, r *Resolver) []byte {
	size := sizes[i.Width()>>3]
	switch i.Imm {
	case isa.OpAdd, isa.OpOr, isa.OpAnd, isa.OpXor:
		dst = appendKernelMem(cat(dst, "lock *"), size, i.Dst, i.Off)
		dst = put(cat(put(dst, ' '), aluOps[i.Imm>>4]), ' ')
		return appendReg(dst, 'r', i.Src)
	case isa.OpAdd | isa.AtomicFetch, isa.OpOr | isa.AtomicFetch, isa.OpAnd | isa.AtomicFetch, isa.OpXor | isa.AtomicFetch:
		dst = cat(cat(appendReg(dst, 'r', i.Src), " = atomic"), wide64(i))
		dst = put(cat(cat(dst, "_fetch_"), atomicOps[i.Imm>>4]), '(')
	case isa.AtomicXchg:
		dst = cat(cat(appendReg(dst, 'r', i.Src), " = atomic"), wide64(i))
		dst = cat(dst, "_xchg(")
	case isa.AtomicCmpxchg:
		dst = cat(cat(cat(dst, "r0 = atomic"), wide64(i)), "_cmpxchg(")
		dst = cat(appendKernelMem(dst, size, i.Dst, i.Off), ", r0, ")
		return put(appendReg(dst, 'r', i.Src), ')')
	case isa.AtomicLoadAcq:
		if r != nil && r.Version != 0 && r.Version < 6<<8|15 {
			return appendBug(dst, "BUG_", i.Op)
		}
		dst = cat(appendReg(dst, 'r', i.Dst), " = load_acquire(")
		return put(appendKernelMem(dst, size, i.Src, i.Off), ')')
	case isa.AtomicStoreRel:
		if r != nil && r.Version != 0 && r.Version < 6<<8|15 {
			return appendBug(dst, "BUG_", i.Op)
		}
		dst = cat(dst, "store_release(")
	default:
		return appendBug(dst, "BUG_", i.Op)
	}
	dst = cat(appendKernelMem(dst, size, i.Dst, i.Off), ", ")
	return put(appendReg(dst, 'r', i.Src), ')')
}

func wide64(i isa.Insn) string {
	if i.Width() == isa.SizeDW {
		return "64"
	}
	return ""
}

func appendKernelLD(dst []byte, prog []isa.Insn, pc int, r *Resolver) []byte {
	i := prog[pc]
	switch {
	case i.Mode() == isa.ModeAbs:
		dst = cat(cat(cat(dst, "r0 = *("), sizes[i.Width()>>3]), " *)skb[")
		return put(strconv.AppendInt(dst, int64(i.Imm), 10), ']')
	case i.Mode() == isa.ModeInd:
		dst = cat(cat(cat(dst, "r0 = *("), sizes[i.Width()>>3]), " *)skb[")
		dst = cat(appendReg(dst, 'r', i.Src), " + ")
		return put(strconv.AppendInt(dst, int64(i.Imm), 10), ']')
	case i.IsWide():
		v := uint64(uint32(i.Imm))
		if pc+1 < len(prog) {
			v = isa.Imm64(i, prog[pc+1])
		}
		switch i.Src {
		case isa.PseudoMapFD, isa.PseudoMapValue, isa.PseudoMapIdx, isa.PseudoMapIdxValue, isa.PseudoBTFID:
			if r == nil {
				break
			}
			if r.HidePointers {
				v = 0
			} else if r.Address != nil {
				if a, ok := r.Address(pc); ok {
					v = a
				}
			}
		}
		dst = cat(appendReg(dst, 'r', i.Dst), " = 0x")
		return strconv.AppendUint(dst, v, 16)
	}
	return appendBug(dst, "BUG_ld_", i.Op)
}

func appendKernelJmp(dst []byte, i isa.Insn, r *Resolver) []byte {
	switch {
	case i.JmpOp() == isa.JmpCall:
		dst = cat(dst, "call ")
		if i.Src == isa.PseudoCall {
			return appendSigned(cat(dst, "pc"), int64(i.Imm))
		}
		dst = cat(dst, kernelCallee(i, r))
		return strconv.AppendInt(put(dst, '#'), int64(i.Imm), 10)
	case i.Op == isa.ClassJMP|isa.JmpA:
		return appendSigned(cat(dst, "goto pc"), int64(i.Off))
	case i.Op == isa.ClassJMP|isa.JmpCond && i.Src == 0:
		return appendSigned(cat(dst, "may_goto pc"), int64(i.Off))
	case i.Op == isa.ClassJMP32|isa.JmpA:
		return appendSigned(cat(dst, "gotol pc"), int64(i.Imm))
	case i.Op == isa.ClassJMP|isa.JmpA|isa.SrcX && (r == nil || r.Version == 0 || r.Version >= 6<<8|19):
		return appendReg(cat(dst, "gotox "), 'r', i.Dst)
	case i.Op == isa.ClassJMP|isa.JmpExit:
		return cat(dst, "exit")
	}
	view := byte('r')
	if i.Class() == isa.ClassJMP32 {
		view = 'w'
	}
	dst = put(appendReg(cat(dst, "if "), view, i.Dst), ' ')
	dst = put(cat(dst, orNull(jmpOps[i.Op>>4])), ' ')
	if i.Source() == isa.SrcX {
		dst = appendReg(dst, view, i.Src)
	} else {
		dst = strconv.AppendUint(cat(dst, "0x"), uint64(uint32(i.Imm)), 16)
	}
	return appendSigned(cat(dst, " goto pc"), int64(i.Off))
}

// kernelCallee is the word before "#" in a call.
func kernelCallee(i isa.Insn, r *Resolver) string {
	switch i.Src {
	case 0:
		if r != nil && r.HelperName != nil {
			if name := r.HelperName(i.Imm); name != "" {
				return name
			}
		}
	case isa.PseudoKfuncCall:
		if r != nil && r.KfuncName != nil {
			if name, ok := r.KfuncName(i.Imm, i.Off); ok {
				return name
			}
		}
		return "kernel-function"
	}
	return "unknown"
}

// appendKernelMem appends "(u32 *)(r1 +4)".
func appendKernelMem(dst []byte, size string, reg uint8, off int16) []byte {
	dst = cat(cat(put(dst, '('), size), " *)(")
	dst = put(appendReg(dst, 'r', reg), ' ')
	return put(appendSigned(dst, int64(off)), ')')
}

// cat and put append without being inlined: the growth of a slice in a hundred
// places would be a good part of this package's bytes in the page.
//
//go:noinline
func cat(dst []byte, s string) []byte { return append(dst, s...) }

//go:noinline
func put(dst []byte, c byte) []byte { return append(dst, c) }

func appendReg(dst []byte, view byte, n uint8) []byte {
	dst = put(dst, view)
	if n >= 10 {
		dst = put(dst, '1')
		n -= 10
	}
	return put(dst, '0'+n)
}

// appendSigned appends a decimal number that always has its sign.
func appendSigned(dst []byte, n int64) []byte {
	if n >= 0 {
		dst = put(dst, '+')
	}
	return strconv.AppendInt(dst, n, 10)
}

func appendBug(dst []byte, word string, op uint8) []byte {
	return append(cat(dst, word), hexDigits[op>>4], hexDigits[op&15])
}

// orNull is what the kernel's printf makes of a missing string.
func orNull(s string) string {
	if s == "" {
		return "(null)"
	}
	return s
}

package asm

import (
	"strconv"
	"sync"

	"skep/vm/isa"
)

// mnemonics are the words of the conformance dialect, by kind: bpf_conformance's
// own, and the table's names for what it lacks (may_goto, ldmap, ...). The
// atomic ones have several words: "lock fetch add32".
var mnemonics = sync.OnceValue(func() *[isa.NumKinds]string {
	var m [isa.NumKinds]string
	for i := range isa.Table {
		m[isa.Table[i].Kind] = mnemonic(&isa.Table[i])
	}
	return &m
})

func mnemonic(row *isa.Row) string {
	const size = "whb" // by the size field; a double word is "dw"
	switch isa.Insn.Class(isa.Insn{Op: row.Op}) {
	case isa.ClassALU:
		switch {
		case row.Op&0xf0 == isa.OpEnd:
			return row.Name
		default:
			return row.Name + "32" // also movsx8: movsx832
		}
	case isa.ClassALU64:
		if row.Op&0xf0 == isa.OpMov && row.Off >= 8 {
			return row.Name + "64" // movsx864
		}
		return row.Name
	case isa.ClassJMP32:
		if row.Form == isa.FormGotol {
			return "ja32"
		}
		return row.Name + "32"
	case isa.ClassSTX:
		if row.Op&0xe0 != isa.ModeAtomic {
			return row.Name
		}
		suffix := ""
		if row.Op&0x18 == isa.SizeW {
			suffix = "32"
		}
		switch {
		case row.Imm == isa.AtomicXchg:
			return "lock xchg" + suffix
		case row.Imm == isa.AtomicCmpxchg:
			return "lock cmpxchg" + suffix
		case row.Imm == isa.AtomicLoadAcq || row.Imm == isa.AtomicStoreRel:
			if row.Op&0x18 == isa.SizeDW {
				return row.Name + "dw"
			}
			return row.Name + size[row.Op&0x18>>3:][:1]
		case row.Imm&isa.AtomicFetch != 0:
			return "lock fetch " + atomicOps[row.Imm>>4] + suffix
		}
		return "lock " + atomicOps[row.Imm>>4] + suffix
	}
	return row.Name
}

// appendConformance appends a legal instruction as bpf_conformance writes it.
func appendConformance(dst []byte, prog []isa.Insn, pc int, row *isa.Row, r *Resolver) []byte {
	i := prog[pc]
	switch row.Kind {
	case isa.KindCallHelper:
		return strconv.AppendInt(cat(dst, "call "), int64(i.Imm), 10)
	case isa.KindCallLocal:
		return appendTarget(cat(dst, "call local "), pc, int(i.Imm), r)
	case isa.KindCallKfunc:
		return appendKfunc(dst, i, r)
	case isa.KindCallReg:
		return appendReg(cat(dst, "call %"), 'r', i.Dst)
	}
	dst = cat(dst, mnemonics()[row.Kind])
	if row.Form == isa.FormNone {
		return dst
	}
	dst = put(dst, ' ')
	switch row.Form {
	case isa.FormJa:
		return appendTarget(dst, pc, int(i.Off), r)
	case isa.FormGotol:
		return appendTarget(dst, pc, int(i.Imm), r)
	case isa.FormAbs:
		return strconv.AppendInt(dst, int64(i.Imm), 10)
	case isa.FormInd:
		return strconv.AppendInt(cat(appendPercent(dst, i.Src), ", "), int64(i.Imm), 10)
	case isa.FormStoreImm:
		return strconv.AppendInt(cat(appendBracket(dst, i.Dst, i.Off), ", "), int64(i.Imm), 10)
	case isa.FormStore, isa.FormAtomic, isa.FormAtomicFetch, isa.FormAtomicCmpxchg:
		return appendPercent(cat(appendBracket(dst, i.Dst, i.Off), ", "), i.Src)
	}
	dst = appendPercent(dst, i.Dst)
	switch row.Form {
	case isa.FormDst:
		return dst
	case isa.FormLoad:
		return appendBracket(cat(dst, ", "), i.Src, i.Off)
	case isa.FormWide:
		dst = cat(dst, ", ")
		if i.Src != 0 {
			return appendPseudo(dst, prog, pc, r)
		}
		return strconv.AppendUint(cat(dst, "0x"), isa.Imm64(i, prog[pc+1]), 16)
	case isa.FormDstImm, isa.FormJmpImm:
		dst = strconv.AppendInt(cat(dst, ", "), int64(i.Imm), 10)
	case isa.FormDstSrc, isa.FormJmpReg:
		dst = appendPercent(cat(dst, ", "), i.Src)
	case isa.FormCast:
		dst = appendPercent(cat(dst, ", "), i.Src)
		dst = strconv.AppendUint(cat(dst, ", "), uint64(uint32(i.Imm)>>16), 10)
		dst = strconv.AppendUint(cat(dst, ", "), uint64(uint16(i.Imm)), 10)
	}
	if row.Form == isa.FormJmpImm || row.Form == isa.FormJmpReg {
		return appendTarget(cat(dst, ", "), pc, int(i.Off), r)
	}
	return dst
}

func appendTarget(dst []byte, pc, distance int, r *Resolver) []byte {
	if name := r.label(pc + 1 + distance); name != "" {
		return cat(dst, name)
	}
	return appendSigned(dst, int64(distance))
}

func appendPercent(dst []byte, reg uint8) []byte { return appendReg(put(dst, '%'), 'r', reg) }

// appendBracket appends "[%r1+8]", or "[%r1]".
func appendBracket(dst []byte, reg uint8, off int16) []byte {
	dst = appendPercent(put(dst, '['), reg)
	if off != 0 {
		dst = appendSigned(dst, int64(off))
	}
	return put(dst, ']')
}

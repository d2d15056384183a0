package asm

import (
	"strconv"

	"skep/vm/isa"
)

// Append appends the instruction at pc in dialect d, without a newline, so
// that it assembles to the same bytes. It differs from [AppendKernel] where
// the log's words lose something: it names maps and functions instead of
// addresses, marks calls of kernel functions, and writes what is no legal
// instruction as ".insn". A wide load is printed at its first slot: the next
// instruction is at pc+2.
func Append(dst []byte, d Dialect, prog []isa.Insn, pc int, r *Resolver) []byte {
	row, err := isa.Check(prog, pc)
	if err != nil {
		return appendRaw(dst, prog[pc])
	}
	switch d {
	case LLVM:
		return appendLLVM(dst, prog, pc, row, r)
	case Conformance:
		return appendConformance(dst, prog, pc, row, r)
	}
	i := prog[pc]
	switch row.Form {
	case isa.FormJmpImm, isa.FormJmpReg, isa.FormJa, isa.FormGotol:
		dst = appendKernelBody(dst, prog, pc, r)
		if name := r.label(pc + 1 + distance32(i)); name != "" {
			dst = cat(cutWord(dst), name) // in place of "pc+13"
		}
		return dst
	case isa.FormCall:
		if r != nil && r.HelperName != nil {
			if name := r.HelperName(i.Imm); name != "" {
				dst = put(cat(cat(dst, "call "), name), '#')
				return strconv.AppendInt(dst, int64(i.Imm), 10)
			}
		}
		return strconv.AppendInt(cat(dst, "call "), int64(i.Imm), 10)
	case isa.FormCallLocal:
		if name := r.label(pc + 1 + int(i.Imm)); name != "" {
			return cat(cat(dst, "call "), name)
		}
		return appendKernelBody(dst, prog, pc, r)
	case isa.FormCallKfunc:
		return appendKfunc(dst, i, r)
	case isa.FormWide:
		if row.Kind == isa.KindLdImm64 {
			return cat(appendKernelBody(dst, prog, pc, nil), " ll")
		}
		return appendPseudo(cat(appendReg(dst, 'r', i.Dst), " = "), prog, pc, r)
	}
	if row.Kind == isa.KindCallReg {
		return appendReg(cat(dst, "callx "), 'r', i.Dst)
	}
	return appendKernelBody(dst, prog, pc, r)
}

// cutWord takes the last word off.
func cutWord(b []byte) []byte {
	n := len(b)
	for n > 0 && b[n-1] != ' ' {
		n--
	}
	return b[:n]
}

// Text is one instruction as [Append] prints it.
func Text(d Dialect, prog []isa.Insn, pc int, r *Resolver) string {
	return string(Append(nil, d, prog, pc, r))
}

// KernelText is one instruction as [AppendKernel] prints it.
func KernelText(prog []isa.Insn, pc int, r *Resolver) string {
	return string(AppendKernel(nil, prog, pc, r))
}

// distance32 is how far a jump goes, in slots from the next one.
func distance32(i isa.Insn) int {
	if i.Op == isa.ClassJMP32|isa.JmpA {
		return int(i.Imm)
	}
	return int(i.Off)
}

func (r *Resolver) label(pc int) string {
	if r == nil || r.Label == nil {
		return ""
	}
	return r.Label(pc)
}

func appendRaw(dst []byte, i isa.Insn) []byte {
	var b [isa.Size]byte
	dst = cat(dst, ".insn")
	for _, x := range i.Append(b[:0]) {
		dst = append(dst, ' ', hexDigits[x>>4], hexDigits[x&15])
	}
	return dst
}

// appendKfunc appends "call kfunc bpf_iter_num_new#123 off=1".
func appendKfunc(dst []byte, i isa.Insn, r *Resolver) []byte {
	dst = cat(dst, "call kfunc")
	if r != nil && r.KfuncName != nil {
		if name, ok := r.KfuncName(i.Imm, i.Off); ok && isName(name) {
			dst = cat(put(dst, ' '), name)
		}
	}
	dst = strconv.AppendInt(put(dst, '#'), int64(i.Imm), 10)
	if i.Off != 0 {
		dst = strconv.AppendInt(cat(dst, " off="), int64(i.Off), 10)
	}
	return dst
}

// pseudos are the words of the wide loads that need more than a number, by
// the source field.
var pseudos = [...]struct {
	word  string // before the bracket
	arg   string // before the number in it
	value bool   // "[0]" follows: a byte of the map's value
}{
	isa.PseudoMapFD:       {"map", "fd:", false},
	isa.PseudoMapValue:    {"map", "fd:", true},
	isa.PseudoBTFID:       {"ksym", "", false},
	isa.PseudoFunc:        {"subprog", "", false},
	isa.PseudoMapIdx:      {"map", "idx:", false},
	isa.PseudoMapIdxValue: {"map", "idx:", true},
}

// appendPseudo appends "map[fd:5]", "map[counts][0]+8", "subprog[+7]" or
// "ksym[123]", after bpftool's words for translated programs. The immediate of
// the second slot follows as "+N".
func appendPseudo(dst []byte, prog []isa.Insn, pc int, r *Resolver) []byte {
	i, hi := prog[pc], prog[pc+1].Imm
	p := &pseudos[i.Src]
	dst = put(cat(dst, p.word), '[')
	name := ""
	switch i.Src {
	case isa.PseudoMapFD, isa.PseudoMapValue:
		name = r.mapName(i.Imm)
	case isa.PseudoFunc:
		// The distance counts from the next slot, which is the load's second half.
		name = r.label(pc + 1 + int(i.Imm))
	case isa.PseudoBTFID:
		if r != nil && r.VarName != nil {
			if name = r.VarName(i.Imm); name != "" && !r.sameVar(name, i.Imm) {
				name = ""
			}
		}
	}
	switch {
	case name != "":
		dst = cat(dst, name)
	case i.Src == isa.PseudoFunc:
		dst = appendSigned(dst, int64(i.Imm))
	default:
		dst = strconv.AppendInt(cat(dst, p.arg), int64(i.Imm), 10)
	}
	dst = put(dst, ']')
	if p.value {
		dst = cat(dst, "[0]")
	}
	if hi != 0 || p.value {
		dst = appendSigned(dst, int64(hi))
	}
	return dst
}

func (r *Resolver) mapName(imm int32) string {
	if r == nil || r.MapName == nil {
		return ""
	}
	return r.MapName(imm)
}

// sameVar reports whether reading the name back gives the id.
func (r *Resolver) sameVar(name string, id int32) bool {
	if r.VarID == nil {
		return false
	}
	back, ok := r.VarID(name)
	return ok && back == id
}

func isName(s string) bool {
	if s == "" || '0' <= s[0] && s[0] <= '9' {
		return false
	}
	for i := range len(s) {
		if !isWord(s[i]) {
			return false
		}
	}
	return true
}

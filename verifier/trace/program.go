package trace

import (
	"path"
	"slices"
	"strings"

	"skep/verifier"
	"skep/vm/asm"
	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/isa"
)

// Describe makes the part of a trace that says what was verified. Lines come
// from the program's BTF when lines is nil.
func Describe(name string, p *verifier.Program, cfg *verifier.Config, lines []LineText) Program {
	d := Program{
		Name: name, Type: p.Type.String(), Kernel: "6.12", Privilege: privilegeWords[min(int(cfg.Privilege), 2)],
		Hypothetical: len(cfg.Overrides) > 0, Lines: lines,
	}
	kfunc := func(id int32, _ int16) (string, bool) {
		i := slices.IndexFunc(p.Kfuncs, func(s verifier.Symbol) bool { return s.ID == uint32(id) })
		if i < 0 {
			return "", false
		}
		return p.Kfuncs[i].Name, true
	}
	res := asm.Resolver{HelperName: helperName, HidePointers: true, KfuncName: kfunc, Version: uint16(verifier.Linux612)}
	for pc := 0; pc < len(p.Insns); pc++ {
		in := p.Insns[pc]
		d.Insns = append(d.Insns, InsnText{Slot: uint32(pc), Text: insnText(p, pc, &res), Key: key(in), Target: target(in, pc)})
		if in.Class() == isa.ClassLD && in.Mode() == isa.ModeImm {
			pc++
		}
	}
	if lines == nil {
		d.Lines = btfLines(p)
	}
	return d
}

// insnText is an instruction as in the log; a load of a map shows its name
// where the log has an address, which says nothing.
func insnText(p *verifier.Program, pc int, res *asm.Resolver) string {
	text := string(asm.AppendKernel(nil, p.Insns, pc, res))
	in := p.Insns[pc]
	if in.Op != isa.ClassLD|isa.ModeImm|isa.SizeDW || in.Imm < 0 || int(in.Imm) >= len(p.Maps) {
		return text
	}
	switch in.Src {
	case isa.PseudoMapFD, isa.PseudoMapIdx, isa.PseudoMapValue, isa.PseudoMapIdxValue:
		if left, _, ok := strings.Cut(text, " = "); ok {
			return left + " = map[" + p.Maps[in.Imm].Name + "]"
		}
	}
	return text
}

var privilegeWords = [...]string{verifier.Root: "root", verifier.CapBPF: "cap_bpf", verifier.Unprivileged: "unprivileged"}

func helperName(id int32) string {
	if p := helper.Lookup(int(id)); p != nil {
		return p.Name
	}
	return ""
}

func isJump(in isa.Insn) bool {
	return (in.Class() == isa.ClassJMP || in.Class() == isa.ClassJMP32) && in.JmpOp() != isa.JmpExit && in.JmpOp() != isa.JmpCall
}

func isPseudoCall(in isa.Insn) bool {
	return in.Class() == isa.ClassJMP && in.JmpOp() == isa.JmpCall && in.Src == isa.PseudoCall
}

func isGotol(in isa.Insn) bool { return in.Class() == isa.ClassJMP32 && in.JmpOp() == isa.JmpA }

// key is what stays the same of an instruction when code around it moves.
func key(in isa.Insn) uint64 {
	switch {
	case isGotol(in), isPseudoCall(in):
		in.Imm = 0
	case isJump(in):
		in.Off = 0
	}
	var k uint64
	for i, b := range in.Append(nil) {
		k |= uint64(b) << (8 * i)
	}
	return k
}

func target(in isa.Insn, pc int) int32 {
	switch {
	case isGotol(in), isPseudoCall(in):
		return int32(pc) + 1 + in.Imm
	case isJump(in):
		return int32(pc) + 1 + int32(in.Off)
	}
	return -1
}

// btfLines are the source lines in the program's own line information.
func btfLines(p *verifier.Program) (out []LineText) {
	size := p.LineInfoSize
	if size == 0 {
		size = btf.LineInfoSize
	}
	infos, err := btf.DecodeLineInfo(p.LineInfo, size)
	if err != nil || p.BTF == nil {
		return nil
	}
	for _, l := range infos {
		file, text := p.BTF.StringAt(l.FileOff), strings.TrimLeft(p.BTF.StringAt(l.TextOff), " \t")
		out = append(out, LineText{l.Insn, path.Base(file), uint32(l.Line()), text})
	}
	return out
}

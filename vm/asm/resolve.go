package asm

import (
	"runtime"
	"slices"
	"strings"

	"skep/vm/isa"
)

// resolve fills in the labels.
func (a *assembler) resolve() {
	for n, f := range a.fix {
		if n&1023 == 1023 {
			runtime.Gosched()
		}
		if len(a.res.Errors) >= MaxErrors {
			break
		}
		// Errors are at the use.
		a.line = f.line
		a.lineStart = strings.LastIndexByte(a.src[:f.tok.pos], '\n') + 1
		i := &a.res.Insns[f.insn]
		pc := -1
		if l, ok := a.byPC[f.tok.text]; ok {
			pc = a.res.Labels[l].PC
		} else if f.tok.text == "exit" && a.opt.Dialect == Conformance {
			pc = a.exit // bpf_conformance's own label: the first exit
		}
		if pc < 0 {
			a.noLabel(f)
			continue
		}
		distance := pc - f.insn - 1
		switch f.kind {
		case fixJump:
			if distance < -1<<15 || distance >= 1<<15 {
				a.fail(f.tok, quote(f.tok.text)+" is "+itoa(distance)+" slots away, a jump reaches 32767", "use gotol, which reaches everywhere")
				continue
			}
			i.Off = int16(distance)
		case fixGotol:
			i.Imm = int32(distance)
		case fixCall:
			i.Imm = int32(distance)
			a.funcs = append(a.funcs, pc)
		case fixFunc, fixSymbol:
			i.Src, i.Imm = isa.PseudoFunc, int32(distance)
			a.funcs = append(a.funcs, pc)
		}
	}
	a.res.Relocs = mergeRelocs(a.res.Relocs, a.late)
	// Labels are missed after the lines are read; there are few errors.
	for i, errs := 1, a.res.Errors; i < len(errs); i++ {
		for j := i; j > 0 && (errs[j].Line < errs[j-1].Line || errs[j].Line == errs[j-1].Line && errs[j].Col < errs[j-1].Col); j-- {
			errs[j], errs[j-1] = errs[j-1], errs[j]
		}
	}
}

// mergeRelocs merges two lists that are in the order of the instructions.
func mergeRelocs(x, y []Reloc) []Reloc {
	if len(y) == 0 {
		return x
	}
	out := make([]Reloc, 0, len(x)+len(y))
	for len(x) > 0 && len(y) > 0 {
		if x[0].Insn <= y[0].Insn {
			out, x = append(out, x[0]), x[1:]
		} else {
			out, y = append(out, y[0]), y[1:]
		}
	}
	return append(append(out, x...), y...)
}

// noLabel reports a name that is no label. A call may still mean a kernel
// function, and LLVM's symbol a map that the loader has.
func (a *assembler) noLabel(f fixup) {
	name := f.tok.text
	i := &a.res.Insns[f.insn]
	switch f.kind {
	case fixCall:
		if a.opt.Externs {
			i.Src = isa.PseudoKfuncCall
			a.late = append(a.late, Reloc{f.insn, RelocKfunc, name, -1, a.pos(f.tok)})
			return
		}
		a.unknownFunc(f.tok)
		return
	case fixSymbol:
		if a.opt.Externs {
			i.Src = isa.PseudoMapFD
			a.late = append(a.late, Reloc{f.insn, RelocMap, name, -1, a.pos(f.tok)})
			return
		}
		a.fail(f.tok, "no map or function "+quote(name), a.didYouMean(name, a.mapAndLabelNames))
		return
	}
	hint := a.didYouMean(name, a.labelNames)
	if hint == "" {
		hint = "write `" + name + ":` in front of the instruction to go to"
	}
	a.fail(f.tok, "no label "+quote(name), hint)
}

func (a *assembler) unknownFunc(t token) {
	hint := a.didYouMean(t.text, a.callNames)
	if hint == "" {
		hint = "a function is a label of this file, a helper (bpf_...) or a kernel function"
	}
	a.fail(t, "no function "+quote(t.text), hint)
}

// functions lists the functions: the entry, what calls and loads name, and
// what directives mark.
func (a *assembler) functions() {
	end := len(a.res.Insns)
	if end == 0 {
		return
	}
	starts := make([]bool, end)
	starts[0] = true
	for _, pc := range a.funcs {
		if pc < end {
			starts[pc] = true
		}
	}
	section, labels := "", a.res.Labels
	for pc, is := range starts {
		if !is {
			continue
		}
		f := Func{Start: pc, End: end}
		if n := slices.Index(starts[pc+1:], true); n >= 0 {
			f.End = pc + 1 + n
		}
		// Of several labels at a slot the first names the function.
		for len(labels) > 0 && labels[0].PC < pc {
			labels = labels[1:]
		}
		if len(labels) > 0 && labels[0].PC == pc {
			f.Name, f.Pos = labels[0].Name, labels[0].Pos
		}
		for len(a.sections) > 0 && a.sections[0].pc <= pc {
			section, a.sections = a.sections[0].name, a.sections[1:]
		}
		f.Section = section
		f.Global = a.globals[f.Name] && f.Name != ""
		a.res.Funcs = append(a.res.Funcs, f)
	}
}

// didYouMean is a hint with the nearest of some names.
func (a *assembler) didYouMean(word string, names func(yield func(string) bool)) string {
	if c := closest(word, names); c != "" {
		return "did you mean `" + c + "`?"
	}
	return ""
}

func (a *assembler) labelNames(yield func(string) bool) {
	for i, l := range a.res.Labels {
		if i > 1000 || !yield(l.Name) {
			return
		}
	}
}

func (a *assembler) mapNames(yield func(string) bool) {
	for _, m := range a.res.Maps {
		if !yield(m.Name) {
			return
		}
	}
}

func (a *assembler) mapAndLabelNames(yield func(string) bool) {
	more := true
	a.mapNames(func(s string) bool { more = yield(s); return more })
	if more {
		a.labelNames(yield)
	}
}

// maxHelper bounds the search for a helper's name; Linux 6.12 has 211.
const maxHelper = 512

func (a *assembler) callNames(yield func(string) bool) {
	more := true
	a.labelNames(func(s string) bool { more = yield(s); return more })
	if r := a.opt.Resolver; r != nil && r.HelperName != nil {
		for id := int32(1); more && id < maxHelper; id++ {
			more = yield(r.HelperName(id))
		}
	}
}

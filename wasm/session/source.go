package session

import (
	"strings"

	"skep/vm"
	"skep/vm/asm"
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/kernel"
	"skep/vm/maps"
	"skep/vm/object"
	vmsource "skep/vm/source"
	"skep/wasm/protocol"
)

// source is a loaded file: one or more programs and the maps they share.
type source struct {
	programs []program
	maps     []mapDecl
	btf      *btf.Spec // nil without
	license  string
	dialect  asm.Dialect  // what assembly was written in; Kernel for objects
	slots    []progSlot   // of prog arrays
	tails    []int        // programs that slots name
	records  []recordType // those found so far
}

// progSlot is an initial element of a prog array.
type progSlot struct {
	inMap   int
	index   uint32
	program int
}

// program is one entry point, ready to be given to a machine.
type program struct {
	name, section string
	typ           string // bpftool's name; "" when the source does not say
	insns         []isa.Insn
	funcs         []function
	lines         []vm.Line // as vm.Program wants them
	kfuncs        []vm.Kfunc
	ksyms         []vm.Ksym
}

type function struct {
	name, proto string
	start, len  int
}

// mapDecl is a map with what BTF says of its types.
type mapDecl struct {
	spec     maps.Spec
	key, val btf.ID // 0 without BTF
	internal bool
}

// load reads a source. Problems with a nil source are errors, with a source
// warnings.
func load(src protocol.WireSource) (*source, []protocol.Problem) {
	switch src.Kind {
	case protocol.SourceKindAsm:
		return loadAsm(src.Text)
	case protocol.SourceKindObject:
		return loadObject(src)
	}
	return nil, problems(protocol.WhereSource, "unknown kind of source", "")
}

// Check is the diagnostics of assembly text; empty when there is nothing wrong.
func Check(text string) []protocol.Problem {
	_, probs := loadAsm(text)
	return probs
}

func loadAsm(text string) (*source, []protocol.Problem) {
	read, errs := vmsource.Assembly(text)
	if read == nil {
		return nil, asmProblems(text, errs)
	}
	src := take(read)
	ln := newLines(text)
	for _, l := range read.Programs[0].Lines {
		at := ln.at(l.Line)
		src.programs[0].lines = append(src.programs[0].lines, vm.Line{
			PC: l.Slot, File: l.File, Line: l.Line, Col: utf16Len(at, l.Col-1) + 1, Text: at,
		})
	}
	return src, nil
}

func loadObject(w protocol.WireSource) (*source, []protocol.Problem) {
	var unknown []string
	read, err := vmsource.Object(w.Bytes, vmsource.Options{Name: w.Name, CPUs: maxCPUs, Prepare: func(o *object.Object) (progs []object.Program, _ []string, err error) {
		progs, unknown, err = kernel.Prepare(o, nil)
		return progs, unknown, err
	}})
	if err != nil {
		return nil, []protocol.Problem{objectProblem(err)}
	}
	var probs []protocol.Problem
	warn := func(text, hint string) {
		p := problem(protocol.WhereObject, text, hint)
		p.Severity = protocol.SeverityWarning
		probs = append(probs, p)
	}
	if len(unknown) > 0 {
		warn("the object asks the kernel about what the page's kernel does not know: "+strings.Join(unknown, ", "), "their offsets are those it was compiled with")
	}
	for _, text := range read.Warnings {
		warn(text, "")
	}
	src := take(read)
	for i := range src.maps {
		if err := src.maps[i].spec.Check(); err != nil {
			return nil, problems(protocol.WhereObject, err.Error(), "")
		}
	}
	files := fileTexts{files: w.Files}
	for i := range read.Programs {
		for _, l := range read.Programs[i].Lines {
			if l.Text == "" {
				l.Text = files.text(l.File, l.Line)
			}
			src.programs[i].lines = append(src.programs[i].lines, vm.Line{PC: l.Slot, File: l.File, Line: l.Line, Col: l.Col, Text: l.Text})
		}
	}
	return src, probs
}

// take is what was read as the views want it; lines are left to the caller.
func take(read *vmsource.Source) *source {
	src := &source{license: read.License, dialect: read.Dialect, btf: read.BTF}
	for i := range read.Maps {
		m := &read.Maps[i]
		d := mapDecl{spec: m.Spec, key: m.Key, val: m.Value, internal: m.Internal}
		d.spec.Flags &^= maps.FlagMmapable
		src.maps = append(src.maps, d)
		for _, s := range m.Slots {
			src.slots = append(src.slots, progSlot{inMap: i, index: s.Index, program: s.Program})
			src.tails = append(src.tails, s.Program)
		}
	}
	for i := range read.Programs {
		p := &read.Programs[i]
		out := program{name: p.Name, section: p.Section, typ: p.ProgType, insns: p.Insns}
		if out.typ == "" {
			out.typ = typeOfSection(p.Section)
		}
		for _, f := range p.Funcs {
			out.funcs = append(out.funcs, function{name: f.Name, proto: f.Proto, start: f.Start, len: f.Len})
		}
		for _, s := range p.Kfuncs {
			out.kfuncs = append(out.kfuncs, vm.Kfunc{ID: s.ID, Name: s.Name})
		}
		for _, s := range p.Ksyms {
			out.ksyms = append(out.ksyms, vm.Ksym{ID: s.ID, Name: s.Name, Size: s.Size})
		}
		src.programs = append(src.programs, out)
	}
	return src
}

// typeOfSection is bpftool's name of the program type that a section says.
func typeOfSection(section string) string {
	if s, _, ok := hook.ParseSection(section); ok {
		return s.Type.String()
	}
	return ""
}

package trial

import (
	"strconv"

	"skep/vm"
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/kernel"
	"skep/vm/object"
	"skep/vm/source"
	"skep/vm/world"
)

// Submission is what a student hands in: an object file of clang, or assembly.
type Submission struct {
	Object []byte
	Text   string
}

// Problem says why a submission cannot be tried.
type Problem struct {
	Line, Col int // of assembly, from 1; 0: nowhere in particular
	Msg, Hint string
}

// Read loads a submission for a kernel whose memory has that layout, nil being the built-in one.
func (s *Submission) Read(layout *btf.Spec, cpus uint32) (*source.Source, []Problem) {
	if s.Object == nil {
		src, errs := source.Assembly(s.Text)
		var out []Problem
		for _, e := range errs {
			out = append(out, Problem{e.Line, e.Col, e.Msg, e.Hint})
		}
		return src, out
	}
	src, err := source.Object(s.Object, source.Options{CPUs: cpus, Prepare: func(o *object.Object) ([]object.Program, []string, error) {
		return kernel.Prepare(o, layout)
	}})
	if err != nil {
		return nil, []Problem{{Msg: err.Error()}}
	}
	return src, nil
}

// forMachine is a program as the simulated machine loads it.
func forMachine(src *source.Source, i int, h hook.Section) *vm.Program {
	p := &src.Programs[i]
	out := &vm.Program{
		Name: p.Name, Type: h.Type, Attach: h.Attach, License: src.License, Insns: p.Insns,
		Probe: world.Stale(h.Type, p.Insns),
	}
	for _, s := range p.Kfuncs {
		out.Kfuncs = append(out.Kfuncs, vm.Kfunc{ID: s.ID, Name: s.Name})
	}
	for _, s := range p.Ksyms {
		out.Ksyms = append(out.Ksyms, vm.Ksym{ID: s.ID, Name: s.Name, Size: s.Size})
	}
	for _, f := range p.Funcs {
		out.Funcs = append(out.Funcs, vm.Func{Start: f.Start, Name: f.Name})
	}
	return out
}

// lineOf is the source line that an instruction comes from: its text in C,
// its number in assembly.
func lineOf(p *source.Program, slot int) string {
	at := -1
	for i := range p.Lines {
		if p.Lines[i].Slot > slot {
			break
		}
		at = i
	}
	switch {
	case at < 0:
		return ""
	case p.Lines[at].Text != "":
		return p.Lines[at].Text
	}
	return "line " + strconv.Itoa(p.Lines[at].Line)
}

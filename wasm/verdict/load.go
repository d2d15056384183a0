package verdict

import (
	"sort"
	"strconv"
	"strings"

	"skep/verifier"
	"skep/verifier/loader"
	"skep/verifier/trace"
	"skep/vm/kernel"
	"skep/vm/object"
	"skep/vm/source"
	"skep/wasm/protocol"
	"skep/wasm/session"
)

// Options say how a source is loaded.
type Options struct {
	Hook      string // program type by bpftool's name; "" = what the program says, else xdp
	Privilege verifier.Privilege

	// Relocate adjusts an object's programs to a whole kernel
	// ([object.Object.Relocate]); nil is the built-in kernel of package kernel.
	Relocate func(*object.Object) ([]object.Program, error)
}

// Loaded is a program as a loader hands it to the kernel.
type Loaded struct {
	Program *verifier.Program
	Name    string
	Feature string // what the loader would need that is not modelled; "" for nothing
	lines   []source.Line
}

// line is where the instruction at a slot comes from.
func (l *Loaded) line(slot int) (file string, number uint32) {
	i := sort.Search(len(l.lines), func(i int) bool { return l.lines[i].Slot > slot }) - 1
	if i < 0 {
		return "", 0
	}
	return l.lines[i].File, uint32(l.lines[i].Line)
}

// TraceLines are the source lines for a trace.
func (l *Loaded) TraceLines() []trace.LineText {
	out := make([]trace.LineText, 0, len(l.lines))
	for _, s := range l.lines {
		out = append(out, trace.LineText{Slot: uint32(s.Slot), File: s.File, Line: uint32(s.Line), Text: strings.TrimSpace(s.Text)})
	}
	return out
}

// Load reads a source and prepares the program of that number, in the order of
// the page's listing. Without a result the problems say why.
func Load(w protocol.WireSource, program int, o Options) (*Loaded, []protocol.Problem) {
	src, problems := read(&w, &o)
	if src == nil {
		return nil, problems
	}
	if program < 0 || program >= len(src.Programs) {
		return nil, trouble(protocol.WhereObject, "there is no such program in the object", "")
	}
	p := &src.Programs[program]
	h, target, ok := p.Hook(o.Hook)
	if !ok {
		name := o.Hook
		if name == "" {
			name = p.ProgType
		}
		return nil, trouble(protocol.WhereOption, "there is no program type "+strconv.Quote(name), "")
	}
	return &Loaded{
		Program: loader.Program(src, program, h, target, o.Privilege), Name: p.Name, Feature: p.Unrelocated, lines: p.Lines,
	}, nil
}

func read(w *protocol.WireSource, o *Options) (*source.Source, []protocol.Problem) {
	switch w.Kind {
	case protocol.SourceKindAsm:
		src, errs := source.Assembly(w.Text)
		if src == nil {
			return nil, session.AsmProblems(w.Text, errs)
		}
		nameLines(&src.Programs[0], w)
		return src, nil
	case protocol.SourceKindObject:
		src, err := source.Object(w.Bytes, source.Options{Name: w.Name, Prepare: o.prepare})
		if err != nil {
			return nil, []protocol.Problem{session.ObjectProblem(err)}
		}
		return src, nil
	}
	return nil, trouble(protocol.WhereSource, "unknown kind of source", "")
}

// prepare is the source's Prepare. The kernel's configuration is the built-in
// one's for every kernel.
func (o *Options) prepare(obj *object.Object) ([]object.Program, []string, error) {
	if o.Relocate == nil {
		return kernel.Prepare(obj, nil)
	}
	unknown := kernel.Configure(obj)
	progs, err := o.Relocate(obj)
	return progs, unknown, err
}

// nameLines gives the lines of assembly their text and the file's name.
func nameLines(p *source.Program, w *protocol.WireSource) {
	texts := strings.Split(w.Text, "\n")
	for i := range p.Lines {
		l := &p.Lines[i]
		if w.Name != "" {
			l.File = w.Name
		}
		if l.Line >= 1 && l.Line <= len(texts) {
			l.Text = texts[l.Line-1]
		}
	}
}

func trouble(where protocol.Where, msg, hint string) []protocol.Problem {
	return []protocol.Problem{{Where: where, Message: msg, Hint: hint, Offset: -1}}
}

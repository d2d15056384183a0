package session

import (
	"errors"
	"strconv"
	"strings"

	"skep/vm"
	"skep/vm/asm"
	"skep/vm/btf"
	"skep/vm/helper"
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

// dialects are tried in this order; the first with the fewest errors is what
// the text is written in.
var dialects = [...]asm.Dialect{asm.Kernel, asm.LLVM, asm.Conformance}

// assemble reads text in whichever dialect it is written in.
func assemble(text string) (*asm.Result, asm.Dialect) {
	var best *asm.Result
	var in asm.Dialect
	for _, d := range dialects {
		r := asm.Assemble(text, asm.Options{Dialect: d, Resolver: &resolver, Externs: true})
		if best == nil || len(r.Errors) < len(best.Errors) {
			best, in = r, d
		}
		if len(best.Errors) == 0 {
			break
		}
	}
	return best, in
}

// resolver knows the helpers of the reference kernel.
var resolver = asm.Resolver{
	HelperName: func(id int32) string {
		if p := helper.Lookup(int(id)); p != nil {
			return p.Name
		}
		return ""
	},
	HelperID: func(name string) (int32, bool) {
		if p := helper.ByName(name); p != nil {
			return int32(p.ID), true
		}
		return 0, false
	},
}

// Check is the diagnostics of assembly text; empty when there is nothing wrong.
func Check(text string) []protocol.Problem {
	_, probs := loadAsm(text)
	return probs
}

func loadAsm(text string) (*source, []protocol.Problem) {
	res, dialect := assemble(text)
	if len(res.Errors) > 0 {
		return nil, asmProblems(text, res.Errors)
	}
	if len(res.Insns) == 0 {
		return nil, problems(protocol.WhereSource, "there is no instruction in the source", "the shortest program is: r0 = 0, then exit on the next line")
	}
	types := vmsource.MakeTypes(res)
	src := &source{license: res.License, dialect: dialect, btf: types.Spec}
	ln := newLines(text)
	place := func(p protocol.Problem, pos asm.Pos) []protocol.Problem {
		ln.place(&p, pos.Line, pos.Col, pos.End-pos.Col)
		return []protocol.Problem{p}
	}
	for i := range res.Maps {
		m := &res.Maps[i]
		spec, err := asmMap(res, i, 0)
		if err != nil {
			return nil, place(problem(protocol.WhereSource, err.Error(), mapHint(m.Type)), m.Pos)
		}
		spec.SetSpecial(types.Spec, types.Maps[i].Value)
		src.maps = append(src.maps, mapDecl{spec: spec, key: types.Maps[i].Key, val: types.Maps[i].Value})
	}
	p := program{name: "prog", section: "", typ: res.ProgType, insns: res.Insns}
	for _, f := range res.Funcs {
		name := f.Name
		if name == "" {
			name = "prog"
		}
		if f.Start == 0 {
			p.name, p.section = name, f.Section
		}
		p.funcs = append(p.funcs, function{name: name, proto: name, start: f.Start, len: f.End - f.Start})
	}
	if len(p.funcs) == 0 || p.funcs[0].start != 0 {
		p.funcs = append([]function{{name: p.name, proto: p.name, len: len(p.insns)}}, p.funcs...)
	}
	last := 0
	for pc, pos := range res.Lines {
		if pos.Line != last {
			last = pos.Line
			text := ln.at(pos.Line)
			p.lines = append(p.lines, vm.Line{PC: pc, File: "prog.s", Line: pos.Line, Col: utf16Len(text, pos.Col-1) + 1, Text: text})
		}
	}
	for _, r := range res.Relocs {
		if r.Kind == asm.RelocMap || r.Kind == asm.RelocMapValue {
			if r.Index < 0 {
				pr := problem(protocol.WhereSource, "there is no map "+strconv.Quote(r.Name), "declare it: .map "+r.Name+" array key=4 value=8 entries=1")
				pr.Word = r.Name
				return nil, place(pr, r.Pos)
			}
		} else if r.Kind == asm.RelocKfunc {
			p.kfuncs = append(p.kfuncs, vm.Kfunc{ID: res.Insns[r.Insn].Imm, Name: r.Name})
		} else {
			p.ksyms = append(p.ksyms, vm.Ksym{ID: res.Insns[r.Insn].Imm, Name: r.Name, Size: 8})
		}
	}
	src.programs = []program{p}
	return src, nil
}

func mapHint(typ string) string {
	if _, ok := maps.ByName(typ); !ok {
		return "map types are hash, array, percpu_hash, percpu_array, ringbuf, lru_hash, lpm_trie and others"
	}
	return ""
}

// asmMap makes the spec of map i of an assembled file.
func asmMap(res *asm.Result, i, depth int) (maps.Spec, error) {
	m := &res.Maps[i]
	typ, ok := maps.ByName(m.Type)
	if !ok {
		return maps.Spec{}, errors.New("unknown map type " + strconv.Quote(m.Type))
	}
	spec := maps.Spec{Name: m.Name, Type: typ, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.Entries, Flags: m.Flags}
	if m.Inner != "" && depth == 0 {
		for j := range res.Maps {
			if res.Maps[j].Name == m.Inner {
				inner, err := asmMap(res, j, depth+1)
				if err != nil {
					return spec, err
				}
				spec.Inner = &inner
			}
		}
		if spec.Inner == nil {
			return spec, errors.New("there is no map " + strconv.Quote(m.Inner) + " to be the inner one")
		}
	}
	if err := spec.Check(); err != nil {
		return spec, err
	}
	return spec, nil
}

func loadObject(w protocol.WireSource) (*source, []protocol.Problem) {
	name := w.Name
	if name == "" {
		name = "prog"
	}
	obj, err := object.LoadNamed(w.Bytes, name)
	if err != nil {
		return nil, []protocol.Problem{objectProblem(err)}
	}
	progs, unknown, err := kernel.Prepare(obj, nil)
	if err != nil {
		return nil, []protocol.Problem{objectProblem(err)}
	}
	var probs []protocol.Problem
	if len(unknown) > 0 {
		p := problem(protocol.WhereObject, "the object asks the kernel about what the page's kernel does not know: "+strings.Join(unknown, ", "),
			"their offsets are those it was compiled with")
		p.Severity = protocol.SeverityWarning
		probs = append(probs, p)
	}
	for _, text := range obj.Warnings {
		p := problem(protocol.WhereObject, text, "")
		p.Severity = protocol.SeverityWarning
		probs = append(probs, p)
	}
	if len(obj.Programs) == 0 {
		return nil, problems(protocol.WhereObject, "there is no program in the object", "a program is a function with SEC(\"xdp\"), SEC(\"tc\") or the like")
	}
	src := &source{license: obj.License, btf: obj.BTF}
	for i := range obj.Maps {
		d, err := objectMap(&obj.Maps[i], 0)
		if err != nil {
			return nil, problems(protocol.WhereObject, err.Error(), "")
		}
		d.spec.SetSpecial(obj.BTF, d.val)
		src.maps = append(src.maps, d)
	}
	files := fileTexts{files: w.Files}
	for i := range progs {
		src.programs = append(src.programs, objectProgram(obj, &progs[i], &files))
	}
	for i := range obj.Maps {
		for _, slot := range obj.Maps[i].Init {
			for j := range progs {
				if slot.Map < 0 && progs[j].Name == slot.Program {
					src.slots = append(src.slots, progSlot{inMap: i, index: slot.Index, program: j})
					src.tails = append(src.tails, j)
				}
			}
		}
	}
	return src, probs
}

// typeOfSection is bpftool's name of the program type that a section says.
func typeOfSection(section string) string {
	if s, _, ok := hook.ParseSection(section); ok {
		return s.Type.String()
	}
	return ""
}

func objectMap(m *object.MapSpec, depth int) (mapDecl, error) {
	d := mapDecl{
		spec: maps.Spec{
			Name: m.Name, Type: maps.Type(m.Type), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
			Flags: m.Flags &^ maps.FlagMmapable, Extra: m.Extra, Data: m.Contents, Frozen: m.Frozen,
			BTFKey: uint32(m.KeyType), BTFValue: uint32(m.ValueType),
		},
		key: m.KeyType, val: m.ValueType, internal: m.Section != ".maps",
	}
	if d.spec.Type == maps.PerfEventArray && d.spec.MaxEntries == 0 {
		d.spec.MaxEntries = maxCPUs // libbpf: one for each possible CPU
	}
	if m.Inner != nil && depth == 0 {
		inner, err := objectMap(m.Inner, depth+1)
		if err != nil {
			return d, err
		}
		d.spec.Inner = &inner.spec
	}
	if err := d.spec.Check(); err != nil {
		return d, err
	}
	return d, nil
}

func objectProgram(obj *object.Object, p *object.Program, files *fileTexts) program {
	out := program{name: p.Name, section: p.Section, typ: typeOfSection(p.Section), insns: p.Insns}
	for _, f := range p.Funcs {
		g := function{name: f.Name, proto: f.Name, start: f.Start, len: f.Len}
		if f.Type != 0 && obj.BTF != nil {
			g.proto = string(obj.BTF.AppendDecl(nil, f.Type, ""))
		}
		out.funcs = append(out.funcs, g)
	}
	for _, l := range p.LineInfo {
		out.lines = append(out.lines, files.line(obj.BTF, l))
	}
	for _, r := range p.Ksyms {
		x := &obj.Externs[r.Extern]
		if r.Call {
			out.kfuncs = append(out.kfuncs, vm.Kfunc{ID: p.Insns[r.Insn].Imm, Name: x.Name})
		} else {
			out.ksyms = append(out.ksyms, vm.Ksym{ID: p.Insns[r.Insn].Imm, Name: x.Name, Size: max(x.Size, 8)})
		}
	}
	return out
}

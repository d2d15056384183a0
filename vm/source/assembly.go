package source

import (
	"errors"
	"strconv"

	"skep/vm/asm"
	"skep/vm/helper"
	"skep/vm/maps"
)

// dialects are tried in this order; the first with the fewest errors is what
// the text is written in.
var dialects = [...]asm.Dialect{asm.Kernel, asm.LLVM, asm.Conformance}

// Resolver knows the helpers of the reference kernel.
var Resolver = asm.Resolver{
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

// Assemble reads text in whichever dialect it is written in.
func Assemble(text string) (*asm.Result, asm.Dialect) {
	var best *asm.Result
	var in asm.Dialect
	for _, d := range dialects {
		r := asm.Assemble(text, asm.Options{Dialect: d, Resolver: &Resolver, Externs: true})
		if best == nil || len(r.Errors) < len(best.Errors) {
			best, in = r, d
		}
		if len(best.Errors) == 0 {
			break
		}
	}
	return best, in
}

// AssemblyFile is the name that assembly has in lines and messages.
const AssemblyFile = "prog.s"

// Assembly reads assembly text. Errors have places in the text.
func Assembly(text string) (*Source, []asm.Error) {
	res, dialect := Assemble(text)
	if len(res.Errors) > 0 {
		return nil, res.Errors
	}
	fail := func(pos asm.Pos, word, msg, hint string) (*Source, []asm.Error) {
		return nil, []asm.Error{{Line: pos.Line, Col: pos.Col, Len: pos.End - pos.Col, Word: word, Msg: msg, Hint: hint}}
	}
	if len(res.Insns) == 0 {
		return fail(asm.Pos{}, "", "there is no instruction in the source", "the shortest program is: r0 = 0, then exit on the next line")
	}
	types := MakeTypes(res)
	src := &Source{License: res.License, Dialect: dialect, BTF: types.Spec}
	for i := range res.Maps {
		spec, err := asmMap(res, i, 0)
		if err != nil {
			return fail(res.Maps[i].Pos, res.Maps[i].Type, err.Error(), mapHint(res.Maps[i].Type))
		}
		m := Map{Spec: spec, Key: types.Maps[i].Key, Value: types.Maps[i].Value}
		m.Spec.SetSpecial(types.Spec, m.Value)
		src.Maps = append(src.Maps, m)
	}
	p := Program{Name: "prog", ProgType: res.ProgType, Insns: res.Insns, FuncInfo: types.Funcs}
	for _, f := range res.Funcs {
		name := f.Name
		if name == "" {
			name = "prog"
		}
		if f.Start == 0 {
			p.Name, p.Section = name, f.Section
		}
		p.Funcs = append(p.Funcs, Func{Name: name, Proto: name, Start: f.Start, Len: f.End - f.Start})
	}
	if len(p.Funcs) == 0 || p.Funcs[0].Start != 0 {
		p.Funcs = append([]Func{{Name: p.Name, Proto: p.Name, Len: len(p.Insns)}}, p.Funcs...)
	}
	last := 0
	for slot, pos := range res.Lines {
		if pos.Line != last {
			last = pos.Line
			p.Lines = append(p.Lines, Line{Slot: slot, File: AssemblyFile, Line: pos.Line, Col: pos.Col})
		}
	}
	for _, r := range res.Relocs {
		s := Symbol{Slot: r.Insn, ID: res.Insns[r.Insn].Imm, Name: r.Name, Size: 8}
		switch {
		case r.Kind == asm.RelocKfunc:
			p.Kfuncs = append(p.Kfuncs, s)
		case r.Kind == asm.RelocVar:
			p.Ksyms = append(p.Ksyms, s)
		case r.Index < 0:
			return fail(r.Pos, r.Name, "there is no map "+strconv.Quote(r.Name), "declare it: .map "+r.Name+" array key=4 value=8 entries=1")
		}
	}
	src.Programs = []Program{p}
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
	return spec, spec.Check()
}

package source

import (
	"errors"
	"strings"

	"skep/vm/btf"
	"skep/vm/maps"
	"skep/vm/object"
)

// Options say how an object is read.
type Options struct {
	Name string // the file's, for the names of its implicit maps; "" is prog
	CPUs uint32 // what a perf event array without a size has entries for
	// Prepare adjusts the programs to a kernel (kernel.Prepare): CO-RE
	// relocations and .kconfig. unknown is what it knows nothing about. Nil
	// leaves them as compiled.
	Prepare func(*object.Object) (progs []object.Program, unknown []string, err error)
}

// Object reads an object file of clang.
func Object(elf []byte, o Options) (*Source, error) {
	if o.Name == "" {
		o.Name = "prog"
	}
	obj, err := object.LoadNamed(elf, o.Name)
	if err != nil {
		return nil, err
	}
	if len(obj.Programs) == 0 {
		return nil, errors.New(`there is no program in the object: a program is a function with SEC("xdp"), SEC("tc") or the like`)
	}
	progs, unknown := obj.Programs, []string(nil)
	if o.Prepare != nil {
		if progs, unknown, err = o.Prepare(obj); err != nil {
			return nil, err
		}
	}
	src := &Source{License: obj.License, BTF: obj.BTF, Warnings: obj.Warnings}
	for i := range obj.Maps {
		m := objectMap(&obj.Maps[i], max(o.CPUs, 1), 0)
		m.Spec.SetSpecial(obj.BTF, m.Value)
		for _, s := range obj.Maps[i].Init {
			for j := range progs {
				if s.Map < 0 && progs[j].Name == s.Program {
					m.Slots = append(m.Slots, Slot{s.Index, j})
				}
			}
		}
		src.Maps = append(src.Maps, m)
	}
	for i := range progs {
		p := objectProgram(obj, &progs[i])
		switch {
		case len(unknown) > 0:
			p.Unrelocated = unknown[0]
		case o.Prepare == nil && len(progs[i].CoreRelos) > 0:
			p.Unrelocated = "types of the kernel"
		}
		src.Programs = append(src.Programs, p)
	}
	return src, nil
}

// objectMap does not check sizes: those that user space fills in before it
// creates the map are nought here, and a program can be verified without them.
func objectMap(m *object.MapSpec, cpus uint32, depth int) Map {
	out := Map{
		Spec: maps.Spec{
			Name: m.Name, Type: maps.Type(m.Type), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
			Flags: m.Flags, Extra: m.Extra, Data: m.Contents, Frozen: m.Frozen,
			BTFKey: uint32(m.KeyType), BTFValue: uint32(m.ValueType),
		},
		Key: m.KeyType, Value: m.ValueType, Internal: m.Section != ".maps",
	}
	if out.Spec.Type == maps.PerfEventArray && out.Spec.MaxEntries == 0 {
		out.Spec.MaxEntries = cpus // libbpf: one for each possible CPU
	}
	if m.Inner != nil && depth == 0 {
		inner := objectMap(m.Inner, cpus, depth+1)
		out.Spec.Inner = &inner.Spec
	}
	return out
}

func objectProgram(obj *object.Object, p *object.Program) Program {
	out := Program{Name: p.Name, Section: p.Section, Insns: p.Insns, FuncInfo: p.FuncInfo, LineInfo: p.LineInfo}
	for _, f := range p.Funcs {
		g := Func{Name: f.Name, Proto: f.Name, Start: f.Start, Len: f.Len}
		if f.Type != 0 && obj.BTF != nil {
			g.Proto = string(obj.BTF.AppendDecl(nil, f.Type, ""))
		}
		out.Funcs = append(out.Funcs, g)
	}
	if obj.BTF != nil {
		for _, l := range p.LineInfo {
			at := obj.BTF.Line(l)
			out.Lines = append(out.Lines, Line{Slot: int(l.Insn), File: at.File[strings.LastIndexByte(at.File, '/')+1:], Line: at.Line, Col: at.Col, Text: at.Text})
		}
	}
	for _, r := range p.Ksyms {
		x := &obj.Externs[r.Extern]
		s := Symbol{Slot: r.Insn, ID: p.Insns[r.Insn].Imm, Name: x.Name, Size: max(x.Size, 8)}
		if r.Call {
			out.Kfuncs = append(out.Kfuncs, s)
		} else {
			out.Ksyms = append(out.Ksyms, s)
		}
	}
	return out
}

// TakesBTF reports whether the kernel has the types of a map's key and value:
// libbpf does not offer them for some map types, and makes the map without
// them when the kernel refuses (bpf_object__create_map, map_check_btf).
func (m *Map) TakesBTF(spec *btf.Spec) bool {
	switch m.Spec.Type {
	case maps.PerfEventArray, maps.CgroupArray, maps.StackTrace, maps.ArrayOfMaps, maps.HashOfMaps, maps.Devmap, maps.DevmapHash,
		maps.CPUMap, maps.XSKMap, maps.Sockmap, maps.SockHash, maps.Queue, maps.Stack, maps.Arena, maps.Ringbuf, maps.UserRingbuf:
		return false
	}
	return spec != nil && m.Value != 0 && (m.Key != 0 || spec.Kind(m.Value) == btf.KindDatasec)
}

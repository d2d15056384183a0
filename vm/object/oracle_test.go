package object

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	cbtf "github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"skep/vm/btf"
	"skep/vm/isa"
)

// TestAgainstCilium loads every source in testdata, compiled by every clang
// that is installed, here and with cilium/ebpf: instructions after linking,
// source lines, functions and maps must be the same.
func TestAgainstCilium(t *testing.T) {
	for _, clang := range clangs(t) {
		for _, src := range sources(t, "testdata/*.c") {
			switch filepath.Base(src) {
			case "typed.c", "structops.c": // cilium/ebpf refuses them; see object_test.go
				continue
			}
			t.Run(clang+"/"+filepath.Base(src), func(t *testing.T) {
				b := compile(t, clang, src)
				obj, err := LoadNamed(b, filepath.Base(src))
				if err != nil {
					t.Fatal(err)
				}
				spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(b))
				if err != nil {
					t.Fatalf("cilium/ebpf: %v", err)
				}
				var names []string
				for i := range obj.Programs {
					p := &obj.Programs[i]
					names = append(names, p.Name)
					theirs := spec.Programs[p.Name]
					if theirs == nil {
						t.Errorf("program %s: cilium/ebpf has none", p.Name)
						continue
					}
					if p.Section != theirs.SectionName || p.License != theirs.License {
						t.Errorf("program %s: section %q license %q, want %q %q", p.Name, p.Section, p.License, theirs.SectionName, theirs.License)
					}
					if diff := cmp.Diff(cilium(t, theirs.Instructions), ours(t, obj, p)); diff != "" {
						t.Errorf("program %s (-cilium +skep):\n%s", p.Name, diff)
					}
				}
				if len(spec.Programs) != len(names) {
					t.Errorf("programs %v, cilium/ebpf has %d", names, len(spec.Programs))
				}
				if diff := cmp.Diff(ciliumMaps(spec), ourMaps(obj)); diff != "" {
					t.Errorf("maps (-cilium +skep):\n%s", diff)
				}
			})
		}
	}
}

// ours and cilium print a program a function at a time, in order of name,
// with symbols in place of numbers that depend on how functions are laid out.
func ours(t *testing.T, obj *Object, p *Program) []string {
	refs := make(map[int]MapRef)
	for _, r := range p.Maps {
		refs[r.Insn] = r
	}
	syms := make(map[int]KsymRef)
	for _, r := range p.Ksyms {
		syms[r.Insn] = r
	}
	funcs := append([]Func(nil), p.Funcs...)
	sort.Slice(funcs, func(i, j int) bool { return funcs[i].Name < funcs[j].Name })
	name := func(at int) string {
		for _, f := range p.Funcs {
			if f.Start == at {
				return f.Name
			}
		}
		return fmt.Sprint("slot ", at)
	}
	var out []string
	for _, f := range funcs {
		out = append(out, "func "+f.Name+" "+obj.BTF.Name(f.Type))
		for i := f.Start; i < f.Start+f.Len; i++ {
			insn := p.Insns[i]
			var line string
			for _, l := range p.LineInfo {
				if int(l.Insn) == i {
					ln := obj.BTF.Line(l)
					line = fmt.Sprintf(" ; %s:%d:%d %s", ln.File, ln.Line, ln.Col, strings.TrimSpace(ln.Text))
				}
			}
			text := fmt.Sprintf("%d: %02x r%d r%d %d ", i-f.Start, insn.Op, insn.Dst, insn.Src, insn.Off)
			k, isSym := syms[i]
			r, isMap := refs[i]
			switch {
			case isSym:
				text = fmt.Sprintf("%d: %02x ksym %s", i-f.Start, insn.Op, obj.Externs[k.Extern].Name)
			case isMap:
				if int(insn.Imm) != r.Map || uint32(p.Insns[i+1].Imm) != r.Off {
					t.Errorf("instruction %d: immediates %d %d, reference %+v", i, insn.Imm, p.Insns[i+1].Imm, r)
				}
				if obj.Maps[r.Map].Section == ".kconfig" { // see TestKconfig
					text = fmt.Sprintf("%d: %02x r%d r%d %d 0", i-f.Start, insn.Op, insn.Dst, insn.Src, insn.Off)
					break
				}
				text += fmt.Sprintf("map %s", mapKey(&obj.Maps[r.Map]))
				if r.Value {
					text += fmt.Sprintf("+%d", r.Off)
				}
			case insn.Op == isa.ClassJMP|isa.JmpCall && insn.Src == isa.PseudoCall, insn.IsWide() && insn.Src == isa.PseudoFunc:
				text += "func " + name(i+1+int(insn.Imm))
			case insn.IsWide():
				text += fmt.Sprint(int64(isa.Imm64(insn, p.Insns[i+1])))
			default:
				text += fmt.Sprint(insn.Imm)
			}
			out = append(out, text+line)
			if insn.IsWide() {
				i++
			}
		}
	}
	return out
}

func cilium(t *testing.T, insns asm.Instructions) []string {
	funcs := make(map[string][]string)
	var cur string
	var names []string
	slot := 0
	for i := range insns {
		ins := insns[i]
		if s := ins.Symbol(); s != "" && cbtf.FuncMetadata(&ins) != nil {
			cur, slot = s, 0
			names = append(names, s)
			funcs[cur] = append(funcs[cur], "func "+s+" "+cbtf.FuncMetadata(&ins).Name)
		}
		// The plain instruction, without what Marshal wants resolved.
		plain := ins
		plain.Metadata = asm.Metadata{}
		ref := ins.Reference()
		if ref != "" && !ins.IsLoadFromMap() {
			plain.Constant = 0
		}
		var buf bytes.Buffer
		if _, err := plain.Marshal(&buf, binary.LittleEndian); err != nil {
			t.Fatalf("cilium/ebpf: instruction %d: %v", i, err)
		}
		raw, err := isa.DecodeAll(buf.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		insn := raw[0]
		line := ""
		if l, ok := ins.Source().(*cbtf.Line); ok {
			line = fmt.Sprintf(" ; %s:%d:%d %s", l.FileName(), l.LineNumber(), l.LineColumn(), strings.TrimSpace(l.Line()))
		}
		text := fmt.Sprintf("%d: %02x r%d r%d %d ", slot, insn.Op, insn.Dst, insn.Src, insn.Off)
		switch {
		case ref != "" && ins.IsLoadFromMap():
			text += "map " + ref
			if insn.Src == isa.PseudoMapValue {
				text += fmt.Sprintf("+%d", uint32(raw[1].Imm))
			}
		case ref != "" && ins.IsFunctionReference():
			text += "func " + ref
		case ins.IsKfuncCall() || ref != "":
			text = fmt.Sprintf("%d: %02x ksym %s", slot, insn.Op, ref)
		case insn.IsWide():
			text += fmt.Sprint(int64(isa.Imm64(insn, raw[1])))
		default:
			text += fmt.Sprint(insn.Imm)
		}
		funcs[cur] = append(funcs[cur], text+line)
		slot += len(raw)
	}
	sort.Strings(names)
	var out []string
	for _, n := range names {
		out = append(out, funcs[n]...)
	}
	return out
}

// mapKey is the name under which cilium/ebpf has a map: that of the section
// for implicit ones.
func mapKey(m *MapSpec) string {
	if m.Section != ".maps" && m.Type == mapTypeArray {
		return m.Section
	}
	return m.Name
}

type mapRow struct {
	Type, Key, Value, Max, Flags, NUMA, Pin uint32
	Extra                                   uint64
	KeyType, ValueType                      string
	Inner                                   string
	Init                                    []string
	Contents                                string
}

func ourMaps(obj *Object) map[string]mapRow {
	out := make(map[string]mapRow)
	for i := range obj.Maps {
		m := &obj.Maps[i]
		if m.Section == ".kconfig" { // cilium/ebpf makes it when it loads
			continue
		}
		r := mapRow{Type: m.Type, Key: m.KeySize, Value: m.ValueSize, Max: m.MaxEntries, Flags: m.Flags, NUMA: m.NUMANode, Pin: m.Pinning,
			Extra: m.Extra, KeyType: kindName(obj.BTF, m.KeyType), ValueType: kindName(obj.BTF, m.ValueType)}
		if n := m.Inner; n != nil {
			r.Inner = fmt.Sprint(n.Type, n.KeySize, n.ValueSize, n.MaxEntries, n.Flags)
		}
		for _, s := range m.Init {
			target := s.Program
			if s.Map >= 0 {
				target = obj.Maps[s.Map].Name
			}
			if m.Type != mapTypeStructOps {
				r.Init = append(r.Init, fmt.Sprint(s.Index, " ", target))
			}
		}
		if m.Contents != nil {
			r.Contents = string(m.Contents)
		}
		if m.Section == ".bss" {
			r.Contents = string(make([]byte, m.ValueSize))
		}
		// Loaders add this one to all maps of global variables when the kernel
		// knows it; libbpf while reading the object, cilium/ebpf later.
		if m.Section != ".maps" {
			r.Flags &^= flagMmapable
		}
		out[mapKey(m)] = r
	}
	return out
}

func kindName(s *btf.Spec, id btf.ID) string {
	if id == 0 {
		return ""
	}
	return s.Kind(id).String() + " " + s.Name(id)
}

func ciliumMaps(spec *ebpf.CollectionSpec) map[string]mapRow {
	out := make(map[string]mapRow)
	for name, m := range spec.Maps {
		r := mapRow{Type: uint32(m.Type), Key: m.KeySize, Value: m.ValueSize, Max: m.MaxEntries, Flags: m.Flags, NUMA: m.NumaNode,
			Pin: uint32(m.Pinning), Extra: m.MapExtra, KeyType: ciliumKind(m.Key), ValueType: ciliumKind(m.Value)}
		if n := m.InnerMap; n != nil {
			r.Inner = fmt.Sprint(uint32(n.Type), n.KeySize, n.ValueSize, n.MaxEntries, n.Flags)
		}
		if m.Type == ebpf.PerfEventArray { // cilium/ebpf zeroes it and sets 4 again later
			r.Value = 4
		}
		for _, kv := range m.Contents {
			switch v := kv.Value.(type) {
			case string:
				r.Init = append(r.Init, fmt.Sprint(kv.Key, " ", v))
			case []byte:
				r.Contents = string(v)
			}
		}
		out[name] = r
	}
	return out
}

func ciliumKind(t cbtf.Type) string {
	switch t := t.(type) {
	case nil, *cbtf.Void:
		return ""
	case *cbtf.Int:
		return "int " + t.Name
	default:
		kind := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", t), "*btf."))
		return kind + " " + t.TypeName()
	}
}

func fmtInsn(i isa.Insn) string {
	return fmt.Sprintf("%02x r%d r%d off %d imm %d", i.Op, i.Dst, i.Src, i.Off, i.Imm)
}

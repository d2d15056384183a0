package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"skep/server/sandbox"
	"skep/verifier"
	"skep/vm/btf"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/vm/object"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

// record is a program of the corpus and what the kernel said of it.
type record struct {
	sandbox.Record
	File     string           `json:"file"`
	Name     string           `json:"name"`
	Section  string           `json:"section"`
	Tags     []string         `json:"tags"`             // what the test expects, as its annotations say
	Expect   json.RawMessage  `json:"expect,omitempty"` // the same of a program of test_verifier
	Level    string           `json:"level"`
	Features []string         `json:"features"`
	Kernel   *sandbox.Verdict `json:"kernel,omitempty"`
}

// kernel is the reference kernel's types and the file they are in.
type kernel struct {
	btfFile string
	types   *btf.Spec
}

func findKernel() (*kernel, error) {
	dir, err := sandbox.CacheDir()
	if err != nil {
		return nil, err
	}
	k := &kernel{btfFile: filepath.Join(dir, "kernel", sandbox.DefaultKernel, "btf")}
	b, err := os.ReadFile(k.btfFile)
	if err != nil {
		return nil, fmt.Errorf("no kernel: run skep sandbox install: %w", err)
	}
	k.types, err = btf.Parse(b)
	return k, err
}

// recordsOf are the programs of an object, those with expectations of an
// unprivileged user twice.
func recordsOf(path string, types *btf.Spec) ([]*record, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file := filepath.Base(path)
	obj, err := object.LoadNamed(b, file)
	if err != nil {
		return nil, err
	}
	src := protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b, Name: file}
	var out []*record
	for i := range obj.Programs {
		p := &obj.Programs[i]
		opts := verdict.Options{Relocate: func(o *object.Object) ([]object.Program, error) { return relocateOne(o, i, types) }}
		l, problems := verdict.Load(src, i, opts)
		if l == nil || l.Feature != "" {
			why := "not modelled"
			if l != nil {
				why = l.Feature
			} else if len(problems) > 0 {
				why = problems[0].Message
			}
			fmt.Fprintf(os.Stderr, "%s/%s: %s\n", file, p.Name, why)
			continue
		}
		tags := tagsOf(obj.BTF, p.Name)
		r := &record{File: file, Name: p.Name, Section: p.Section, Tags: tags, Record: *recordOf(l.Program)}
		r.ID, r.License, r.LogLevel = "new/"+file+"/"+p.Name, obj.License, verifier.LogLevel2|verifier.LogStats
		if r.ProgFlags, err = flagsOf(r.ProgFlags, tags); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		dropMaps(r)
		if types != nil && obj.BTF != nil {
			attachStructOps(r, obj, types)
		}
		out = append(out, r)
		for _, t := range tags {
			if strings.HasPrefix(t, "test_expect_") && strings.Contains(t, "_unpriv") {
				u := *r
				u.ID, u.Privileged = "new_unpriv/"+file+"/"+p.Name, new(bool)
				u.BTF, u.FuncInfo, u.LineInfo = "", nil, nil // only who has CAP_BPF loads BTF
				out = append(out, &u)
				break
			}
		}
	}
	return out, nil
}

// relocateOne adjusts one program of an object to the kernel, so that what the
// others ask for and the kernel lacks does not matter.
func relocateOne(o *object.Object, i int, types *btf.Spec) ([]object.Program, error) {
	prepareMaps(o)
	one, progs := *o, slices.Clone(o.Programs)
	one.Programs = progs[i : i+1]
	fixed, err := one.Relocate(types)
	if err != nil {
		return nil, err
	}
	progs[i] = fixed[0]
	return progs, nil
}

// prepareMaps gives the maps sizes that a test's user space would. No program
// refers to a struct_ops map, so anything will do for it.
func prepareMaps(o *object.Object) {
	for i := range o.Maps {
		m := &o.Maps[i]
		switch maps.Type(m.Type) {
		case maps.StructOps:
			*m = object.MapSpec{Name: m.Name, Section: m.Section, Type: uint32(maps.Array), KeySize: 4, ValueSize: 4, MaxEntries: 1}
		case maps.Ringbuf, maps.UserRingbuf:
			m.MaxEntries = max(m.MaxEntries, 4096)
		case maps.BloomFilter:
			m.ValueSize, m.MaxEntries = max(m.ValueSize, 4), max(m.MaxEntries, 1)
		case maps.Hash, maps.LRUHash:
			m.KeySize, m.ValueSize, m.MaxEntries = max(m.KeySize, 4), max(m.ValueSize, 4), max(m.MaxEntries, 1)
		}
	}
}

// attachStructOps says which member of which of the kernel's structs a program
// implements: what libbpf finds out from the variable that points to it.
func attachStructOps(r *record, obj *object.Object, types *btf.Spec) {
	for i := range obj.Maps {
		m := &obj.Maps[i]
		at := slices.IndexFunc(m.Init, func(s object.Slot) bool { return s.Program == r.Name })
		if maps.Type(m.Type) != maps.StructOps || at < 0 {
			continue
		}
		theirs := obj.BTF.Type(m.ValueType)
		name, _, _ := strings.Cut(theirs.Name(), "___")
		id, ok := types.Lookup(name, btf.KindStruct)
		if !ok {
			continue
		}
		ours := types.Type(id)
		for j := range theirs.Vlen() {
			member := theirs.Member(j)
			if member.Offset != m.Init[at].Index*8 {
				continue
			}
			for n := range ours.Vlen() {
				if ours.Member(n).Name == member.Name {
					r.AttachTo, r.ExpectedAttachType = name, uint32(n)
					return
				}
			}
		}
	}
}

// dropMaps takes away the maps that the program does not load.
func dropMaps(r *record) {
	all, _ := isa.DecodeAll(r.Insns)
	refs, kept, number := [][3]int{}, []sandbox.RecordMap(nil), map[int]int{}
	for i := 0; i < len(all); i++ {
		in := &all[i]
		if !in.IsWide() {
			continue
		}
		if from := int(in.Imm); in.Src == isa.PseudoMapFD || in.Src == isa.PseudoMapValue {
			n, known := number[from]
			if !known {
				n = len(kept)
				number[from] = n
				kept = append(kept, r.Maps[from])
			}
			in.Imm = int32(n)
			refs = append(refs, [3]int{i, n, int(in.Src)})
		}
		i++
	}
	r.Insns, r.Maps, r.MapRefs = isa.EncodeAll(all), kept, &refs
}

// recordOf is the program in the batch format.
func recordOf(p *verifier.Program) *sandbox.Record {
	r := &sandbox.Record{ProgType: p.Type.String(), ExpectedAttachType: uint32(p.Attach), ProgFlags: p.Flags, Insns: isa.EncodeAll(p.Insns),
		FuncInfo: p.FuncInfo, FuncInfoRecSize: uint32(p.FuncInfoSize), LineInfo: p.LineInfo, LineInfoRecSize: uint32(p.LineInfoSize), AttachTo: p.AttachTo}
	if p.BTF != nil {
		r.BTF = fmt.Sprintf("%x", p.BTF.Bytes())
	}
	for i := range p.Maps {
		r.Maps = append(r.Maps, recordMap(&p.Maps[i]))
	}
	refs := func(in []verifier.Symbol) (out []sandbox.SymbolRef) {
		for _, s := range in {
			out = append(out, sandbox.SymbolRef{Insn: s.Insn, ID: s.ID, Name: s.Name})
		}
		return out
	}
	r.SetRefs(refs(p.Kfuncs), refs(p.Ksyms))
	return r
}

func recordMap(m *verifier.MapInfo) sandbox.RecordMap {
	r := sandbox.RecordMap{Name: m.Name, Type: m.Type.String(), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
		MapFlags: m.Flags, MapExtra: m.Extra, KeyTypeID: uint32(m.KeyType), ValueTypeID: uint32(m.ValueType), Data: m.Data, Frozen: m.Frozen}
	if m.BTF != nil {
		r.BTF = fmt.Sprintf("%x", m.BTF.Bytes())
	}
	if m.Inner != nil {
		in := recordMap(m.Inner)
		r.Inner = &in
	}
	return r
}

// tagsOf are the annotations of a test's function: its declaration tags that
// begin with "comment:".
func tagsOf(spec *btf.Spec, fn string) []string {
	tags := []string{}
	if spec == nil {
		return tags
	}
	id, ok := spec.Lookup(fn, btf.KindFunc)
	if !ok {
		return tags
	}
	for t := range spec.All() {
		if t.Kind() == btf.KindDeclTag && t.Target() == id && t.Component() < 0 {
			if tag, ok := strings.CutPrefix(t.Name(), "comment:"); ok {
				tags = append(tags, tag)
			}
		}
	}
	return tags
}

// progFlags are the names that annotations use (UAPI linux/bpf.h).
var progFlags = map[string]uint32{
	"BPF_F_STRICT_ALIGNMENT": 1 << 0, "BPF_F_ANY_ALIGNMENT": 1 << 1, "BPF_F_TEST_RND_HI32": 1 << 2, "BPF_F_TEST_STATE_FREQ": 1 << 3,
	"BPF_F_SLEEPABLE": 1 << 4, "BPF_F_XDP_HAS_FRAGS": 1 << 5, "BPF_F_TEST_REG_INVARIANTS": 1 << 7,
}

// flagsOf adds the flags that annotations ask for, and takes away those with !.
func flagsOf(flags uint32, tags []string) (uint32, error) {
	for _, t := range tags {
		name, ok := strings.CutPrefix(t, "test_prog_flags=")
		if !ok {
			continue
		}
		name, clear := strings.CutPrefix(name, "!")
		f, ok := progFlags[name]
		if !ok {
			n, err := strconv.ParseUint(name, 0, 32)
			if err != nil {
				return 0, fmt.Errorf("program flag %q: %w", name, err)
			}
			f = uint32(n)
		}
		if clear {
			flags &^= f
		} else {
			flags |= f
		}
	}
	return flags, nil
}

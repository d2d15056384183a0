package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"skep/server/sandbox"
	"skep/verifier"
	"skep/vm/btf"
	"skep/vm/isa"
	"skep/vm/object"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

// record is a program of the corpus and what the kernel said of it.
type record struct {
	sandbox.Record
	File    string           `json:"file"`
	Name    string           `json:"name"`
	Section string           `json:"section"`
	Tags    []string         `json:"tags"` // what the test expects, as its annotations say
	Kernel  *sandbox.Verdict `json:"kernel,omitempty"`
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
	opts := verdict.Options{Relocate: func(o *object.Object) ([]object.Program, error) { return o.Relocate(types) }}
	var out []*record
	for i := range obj.Programs {
		p := &obj.Programs[i]
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

// ask fills in what the kernel says.
func ask(ctx context.Context, records []*record) error {
	m, err := sandbox.NewManager(sandbox.Config{})
	if err != nil {
		return err
	}
	defer m.Close()
	var in, out bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, r := range records {
		if err := enc.Encode(&r.Record); err != nil {
			return err
		}
	}
	if err := sandbox.Batch(ctx, m, sandbox.DefaultKernel, &in, &out, sandbox.BatchOptions{LogLevel: -1, LogMax: 64 << 10}); err != nil {
		return err
	}
	s := bufio.NewScanner(&out)
	s.Buffer(nil, 64<<20)
	for i := 0; s.Scan(); i++ {
		if i == len(records) {
			return errors.New("more verdicts than programs")
		}
		records[i].Kernel = new(sandbox.Verdict)
		if err := json.Unmarshal(s.Bytes(), records[i].Kernel); err != nil {
			return fmt.Errorf("verdict: %w", err)
		}
	}
	return s.Err()
}

package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"skep/server/sandbox"
	"skep/verifier"
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/maps"
)

//go:embed driver/driver.c
var driver []byte

// testVerifier are the programs of test_verifier, which are C arrays: the
// compiler reads them (driver/driver.c), and a process prints them.
func (t tree) testVerifier(ctx context.Context, clang string, types *btf.Spec) ([]*record, error) {
	dir := t.path("driver")
	if err := os.MkdirAll(filepath.Join(dir, "verifier"), 0o755); err != nil {
		return nil, err
	}
	arrays, err := filepath.Glob(t.path(selftests, "verifier", "*.c"))
	if err != nil {
		return nil, err
	}
	var list strings.Builder // what the tests' Makefile generates, in the same order
	for _, a := range arrays {
		fmt.Fprintf(&list, "#include %q\n", filepath.Base(a))
	}
	if err := os.WriteFile(filepath.Join(dir, "verifier", "tests.h"), []byte(list.String()), 0o644); err != nil {
		return nil, err
	}
	src, exe := filepath.Join(dir, "driver.c"), filepath.Join(dir, "driver")
	if err := os.WriteFile(src, driver, 0o644); err != nil {
		return nil, err
	}
	if _, err := command(ctx, "", clang, "-O1", "-w", "-std=gnu11", "-D_GNU_SOURCE", "-I"+dir, "-I"+t.path(selftests), "-I"+t.path(selftests, "verifier"),
		"-I"+t.path("include"), "-I"+t.path("tools/include"), "-I"+t.path("tools/include/uapi"), "-o", exe, src); err != nil {
		return nil, fmt.Errorf("test_verifier: %w", err)
	}
	out, err := command(ctx, "", exe)
	if err != nil {
		return nil, fmt.Errorf("test_verifier: %w", err)
	}
	return arrayRecords(out, types)
}

// array is a line of the driver's output.
type array struct {
	Index              int             `json:"index"`
	Name               string          `json:"name"`
	Privileged         bool            `json:"privileged"`
	Type               uint32          `json:"type"`
	ExpectedAttachType uint32          `json:"expected_attach_type"`
	ProgFlags          uint32          `json:"prog_flags"`
	AttachTo           string          `json:"attach_to"`
	Expect             json.RawMessage `json:"expect"`
	MapRefs            [][3]int        `json:"map_refs"`
	Kfuncs             []struct {
		Insn int    `json:"insn"`
		Name string `json:"name"`
	} `json:"kfuncs"`
	Insns           sandbox.Hex `json:"insns"`
	BTF             string      `json:"btf"`
	FuncInfo        sandbox.Hex `json:"func_info"`
	FuncInfoRecSize uint32      `json:"func_info_rec_size"`
	Maps            []arrayMap  `json:"maps"`
}

// arrayMap has the number of its type where a record has its name.
type arrayMap struct {
	sandbox.RecordMap
	MapType uint32    `json:"map_type"`
	Inner   *arrayMap `json:"inner"`
}

func (m *arrayMap) record() sandbox.RecordMap {
	r := m.RecordMap
	r.Type = maps.Type(m.MapType).String()
	if m.Inner != nil {
		in := m.Inner.record()
		r.Inner = &in
	}
	return r
}

// arrayRecords reads what the driver printed. A call of a kernel function that
// the kernel lacks stays a call of function 0, as in the test.
func arrayRecords(lines []byte, types *btf.Spec) ([]*record, error) {
	var out []*record
	s := bufio.NewScanner(bytes.NewReader(lines))
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		var a array
		if err := json.Unmarshal(s.Bytes(), &a); err != nil {
			return nil, fmt.Errorf("test_verifier: %w", err)
		}
		r := &record{Name: a.Name, Tags: []string{}, Expect: a.Expect, Record: sandbox.Record{
			ProgType: hook.ProgType(a.Type).String(), ExpectedAttachType: a.ExpectedAttachType, ProgFlags: a.ProgFlags, License: "GPL",
			LogLevel: verifier.LogLevel2 | verifier.LogStats, MapRefs: &a.MapRefs, Insns: a.Insns, AttachTo: a.AttachTo,
			BTF: a.BTF, FuncInfo: a.FuncInfo, FuncInfoRecSize: a.FuncInfoRecSize}}
		suite := "old"
		if !a.Privileged {
			suite, r.Privileged = "old_unpriv", new(bool)
		}
		r.ID = fmt.Sprintf("%s/test_verifier/%s/%d", suite, a.Name, a.Index)
		for i := range a.Maps {
			r.Maps = append(r.Maps, a.Maps[i].record())
		}
		var kfuncs []sandbox.SymbolRef
		for _, k := range a.Kfuncs {
			if id, ok := types.Lookup(k.Name, btf.KindFunc); ok {
				kfuncs = append(kfuncs, sandbox.SymbolRef{Insn: k.Insn, ID: uint32(id), Name: k.Name})
			}
		}
		r.SetRefs(kfuncs, nil)
		out = append(out, r)
	}
	return out, s.Err()
}

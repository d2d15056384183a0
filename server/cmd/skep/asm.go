package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"skep/vm/asm"
	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/isa"
	"skep/vm/source"
)

// names resolves helpers by the table of package helper.
var names = &asm.Resolver{
	HelperName: func(id int32) string {
		if p := helper.Lookup(int(id)); p != nil {
			return "bpf_" + strings.TrimPrefix(p.Name, "bpf_")
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

// record is a program of the batch format, as far as text can say it.
type record struct {
	ID       string      `json:"id"`
	ProgType string      `json:"prog_type"`
	License  string      `json:"license"`
	LogLevel int         `json:"log_level"`
	Maps     []recordMap `json:"maps"`
	Insns    string      `json:"insns"`
	BTF      string      `json:"btf,omitempty"`       // of callbacks
	FuncInfo string      `json:"func_info,omitempty"` // hex, 8 bytes a function
}

type recordMap struct {
	Name       string `json:"name"`
	Type       string `json:"type"`
	KeySize    uint32 `json:"key_size"`
	ValueSize  uint32 `json:"value_size"`
	MaxEntries uint32 `json:"max_entries"`
	MapFlags   uint32 `json:"map_flags,omitempty"`
	BTF        string `json:"btf,omitempty"`
	KeyType    btf.ID `json:"key_type_id,omitempty"`
	ValueType  btf.ID `json:"value_type_id,omitempty"`
}

func runAsm(_ context.Context, sh *shell, args []string) int {
	fs := sh.flags("asm", "[-dialect D] [-o FILE] [--json] FILE",
		"Assembles FILE to bytecode, 8 bytes an instruction, little endian. With --json the\nprogram and its maps are one record of the batch format, for skep run --batch.")
	name := fs.String("dialect", "kernel", "kernel, llvm or conformance")
	out := fs.String("o", "", "write to this file instead of standard output")
	asJSON := fs.Bool("json", false, "print a batch record instead of bytes")
	files, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	dialect, known := asm.DialectByName(*name)
	switch {
	case len(files) != 1:
		return sh.broken("asm", fmt.Errorf("one FILE is needed, or - for standard input"))
	case !known:
		return sh.broken("asm", fmt.Errorf("there is no dialect %q: kernel, llvm and conformance are known", *name))
	}
	src, err := sh.read(files[0])
	if err != nil {
		return sh.broken("asm", err)
	}
	res := asm.Assemble(string(src), asm.Options{Dialect: dialect, Resolver: names})
	if len(res.Errors) > 0 {
		sh.sourceErrors(files[0], string(src), res.Errors)
		return exitUsage
	}
	b := isa.EncodeAll(res.Insns)
	if *asJSON {
		b = marshal(toRecord(files[0], res))
	}
	if *out != "" {
		err = os.WriteFile(*out, b, 0o644)
	} else {
		_, err = sh.out.Write(b)
	}
	if err != nil {
		return sh.broken("asm", err)
	}
	return exitOK
}

// sourceErrors prints errors the way compilers do, with the line and a mark.
func (sh *shell) sourceErrors(file, src string, errs []asm.Error) {
	lines := strings.Split(src, "\n")
	for _, e := range errs {
		fmt.Fprintf(sh.err, "%s:%d:%d: %s\n", file, e.Line, e.Col, e.Msg)
		if e.Line >= 1 && e.Line <= len(lines) {
			line := strings.ReplaceAll(strings.TrimRight(lines[e.Line-1], "\r"), "\t", " ")
			fmt.Fprintf(sh.err, "\t%s\n\t%s%s\n", line, strings.Repeat(" ", max(e.Col-1, 0)), strings.Repeat("^", max(e.Len, 1)))
		}
		if e.Hint != "" {
			fmt.Fprintf(sh.err, "\thint: %s\n", e.Hint)
		}
	}
}

func toRecord(id string, res *asm.Result) record {
	r := record{ID: id, ProgType: res.ProgType, License: res.License, LogLevel: 1, Maps: []recordMap{}, Insns: hex.EncodeToString(isa.EncodeAll(res.Insns))}
	if r.ProgType == "" {
		r.ProgType = "xdp"
	}
	if r.License == "" {
		r.License = "GPL"
	}
	types := source.MakeTypes(res)
	blob := ""
	if types.Spec != nil {
		blob = hex.EncodeToString(types.Spec.Bytes())
	}
	for i, m := range res.Maps {
		rm := recordMap{Name: m.Name, Type: m.Type, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.Entries, MapFlags: m.Flags}
		if t := types.Maps[i]; t.Value != 0 {
			rm.BTF, rm.KeyType, rm.ValueType = blob, t.Key, t.Value
		}
		r.Maps = append(r.Maps, rm)
	}
	if len(types.Funcs) > 0 {
		var info []byte
		for _, f := range types.Funcs {
			info = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(info, f.Insn), uint32(f.Type))
		}
		r.BTF, r.FuncInfo = blob, hex.EncodeToString(info)
	}
	return r
}

// marshal is one line of JSON. The types given to it cannot fail.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("skep: " + err.Error())
	}
	return append(b, '\n')
}

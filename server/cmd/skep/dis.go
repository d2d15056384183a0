package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"skep/vm/asm"
	"skep/vm/isa"
	"skep/vm/object"
)

// listing is one program as text, for --json.
type listing struct {
	Program string        `json:"program,omitempty"`
	Section string        `json:"section,omitempty"`
	Insns   []listingInsn `json:"insns"`
}

type listingInsn struct {
	PC     int    `json:"pc"`
	Bytes  string `json:"bytes"`
	Text   string `json:"text"`
	Source string `json:"source,omitempty"`
	Func   string `json:"func,omitempty"`
}

func runDis(_ context.Context, sh *shell, args []string) int {
	fs := sh.flags("dis", "[-dialect D] [-x] [--json] FILE",
		"Prints FILE as text: an object file of clang (all its programs, with source lines)\nor bytecode, 8 bytes an instruction; -x reads the bytecode as hex.")
	name := fs.String("dialect", "kernel", "kernel, llvm or conformance")
	isHex := fs.Bool("x", false, "FILE is hex text")
	asJSON := fs.Bool("json", false, "print JSON")
	files, code, ok := parse(fs, args)
	if !ok {
		return code
	}
	dialect, known := asm.DialectByName(*name)
	switch {
	case len(files) != 1:
		return sh.broken("dis", fmt.Errorf("one FILE is needed, or - for standard input"))
	case !known:
		return sh.broken("dis", fmt.Errorf("there is no dialect %q: kernel, llvm and conformance are known", *name))
	}
	b, err := sh.read(files[0])
	if err != nil {
		return sh.broken("dis", err)
	}
	if *isHex {
		if b, err = hex.DecodeString(string(bytes.Join(bytes.Fields(b), nil))); err != nil {
			return sh.broken("dis", fmt.Errorf("%s: hex: %w", files[0], err))
		}
	}
	lists, err := disassemble(b, dialect)
	if err != nil {
		return sh.broken("dis", fmt.Errorf("%s: %w", files[0], err))
	}
	for i, l := range lists {
		if *asJSON {
			sh.out.Write(marshal(l))
			continue
		}
		if l.Program != "" {
			if i > 0 {
				fmt.Fprintln(sh.out)
			}
			fmt.Fprintf(sh.out, "; program %s, section %s\n", l.Program, l.Section)
		}
		for _, n := range l.Insns {
			if n.Func != "" {
				fmt.Fprintf(sh.out, "%s:\n", n.Func)
			}
			if n.Source != "" {
				fmt.Fprintf(sh.out, "; %s\n", n.Source)
			}
			fmt.Fprintf(sh.out, "%5d: %s\n", n.PC, n.Text)
		}
	}
	return exitOK
}

func disassemble(b []byte, d asm.Dialect) ([]listing, error) {
	if !bytes.HasPrefix(b, []byte("\x7fELF")) {
		insns, err := isa.DecodeAll(b)
		if err != nil {
			return nil, err
		}
		return []listing{{Insns: lines(insns, d, names)}}, nil
	}
	obj, err := object.Load(b)
	if err != nil {
		return nil, err
	}
	var all []listing
	for i := range obj.Programs {
		p := &obj.Programs[i]
		r := *names
		r.MapName = func(imm int32) string {
			if imm >= 0 && int(imm) < len(obj.Maps) {
				return obj.Maps[imm].Name
			}
			return ""
		}
		l := listing{Program: p.Name, Section: p.Section, Insns: lines(p.Insns, d, &r)}
		byPC := map[int]*listingInsn{}
		for j := range l.Insns {
			byPC[l.Insns[j].PC] = &l.Insns[j]
		}
		for _, f := range p.Funcs {
			if n := byPC[f.Start]; n != nil {
				n.Func = f.Name
			}
		}
		for _, li := range p.LineInfo {
			if n := byPC[int(li.Insn)]; n != nil {
				n.Source = strings.TrimSpace(obj.BTF.Line(li).Text)
			}
		}
		all = append(all, l)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the object has no programs")
	}
	return all, nil
}

func lines(insns []isa.Insn, d asm.Dialect, r *asm.Resolver) []listingInsn {
	list := make([]listingInsn, 0, len(insns))
	for pc := 0; pc < len(insns); pc++ {
		n := 1
		if insns[pc].IsWide() && pc+1 < len(insns) {
			n = 2
		}
		list = append(list, listingInsn{PC: pc, Bytes: hex.EncodeToString(isa.EncodeAll(insns[pc : pc+n])), Text: asm.Text(d, insns, pc, r)})
		pc += n - 1
	}
	return list
}

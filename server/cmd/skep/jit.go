package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"skep/jit"
	"skep/jit/amd64"
	"skep/jit/arm64"
	"skep/jit/native"
	"skep/jit/wasm"
	"skep/verifier"
	"skep/vm"
	"skep/vm/asm"
	"skep/vm/isa"
	"skep/wasm/compiled"
	"skep/wasm/listing/disasm"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

// jitLine is an instruction with its code, for --json.
type jitLine struct {
	Slot  int       `json:"slot"` // the number of slots: what lies behind the program
	Text  string    `json:"text"`
	Bytes string    `json:"bytes"`
	Code  []string  `json:"code,omitempty"`
	Notes []jitNote `json:"notes,omitempty"`
}

type jitNote struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

func runJIT(ctx context.Context, sh *shell, args []string) int {
	fs := sh.flags("jit", "[-arch A] [-facts FILE|verify] [-blind N] [--json] FILE",
		"Compiles FILE (an object of clang, or assembly) and prints the code beside the bytecode, with\nwhat was fused, what was done in place and which checks were dropped.")
	arch := fs.String("arch", "amd64", "amd64, arm64 or wasm")
	prog := fs.String("prog", "", "name of the program in the object; the first otherwise")
	factsFlag := fs.String("facts", "", factsHelp)
	verify := fs.Bool("verify", false, "the same as -facts verify")
	blind := fs.Uint64("blind", 0, "hide constants behind numbers made from this seed")
	plain := fs.Bool("plain", false, "no fusions and no lookups in place")
	asJSON := fs.Bool("json", false, "a line of JSON an instruction")
	files, code, ok := parse(fs, args)
	switch {
	case !ok:
		return code
	case len(files) != 1:
		return sh.broken("jit", errors.New("one FILE is needed"))
	case *verify && *factsFlag != "":
		return sh.broken("jit", errors.New("facts come from -verify or from -facts, not both"))
	}
	if *verify {
		*factsFlag = factsVerify
	}
	target, err := targetOf(*arch)
	if err != nil {
		return sh.broken("jit", err)
	}
	p, err := sh.loadProgram(ctx, files[0], *prog)
	if err != nil {
		return sh.broken("jit", err)
	}
	facts, err := sh.facts("jit", *factsFlag, p, 1)
	if err != nil {
		return sh.broken("jit", err)
	}
	m, err := compiled.Machine(p, vm.Config{NoHistory: true})
	if err != nil {
		return sh.broken("jit", err)
	}
	c, err := jit.Compile(compiled.Program(m, 0), target, facts, jit.Options{NoFusion: *plain, NoInline: *plain, Blind: *blind})
	if err != nil {
		return sh.broken("jit", err)
	}
	for _, l := range codeListing(p.Insns, c) {
		if *asJSON {
			sh.out.Write(marshal(l))
		} else {
			sh.printCode(l)
		}
	}
	return exitOK
}

// targetOf is what code is printed for: this machine where it is of the
// architecture, else one with everything.
func targetOf(arch string) (jit.Target, error) {
	if t, err := native.Target(); err == nil && arch == t.Arch.String() {
		return t, nil
	}
	switch arch {
	case "amd64":
		return jit.Target{Arch: jit.AMD64, AMD64: amd64.Features{BMI2: true, GS: true}}, nil
	case "arm64":
		return jit.Target{Arch: jit.ARM64, ARM64: arm64.Features{LSE: true}}, nil
	case "wasm":
		return jit.Target{Arch: jit.WASM, WASM: wasm.Target{Base: 1 << 16, Context: 1 << 15}}, nil
	}
	return jit.Target{}, fmt.Errorf("there is no architecture %q: amd64, arm64 and wasm are known", arch)
}

// loadProgram loads one program of an object, of C in a file that ends in .c, or
// assembly, as the verifier would see it.
func (sh *shell) loadProgram(ctx context.Context, file, prog string) (*verifier.Program, error) {
	b, err := sh.read(file)
	if err == nil && filepath.Ext(file) == ".c" {
		if b, err = compileC(ctx, string(b)); err != nil {
			err = fmt.Errorf("%s: %w", file, err)
		}
	}
	if err != nil {
		return nil, err
	}
	src := protocol.WireSource{Kind: protocol.SourceKindAsm, Text: string(b), Name: filepath.Base(file)}
	if bytes.HasPrefix(b, []byte("\x7fELF")) {
		src.Kind, src.Text, src.Bytes = protocol.SourceKindObject, "", b
	}
	var names []string
	for i := 0; ; i++ {
		l, problems := verdict.Load(src, i, verdict.Options{Relocate: relocate})
		switch {
		case l == nil && i > 0:
			return nil, fmt.Errorf("%s: no program %q; there are %s", file, prog, strings.Join(names, ", "))
		case l == nil:
			return nil, fmt.Errorf("%s:%w", file, problemError(problems))
		case prog != "" && l.Name != prog && !slices.Contains(names, l.Name):
			names = append(names, l.Name)
			continue
		case prog != "" && l.Name != prog:
			return nil, fmt.Errorf("%s: no program %q; there are %s", file, prog, strings.Join(names, ", "))
		case l.Feature != "":
			return nil, fmt.Errorf("%s: it needs what the loader does not model: %s", file, l.Feature)
		}
		return l.Program, nil
	}
}

// Texts of code that is of no instruction.
const (
	textEntry  = "(entry)"
	textBehind = "(out of line)"
)

// codeListing puts the code of each instruction beside it. What a fusion covers has
// none of its own; what checks do when they fail stands behind the end.
func codeListing(insns []isa.Insn, c *jit.Code) []jitLine {
	type piece struct{ slot, at, end int }
	var pieces []piece
	for slot, at := range c.Offset {
		if at >= 0 {
			pieces = append(pieces, piece{slot: slot, at: int(at)})
		}
	}
	ends := []int{len(c.Text)}
	if c.Native != nil {
		pieces = append(pieces, piece{slot: len(insns), at: int(c.Native.Offset[len(c.Native.Offset)-1])})
	} else {
		ends = ends[:0]
		for _, b := range c.Portable.Bodies {
			ends = append(ends, b.End)
		}
		pieces = append(pieces, piece{slot: -1, at: c.Portable.Bodies[0].Start})
	}
	slices.SortStableFunc(pieces, func(a, b piece) int { return cmp.Compare(a.at, b.at) })
	for i := range pieces {
		n, _ := slices.BinarySearch(ends, pieces[i].at+1)
		pieces[i].end = ends[min(n, len(ends)-1)]
		if i+1 < len(pieces) {
			pieces[i].end = min(pieces[i].end, pieces[i+1].at)
		}
	}
	var lines []jitLine
	for slot := -1; slot <= len(insns); slot++ {
		l := jitLine{Slot: slot, Text: textEntry}
		i := slices.IndexFunc(pieces, func(p piece) bool { return p.slot == slot })
		switch {
		case slot == len(insns):
			l.Text = textBehind
		case slot >= 0:
			l.Text = string(asm.AppendKernel(nil, insns, slot, nil))
		}
		if i >= 0 {
			at, end := pieces[i].at, pieces[i].end
			l.Bytes, l.Code = hex.EncodeToString(c.Text[at:end]), codeText(c, at, end)
		}
		for _, n := range c.Notes {
			if n.Slot == slot {
				l.Notes = append(l.Notes, jitNote{n.Kind.String(), n.Text})
			}
		}
		if i >= 0 || slot >= 0 && slot < len(insns) {
			lines = append(lines, l)
		}
		if slot >= 0 && slot < len(insns) && insns[slot].IsWide() {
			slot++
		}
	}
	return lines
}

// codeText is the instructions of the code between two offsets.
func codeText(c *jit.Code, at, end int) (out []string) {
	for at < end {
		in := c.Text[at:end]
		var d disasm.Insn
		switch c.Target.Arch {
		case jit.AMD64:
			d = disasm.AMD64(in, at)
		case jit.ARM64:
			d = disasm.ARM64(in, at)
		default:
			d = disasm.WASM(in)
		}
		out = append(out, fmt.Sprintf("%3x: %s", at, d.Text))
		at += d.Size
	}
	return out
}

func (sh *shell) printCode(l jitLine) {
	switch l.Text {
	case textEntry, textBehind:
		fmt.Fprintln(sh.out, l.Text)
	default:
		fmt.Fprintf(sh.out, "%4d: %s\n", l.Slot, l.Text)
	}
	for _, n := range l.Notes {
		fmt.Fprintf(sh.out, "          ; %s: %s\n", n.Kind, n.Text)
	}
	for _, c := range l.Code {
		fmt.Fprintf(sh.out, "            %s\n", c)
	}
}

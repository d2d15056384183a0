package asm

import (
	"bytes"
	"debug/elf"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"skep/vm/isa"
)

// tool finds a program of LLVM, or skips the test.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed (apt install clang-19 llvm-19)", name)
	}
	return path
}

var (
	objdumpLine = regexp.MustCompile(`^\s*(\d+):\s((?:[0-9a-f]{2} )+[0-9a-f]{2})\s+(.*)$`)
	objdumpName = regexp.MustCompile(` <[^<> ]*>$`)
)

// objdumpLines calls each with the slots and the text of each instruction.
func objdumpLines(t *testing.T, object string, each func(prog []isa.Insn, text string)) {
	t.Helper()
	out, err := exec.Command(tool(t, "llvm-objdump-19"), "-d", object).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(out), "\n") {
		m := objdumpLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		var code []byte
		for _, h := range strings.Fields(m[2]) {
			code = append(code, unhex(h[0])<<4|unhex(h[1]))
		}
		prog, err := isa.DecodeAll(code)
		if err != nil {
			t.Fatal(err)
		}
		each(prog, m[3])
	}
}

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// Objects that clang makes are printed as llvm-objdump prints them, and its
// text is read.
func TestLLVMObjects(t *testing.T) {
	clang := tool(t, "clang-19")
	dir := t.TempDir()
	sources, err := filepath.Glob("testdata/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	lines := 0
	for _, src := range sources {
		for _, cpu := range []string{"v1", "v2", "v3", "v4"} {
			object := filepath.Join(dir, filepath.Base(src)+cpu+".o")
			if out, err := exec.Command(clang, "-target", "bpf", "-mcpu="+cpu, "-O2", "-g", "-c", src, "-o", object).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", src, err, out)
			}
			objdumpLines(t, object, func(prog []isa.Insn, text string) {
				lines++
				text = objdumpName.ReplaceAllString(text, "")
				got := Text(LLVM, prog, 0, nil)
				if prog[0].Op == isa.ClassJMP|isa.JmpCall && prog[0].Src == isa.PseudoCall {
					got = strings.Replace(strings.Replace(got, "pc+", "", 1), "pc-", "-", 1)
				}
				if got != text {
					t.Errorf("%s %s:\n got %q\nllvm %q", src, cpu, got, text)
				}
				if prog[0].Op == isa.ClassJMP|isa.JmpCall {
					return // llvm-objdump's text of calls is ambiguous
				}
				res := Assemble(text, Options{Dialect: LLVM})
				if len(res.Errors) > 0 || !bytes.Equal(isa.EncodeAll(res.Insns), isa.EncodeAll(prog)) {
					t.Errorf("%s %s: %q is read as %x %v, want %x", src, cpu, text, isa.EncodeAll(res.Insns), res.Errors, isa.EncodeAll(prog))
				}
			})
		}
	}
	t.Logf("%d lines compared", lines)
	if lines < 400 {
		t.Errorf("only %d lines compared", lines)
	}
}

// Every row of the instruction table is printed as llvm-objdump prints it, but
// for those that LLVM 19 does not know or prints without all of its operands.
func TestLLVMRows(t *testing.T) {
	mc := tool(t, "llvm-mc-19")
	dir := t.TempDir()
	var src strings.Builder
	src.WriteString("f:\n")
	for n := range isa.Table {
		i := goldenInsn(&isa.Table[n])
		for _, b := range isa.EncodeAll(i) {
			src.WriteString(".byte " + itoa(int(b)) + "\n")
		}
	}
	asmFile, object := filepath.Join(dir, "rows.s"), filepath.Join(dir, "rows.o")
	if err := os.WriteFile(asmFile, []byte(src.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mc, "-triple=bpfel", "-filetype=obj", asmFile, "-o", object).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n, equal, unknown := 0, 0, 0
	objdumpLines(t, object, func(prog []isa.Insn, text string) {
		row := &isa.Table[n]
		n++
		text = objdumpName.ReplaceAllString(text, "")
		got := Text(LLVM, prog, 0, nil)
		switch {
		case text == "<unknown>":
			unknown++
		case row.Form == isa.FormCallLocal, row.Form == isa.FormCallKfunc, row.Form == isa.FormInd:
			// See appendLLVM: ours says more.
		case row.Form == isa.FormWide && prog[0].Src != 0:
			if !strings.HasPrefix(got, text) {
				t.Errorf("%v %s: got %q, llvm %q", row.Kind, row.Name, got, text)
			}
		case row.Since == "6.15" || row.Kind == isa.KindAtomicFetchAdd32:
			// LLVM 19 takes these for lock add.
		case got != text:
			t.Errorf("%v %s: got %q, llvm %q", row.Kind, row.Name, got, text)
		default:
			equal++
		}
	})
	if n != len(isa.Table) {
		t.Errorf("%d of %d rows came back", n, len(isa.Table))
	}
	t.Logf("%d rows equal, %d unknown to llvm-objdump-19", equal, unknown)
}

// LLVM's assembler reads what is printed, as the same bytes: random operands in
// each row that it knows.
func TestLLVMReads(t *testing.T) {
	mc := tool(t, "llvm-mc-19")
	rnd := rand.New(rand.NewSource(4))
	var src strings.Builder
	var want []byte
	for n := range isa.Table {
		row := &isa.Table[n]
		switch row.Form {
		case isa.FormCallLocal, isa.FormCallKfunc: // printed with our words
			continue
		case isa.FormWide:
			if row.Src != 0 {
				continue
			}
		}
		if row.Since == "6.15" || row.Kind == isa.KindGotox || row.Kind == isa.KindCallReg {
			continue // LLVM 19 has not got the first ones, and callx as of gcc only
		}
		for range 20 {
			prog := example(row, rnd)
			if row.Form == isa.FormInd {
				prog[0].Imm = 0 // LLVM has no word for it
			}
			if row.Form == isa.FormGotol {
				prog[0].Imm = int32(int16(prog[0].Imm)) // its assembler takes no more
			}
			src.WriteString(Text(LLVM, prog, 0, nil) + "\n")
			want = append(want, isa.EncodeAll(prog)...)
		}
	}
	dir := t.TempDir()
	asmFile, object := filepath.Join(dir, "f.s"), filepath.Join(dir, "f.o")
	if err := os.WriteFile(asmFile, []byte(src.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mc, "-triple=bpfel", "-mcpu=v4", "-filetype=obj", asmFile, "-o", object).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%.2000s", err, out)
	}
	f, err := elf.Open(object)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := f.Section(".text").Data()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("%d bytes, want %d", len(got), len(want))
	}
	lines := strings.Split(src.String(), "\n")
	line := 0
	for at := 0; at < len(want); at, line = at+8, line+1 {
		n := 8
		if want[at] == isa.ClassLD|isa.ModeImm|isa.SizeDW {
			n = 16
		}
		if !bytes.Equal(got[at:at+n], want[at:at+n]) {
			t.Errorf("%q: LLVM reads % x, we write % x", lines[line], got[at:at+n], want[at:at+n])
		}
		at += n - 8
	}
	t.Logf("%d instructions are read as they were", line)
}

// goldenInsn is the example of a row in testdata/insns.txt.
func goldenInsn(row *isa.Row) []isa.Insn {
	i := isa.Insn{Op: row.Op, Src: row.Src, Off: row.Off, Imm: row.Imm}
	if row.Use.Dst() {
		i.Dst = 1
	}
	if row.Use.Src() {
		i.Src = 2
	}
	if row.Use.Off() {
		i.Off = -5
	}
	if row.Use.Imm() {
		i.Imm = -20
	}
	if row.Form == isa.FormWide {
		return []isa.Insn{i, {Imm: 7}}
	}
	return []isa.Insn{i}
}

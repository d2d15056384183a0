package asm

import (
	"os"
	"path/filepath"
	"testing"

	"skep/vm/isa"
)

// Any text gives a result; what assembles survives the listing.
func FuzzAssemble(f *testing.F) {
	for _, src := range []string{teaching, "mov %r0, 1\nexit", "r1 = counts ll; exit", "0: (b7) r0 = 1", "lock", "\"", "/*", "call local f\nf: exit",
		"if r1 s>= -5 goto +1", "r0 = *(u8 *)skb[r1 + 4]", "ld_pseudo r1, 0x2, 0x5, 7", "%", "r1 = map[", ".insn 1", "addr_space_cast %r1, %r2, 0, 1"} {
		for d := range numDialects {
			f.Add(uint8(d), src)
		}
	}
	f.Fuzz(func(t *testing.T, dialect uint8, src string) {
		d := Dialect(dialect % uint8(numDialects))
		res := Assemble(src, Options{Dialect: d, Resolver: testResolver(), Externs: dialect&0x80 != 0})
		Detect(src)
		if len(res.Lines) != len(res.Insns) {
			t.Fatalf("%d positions of %d slots", len(res.Lines), len(res.Insns))
		}
		for _, e := range res.Errors {
			if e.Line < 1 || e.Col < 1 || e.Len < 0 || e.Msg == "" {
				t.Fatalf("%+v", e)
			}
		}
		for _, fn := range res.Funcs {
			if fn.Start < 0 || fn.Start >= fn.End || fn.End > len(res.Insns) {
				t.Fatalf("%+v of %d slots", fn, len(res.Insns))
			}
		}
		if len(res.Errors) > 0 {
			return
		}
		for d := range numDialects {
			text := Disassemble(d, res.Insns, nil)
			back := Assemble(text, Options{Dialect: d})
			if len(back.Errors) > 0 || string(isa.EncodeAll(back.Insns)) != string(isa.EncodeAll(res.Insns)) {
				t.Fatalf("%v: %v\n%s", d, back.Errors, text)
			}
		}
	})
}

// Any bytes are printed, and come back.
func FuzzDisassemble(f *testing.F) {
	for n := range isa.Table {
		f.Add(isa.EncodeAll(goldenInsn(&isa.Table[n])))
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		prog, err := isa.DecodeAll(code[:len(code)&^7])
		if err != nil || len(prog) > 4096 {
			return
		}
		for pc := range prog {
			AppendKernel(nil, prog, pc, nil)
		}
		for d := range numDialects {
			text := Disassemble(d, prog, testResolver())
			back := Assemble(text, Options{Dialect: d, Resolver: testResolver()})
			if len(back.Errors) > 0 || string(isa.EncodeAll(back.Insns)) != string(isa.EncodeAll(prog)) {
				t.Fatalf("%v: %v\n%s", d, back.Errors, text)
			}
		}
	})
}

// testdata/insns.txt has a line for each row of the instruction table: bytes
// and the three texts. UPDATE=1 rewrites it; the kernel's column is held by
// TestKernelLogs and LLVM's by TestLLVMRows.
func TestInsnsFile(t *testing.T) {
	name := filepath.Join("testdata", "insns.txt")
	var got []byte
	got = append(got, "# bytes | kernel | llvm | conformance\n"...)
	for n := range isa.Table {
		prog := goldenInsn(&isa.Table[n])
		for _, b := range isa.EncodeAll(prog) {
			got = append(got, hexDigits[b>>4], hexDigits[b&15])
		}
		for d := range numDialects {
			text := Append(append(got, '|'), d, prog, 0, nil)
			if d == Kernel {
				text = AppendKernel(append(got, '|'), prog, 0, nil)
			}
			got = text
			back := Assemble(Text(d, prog, 0, nil), Options{Dialect: d})
			if len(back.Errors) > 0 || string(isa.EncodeAll(back.Insns)) != string(isa.EncodeAll(prog)) {
				t.Errorf("%v: %q: %v", d, Text(d, prog, 0, nil), back.Errors)
			}
		}
		got = append(got, '\n')
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s is out of date: UPDATE=1 go test ./vm/asm, and look at the difference", name)
	}
}

package wasm

import (
	"testing"

	"skep/jit/ir"
	"skep/vm/asm"
)

// unit compiles assembly as far as the passes go.
func unit(t testing.TB, text string, f ir.Facts) *ir.Unit {
	t.Helper()
	res := asm.Assemble(text, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatalf("%v\n%s", res.Errors[0], text)
	}
	u, err := ir.Build(&ir.Program{Insns: res.Insns}, f, ir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func lowered(t testing.TB, text string, f ir.Facts) *Code {
	t.Helper()
	c, err := Lower(unit(t, text, f), Target{Base: 1 << 16, Context: 1 << 15})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// All that is emitted has a text, to the last byte of each body; each op
// begins at an instruction.
func TestText(t *testing.T) {
	c := lowered(t, `
		r1 = 5
		r2 = *(u32 *)(r1 +8)
		call f
		w2 s/= w1
		if w2 s> 3 goto +1
		may_goto +0
		r0 = be64 r0
		r0 = atomic64_fetch_add((u64 *)(r10 -8), r0)
		exit
	f:
		r0 = -1
		exit`, ir.Facts{})
	begins := map[int]bool{}
	for _, s := range c.Bodies {
		for at := s.Start; at < s.End; {
			begins[at] = true
			text, n := Text(c.Text[at:s.End])
			if n == 0 {
				t.Fatalf("%x at %d has no text", c.Text[at:min(at+8, s.End)], at)
			}
			if text == "unreachable" && at != s.End-2 {
				t.Errorf("unreachable at %d of %d", at, s.End)
			}
			at += n
		}
	}
	for op, at := range c.Offset {
		if at >= 0 && !begins[int(at)] {
			t.Errorf("op %d is said to begin at %d, where no instruction does", op, at)
		}
	}
	for _, k := range []struct {
		code []byte
		want string
	}{
		{[]byte{opI64Const, 0x7f}, "i64.const -1"},
		{[]byte{opI32Const, 0xc0, 0x00}, "i32.const 64"},
		{[]byte{opI64Load, 0, 0x80, 0x80, 0x04}, "i64.load offset=65536"},
		{[]byte{opIf, typeI64}, "if (result i64)"},
		{[]byte{opBrTable, 1, 0, 1}, "br_table 0 1"},
	} {
		if got, n := Text(k.code); got != k.want || n != len(k.code) {
			t.Errorf("%x is %q, %d bytes, want %q", k.code, got, n, k.want)
		}
	}
	if _, n := Text([]byte{0xff}); n != 0 {
		t.Error("a byte that is no instruction has a text")
	}
}

// FuzzText: any bytes have a text that is within them, or none.
func FuzzText(f *testing.F) {
	f.Add([]byte{opBrTable, 2, 0, 1, 0})
	f.Add([]byte{opI64Const, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f})
	f.Fuzz(func(t *testing.T, code []byte) {
		if text, n := Text(code); n < 0 || n > len(code) || (n == 0) != (text == "") {
			t.Errorf("%x: %q, %d bytes", code, text, n)
		}
	})
}

package jit_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"testing"

	"skep/jit"
	"skep/jit/amd64"
	"skep/jit/wasm"
	"skep/vm/asm"
)

func code(t *testing.T, text string, f jit.Facts, o jit.Options) *jit.Code {
	t.Helper()
	res := asm.Assemble(text, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatalf("%v\n%s", res.Errors[0], text)
	}
	c, err := jit.Compile(&jit.Program{Insns: res.Insns}, jit.Target{Arch: jit.AMD64, AMD64: amd64.Features{BMI2: true, GS: true}}, f, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Offsets say where the code of each instruction is; the notes name what was
// fused and dropped, in the order of the passes.
func TestCompile(t *testing.T) {
	const text = `
		r2 = 0x1122334455667788 ll
		r3 = r10
		r3 += -16
		r0 = *(u64 *)(r3 +8)
		r0 += r2
		exit`
	c := code(t, text, jit.Facts{Accepted: true}, jit.Options{})
	if c.Offset[0] != 0 || c.Offset[1] != -1 || c.Offset[2] != 10 || c.Offset[3] != -1 || c.Offset[4] != -1 || c.Offset[5] <= c.Offset[2] {
		t.Errorf("offsets %v", c.Offset)
	}
	var notes []string
	for _, n := range c.Notes {
		notes = append(notes, n.Kind.String()+": "+n.Text)
	}
	if got := strings.Join(notes, "; "); got != "dropped check: bounds: the verifier proved 8 bytes in reach; fusion: indexed address" {
		t.Errorf("notes %q", got)
	}
	checked := code(t, strings.ReplaceAll(text, "r10", "r1"), jit.Facts{}, jit.Options{})
	proved := code(t, strings.ReplaceAll(text, "r10", "r1"), jit.Facts{Accepted: true}, jit.Options{})
	if len(checked.Text) <= len(proved.Text) {
		t.Errorf("%d bytes with checks, %d without", len(checked.Text), len(proved.Text))
	}
}

// With blinding no constant of the program stands in the code.
func TestBlinding(t *testing.T) {
	const marker = 0x5eaf00d1
	const text = `
		r0 = 0x5eaf00d1
		w3 = 0x5eaf00d1
		r2 = 0x5eaf00d15eaf00d1 ll
		r0 += 0x5eaf00d1
		r0 *= 0x5eaf00d1
		r0 /= 0x5eaf00d1
		w0 s%= 0x5eaf00d1
		r0 ^= 0x5eaf00d1
		*(u32 *)(r10 -8) = 0x5eaf00d1
		*(u64 *)(r10 -8) = 0x5eaf00d1
		if r0 > 0x5eaf00d1 goto +1
		if w0 & 0x5eaf00d1 goto +0
		exit`
	b := binary.LittleEndian.AppendUint32(nil, marker)
	if n := bytes.Count(code(t, text, jit.Facts{}, jit.Options{}).Text, b); n != 13 {
		t.Errorf("the constant is in plain code %d times, want 13", n)
	}
	if n := bytes.Count(code(t, text, jit.Facts{}, jit.Options{Blind: 7}).Text, b); n != 0 {
		t.Errorf("the constant is in blinded code %d times", n)
	}
}

// Compilations at the same time share no memory that their code is in, nor does
// a later one write to it.
func TestConcurrent(t *testing.T) {
	targets := []jit.Target{
		{Arch: jit.AMD64, AMD64: amd64.Features{BMI2: true, GS: true}},
		{Arch: jit.ARM64},
		{Arch: jit.WASM, WASM: wasm.Target{Base: 1 << 16, Context: 1 << 15}},
	}
	compile := func(i int) *jit.Code {
		w := &workloads[i%len(workloads)]
		p := &jit.Program{Insns: assembled(t, w)}
		c, err := jit.Compile(p, targets[i%len(targets)], jit.Facts{Accepted: i%2 == 0}, jit.Options{})
		if err != nil {
			t.Error(err)
			return &jit.Code{}
		}
		return c
	}
	const n = 120
	var alone, together [n]*jit.Code
	for i := range alone {
		c := compile(i)
		alone[i] = &jit.Code{Text: slices.Clone(c.Text), Offset: slices.Clone(c.Offset), Notes: slices.Clone(c.Notes)}
	}
	var wait sync.WaitGroup
	for i := range together {
		wait.Go(func() { together[i] = compile(i) })
	}
	wait.Wait()
	for i, c := range together {
		if a := alone[i]; !bytes.Equal(a.Text, c.Text) || !slices.Equal(a.Offset, c.Offset) || !slices.Equal(a.Notes, c.Notes) {
			t.Errorf("compilation %d differs", i)
		}
	}
}

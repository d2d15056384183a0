package main

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// module is the smallest module with functions of these names and bodies, all
// of type 0, that exports function 0 as _initialize.
func module(names []string, bodies [][]byte) []section {
	var fn, code, sub []byte
	fn = binary.AppendUvarint(fn, uint64(len(bodies)))
	code = binary.AppendUvarint(code, uint64(len(bodies)))
	sub = binary.AppendUvarint(sub, uint64(len(names)))
	for i, b := range bodies {
		fn = append(fn, 0)
		code = append(append(code, byte(len(b))), b...)
		sub = append(append(append(sub, byte(i)), byte(len(names[i]))), names[i]...)
	}
	name := append([]byte{4}, "name"...)
	name = append(append(name, 1, byte(len(sub))), sub...)
	export := append([]byte{1, 11}, "_initialize"...)
	export = append(export, 0, 0)
	return []section{{functionSection, fn}, {exportSection, export}, {codeSection, code}, {customSection, name}}
}

func body(code byte) []byte { return []byte{0, i32Const, code, opEnd} }

func TestEmpty(t *testing.T) {
	secs := module([]string{"runtime.traceLocker.GoStart", "runtime.traceLocker.ok", "skep_vm.run"}, [][]byte{body(1), body(2), body(3)})
	if err := empty(secs); err != nil {
		t.Fatal(err)
	}
	want := []byte{3, 3, 0, opUnreachable, opEnd, 4, 0, i32Const, 2, opEnd, 4, 0, i32Const, 3, opEnd}
	if got := secs[2].body; !bytes.Equal(got, want) {
		t.Errorf("code %x, want %x", got, want)
	}
	if err := empty(secs[:3]); err == nil {
		t.Error("a module without names was taken")
	}
}

// A function in front of _initialize is added to each section that counts.
func TestInFront(t *testing.T) {
	secs := module([]string{"a", "b"}, [][]byte{body(1), body(2)})
	f := folded{ftab: 100, funcs: 100, first: 200, nfunc: 3, buckets: 300, n: 48}
	if err := f.inFront(secs); err != nil {
		t.Fatal(err)
	}
	if got := secs[0].body; !bytes.Equal(got, []byte{3, 0, 0, 0}) {
		t.Errorf("functions %x", got)
	}
	if got := secs[1].body; got[len(got)-1] != 2 {
		t.Errorf("_initialize is function %d, want 2", got[len(got)-1])
	}
	code := f.body(0)
	if got := secs[2].body; got[0] != 3 || !bytes.HasSuffix(got, code) || code[len(code)-3] != opCall || code[len(code)-2] != 0 {
		t.Errorf("code %x", got)
	}
	if _, err := replaceExport(&secs[1], "_start", 9); err == nil {
		t.Error("an export that is not there was replaced")
	}
}

// unfold gives back what fold took out.
func TestUnfold(t *testing.T) {
	const at, nfunc = 64, 5
	image := make([]byte, 4096)
	f := folded{ftab: at, funcs: at, first: at + 8*nfunc + 8, nfunc: nfunc, buckets: 2048, n: perFunc * nfunc}
	want := bytes.Clone(image)
	rec := f.first
	for i := range nfunc {
		le.PutUint32(image[rec:], 1) // the difference
		for _, b := range [][]byte{image, want} {
			le.PutUint32(b[rec+npcdata:], uint32(i%3))
			b[rec+nfuncdata] = byte(i)
		}
		le.PutUint32(want[rec:], uint32(i+1))
		le.PutUint32(want[f.ftab+8*i:], uint32(i+1))
		le.PutUint32(want[f.ftab+8*i+4:], uint32(rec-f.funcs))
		rec += (funcSize + 7 + 4*(i%3+i)) &^ 7
	}
	for i := range f.n {
		le.PutUint32(want[f.buckets+bucketSize*i:], uint32(i/perFunc))
	}
	if f.unfold(image); !bytes.Equal(image, want) {
		t.Error("other bytes")
	}
}

func TestSleb(t *testing.T) {
	for _, v := range []int64{0, 1, -1, 63, 64, -64, -65, 1 << 20, -(1 << 40), 1<<63 - 1} {
		r := &reader{b: appendSleb(nil, v)}
		if got := int64(r.sleb()); got != v || r.bad || r.pos != len(r.b) {
			t.Errorf("%d became %d", v, got)
		}
	}
}

// Any bytes are refused without a panic.
func FuzzStrip(f *testing.F) {
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x0b\x03\x01\x00\x41"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 1<<16 {
			_, _ = strip(b)
		}
	})
}

package ir_test

import (
	"slices"
	"testing"

	"skep/jit/ir"
	"skep/vm/asm"
	"skep/vm/isa"
)

// lookup leaves an element of array 7, or NULL, in r0.
const lookup = "r2 = r10\nr2 += -8\nr1 = 7 ll\ncall 1\n"

// Which accesses need no check in a program that no verifier has seen, by slot,
// and which lookups must leave what they found for checks.
func TestKnown(t *testing.T) {
	array := ir.Array{Map: ir.Map{Ptr: 7, Size: 16, Perm: 3, Name: "a"}, Elems: 0x20000, Stride: 24, Entries: 8}
	for _, c := range []struct {
		name, text string
		proved     []int
		loose      bool
	}{
		{"behind the test", lookup + "if r0 == 0 goto +1\nr1 = *(u64 *)(r0 +8)\nr0 = 0\nexit", []int{6}, false},
		{"without one", lookup + "r1 = *(u64 *)(r0 +8)\nexit", nil, true},
		{"on the wrong side", lookup + "if r0 != 0 goto +1\nr1 = *(u64 *)(r0 +8)\nexit", nil, true},
		{"on the right side of the other", lookup + "if r0 != 0 goto +1\nexit\nr1 = *(u64 *)(r0 +8)\nexit", []int{7}, false},
		{"a test of 32 bits says nothing", lookup + "if w0 == 0 goto +1\nr1 = *(u64 *)(r0 +8)\nexit", nil, true},
		{"across the end", lookup + "if r0 == 0 goto +1\nr1 = *(u64 *)(r0 +9)\nexit", nil, true},
		{"a copy", lookup + "r6 = r0\nif r6 == 0 goto +1\nr1 = *(u64 *)(r0 +8)\nr0 = 0\nexit", []int{7}, false},
		{"moved on", lookup + "if r0 == 0 goto +2\nr0 += 4\nr1 = *(u32 *)(r0 +8)\nr0 = 0\nexit", []int{7}, false},
		{"moved by a register", lookup + "if r0 == 0 goto +2\nr0 += r6\nr1 = *(u32 *)(r0 +8)\nexit", nil, true},
		{"spilled", lookup + "*(u64 *)(r10 -8) = r0\nr0 = 0\nexit", nil, true},
		{"both ways know it", lookup + "if r0 == 0 goto +3\nif r6 == 1 goto +1\nr7 = 2\nr1 = *(u64 *)(r0 +8)\nr0 = 0\nexit", []int{8}, false},
		{"one way has another", lookup + "if r0 == 0 goto +3\nif r6 == 1 goto +1\nr0 = r6\nr1 = *(u64 *)(r0 +8)\nexit", nil, true},
		{"a loop keeps it", lookup + "if r0 == 0 goto +3\nr1 = *(u64 *)(r0 +8)\nr6 += 1\nif r6 < 9 goto -3\nr0 = 0\nexit", []int{6}, false},
		{"a loop moves it", lookup + "if r0 == 0 goto +3\nr1 = *(u64 *)(r0 +8)\nr0 += 1\nif r6 < 9 goto -3\nexit", nil, true},
		{"a loop moves it behind its end", lookup + "if r0 == 0 goto +4\nr1 = *(u64 *)(r0 +8)\nif r6 < 9 goto +3\nr6 += 1\nif r6 < 99 goto -4\nexit\nr0 += 1\ngoto -4", nil, true},
		{"a call of a function", lookup + "if r0 == 0 goto +3\nr6 = r0\ncall f\nr1 = *(u64 *)(r6 +8)\nexit\nf:\nr6 = 0\nr0 = 0\nexit", []int{8}, true},
		{"the result of a function", lookup + "if r0 == 0 goto +2\ncall f\nr1 = *(u64 *)(r0 +8)\nexit\nf:\nr0 = 0\nexit", nil, true},
		{"a helper in between", lookup + "if r0 == 0 goto +3\nr6 = r0\ncall 5\nr1 = *(u64 *)(r6 +8)\nexit", []int{8}, false},
		{"the frame by a copy", "r2 = r10\nr2 += -8\n*(u64 *)(r2 +0) = r1\nexit", []int{2}, false},
		{"outside of the frame by a copy", "r2 = r10\nr2 += -8\n*(u64 *)(r2 +1) = r1\nexit", nil, false},
		{"below the frame by a copy", "r2 = r10\nr2 += -508\n*(u64 *)(r2 -8) = r1\nexit", nil, false},
	} {
		res := asm.Assemble(c.text, asm.Options{})
		if len(res.Errors) > 0 {
			t.Fatalf("%s: %v", c.name, res.Errors[0])
		}
		u, err := ir.Build(&ir.Program{Insns: res.Insns, Arrays: []ir.Array{array}}, ir.Facts{}, ir.Options{NoFusion: true})
		if err != nil {
			t.Fatal(err)
		}
		var proved []int
		loose := false
		for i := range u.Ops {
			o := &u.Ops[i]
			if n, _ := o.Access(); n > 0 && o.Flags&ir.Proved != 0 && (o.Src != isa.R10 && o.Dst != isa.R10) {
				proved = append(proved, int(o.Slot))
			}
			loose = loose || o.Flags&ir.Loose != 0
		}
		if !slices.Equal(proved, c.proved) || loose != c.loose {
			t.Errorf("%s: proved %v, want %v; loose %v, want %v", c.name, proved, c.proved, loose, c.loose)
		}
	}
}

// What the verifier has proved of branches and code.
func TestFolded(t *testing.T) {
	const text = "if r1 == 0 goto +1\nr0 = 1\nif r1 > 5 goto +1\nr0 = 2\nr1 /= r2\nexit"
	u := build(t, text, ir.Facts{Accepted: true, Always: []int{0}, Never: []int{2}, Dead: []int{1}, Narrow: []int{4}}, ir.Options{})
	if u.Ops[0].Own != isa.KindJa || u.Ops[1].Kind != ir.KindNop || u.Ops[2].Kind != ir.KindNop || u.Ops[4].Flags&ir.Narrow == 0 {
		t.Errorf("%+v", u.Ops)
	}
	if len(u.Notes) != 4 {
		t.Errorf("notes: %v", u.Notes)
	}
}

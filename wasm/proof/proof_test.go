package proof_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/jit/ir"
	"skep/verifier"
	"skep/vm/isa"
	"skep/wasm/compiled"
	"skep/wasm/proof"
	"skep/wasm/protocol"
)

var insns = []isa.Insn{{Op: 0xb7, Imm: 2}, {Op: 0x95}, {Op: 0x95}, {Op: 0x95}}

func facts() *verifier.Facts {
	return &verifier.Facts{
		Checked: []int{1, 3}, NonZero: []int{2}, Narrow: []int{3}, Always: []int{0}, Never: []int{1}, Dead: []int{2, 3},
		Keys: []verifier.ConstKey{{Slot: 2, Key: 8}, {Slot: 3, Key: 1 << 31}}, Alone: true,
	}
}

// What is packed comes to the compiler as it does where there is one program.
func TestWay(t *testing.T) {
	for _, f := range []*verifier.Facts{{}, facts()} {
		var on protocol.Facts
		w := &protocol.Writer{}
		proof.Pack(f, insns, 2).Encode(w)
		on.Decode(protocol.NewReader(w.Buf))
		if d := cmp.Diff(compiled.Facts(f), proof.Of(&on, insns, 2)); d != "" {
			t.Error(d)
		}
	}
}

// Facts that are not about the program, or no facts, prove nothing.
func TestNone(t *testing.T) {
	with := func(change func(*protocol.Facts)) *protocol.Facts {
		f := proof.Pack(facts(), insns, 2)
		change(f)
		return f
	}
	other := slices.Clone(insns)
	other[0].Imm++
	for name, c := range map[string]struct {
		facts *protocol.Facts
		insns []isa.Insn
	}{
		"none":            {nil, insns},
		"another program": {proof.Pack(facts(), insns, 2), other},
		"a shorter one":   {proof.Pack(facts(), insns, 2), insns[:3]},
		"fewer CPUs":      {with(func(f *protocol.Facts) { f.CPUs = 1 }), insns},
		"behind the end":  {with(func(f *protocol.Facts) { f.Dead = []uint32{4} }), insns},
		"out of order":    {with(func(f *protocol.Facts) { f.Never = []uint32{2, 1} }), insns},
		"twice":           {with(func(f *protocol.Facts) { f.Keys[1].Slot = 2 }), insns},
	} {
		if d := cmp.Diff(ir.Facts{}, proof.Of(c.facts, c.insns, 2)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

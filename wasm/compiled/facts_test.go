package compiled_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/jit"
	"skep/verifier"
	"skep/wasm/compiled"
)

func TestFacts(t *testing.T) {
	for _, c := range []struct {
		proved *verifier.Facts
		want   jit.Facts
	}{
		{nil, jit.Facts{}},
		{&verifier.Facts{}, jit.Facts{Accepted: true}},
		{
			&verifier.Facts{
				Checked: []int{1}, NonZero: []int{2}, Narrow: []int{3}, Always: []int{4}, Never: []int{5}, Dead: []int{6},
				Keys: []verifier.ConstKey{{Slot: 7, Key: 8}}, Alone: true,
			},
			jit.Facts{
				Accepted: true, Checked: []int{1}, NonZero: []int{2}, Narrow: []int{3}, Always: []int{4}, Never: []int{5}, Dead: []int{6},
				Keys: []jit.Key{{Slot: 7, Key: 8}}, Alone: true,
			},
		},
	} {
		if d := cmp.Diff(c.want, compiled.Facts(c.proved)); d != "" {
			t.Error(d)
		}
	}
}

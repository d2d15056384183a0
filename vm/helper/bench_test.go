package helper_test

import (
	"testing"

	"skep/vm/helper"
)

// BenchmarkRun is the cost of a call around what the helper does.
func BenchmarkRun(b *testing.B) {
	f := newFake(&testing.T{})
	m, a := f.newMap(1, 4, 8, 2)
	a.Update(u32(7), u64(42), 0, 0)
	k := f.alloc(u32(7))
	for _, bb := range []struct {
		name string
		call helper.Call
	}{
		{"ktime_get_ns", helper.Call{ID: 5}},
		{"map_lookup_elem", helper.Call{ID: 1, Args: [5]uint64{m, k}}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			c := new(helper.Call) // a machine keeps one: Run makes it escape
			for b.Loop() {
				*c = bb.call
				if err := helper.Run(f, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

package klog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		log  string
		want []string
	}{
		{"", nil},
		{"0: R1=ctx() R10=fp0\n0: (95) exit\nR0 !read_ok\nprocessed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n",
			[]string{"R0 !read_ok"}},
		{"; x @ a.c:3\n3: (69) r4 = *(u16 *)(r2 +12)\ninvalid access to packet, off=12 size=2, R2(id=0,off=12,r=0)\nR2 offset is outside of the packet\nprocessed 4 insns\n",
			[]string{"invalid access to packet, off=12 size=2, R2(id=0,off=12,r=0)", "R2 offset is outside of the packet"}},
		{"1: (05) goto pc-1\ninfinite loop detected at insn 1\ncur state: R0=1\nold state: R0=1\nprocessed 2 insns\n", []string{"infinite loop detected at insn 1"}},
		{"fd 0 is not pointing to valid bpf_map\nverification time 6139 usec\nstack depth 0\nprocessed 0 insns\n", []string{"fd 0 is not pointing to valid bpf_map"}},
	} {
		if diff := cmp.Diff(tt.want, Errors([]byte(tt.log))); diff != "" {
			t.Errorf("%q:\n%s", tt.log, diff)
		}
	}
}

func FuzzErrors(f *testing.F) {
	f.Add([]byte("0: (95) exit\nR0 !read_ok\nprocessed 1 insns\n"))
	f.Fuzz(func(t *testing.T, log []byte) {
		if len(Errors(log)) > maxErrors {
			t.Fatal("too many lines")
		}
	})
}

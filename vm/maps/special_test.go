package maps_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/vm/btf"
	"skep/vm/maps"
)

// What only helpers touch in a value is found in its BTF, at any depth.
func TestSetSpecial(t *testing.T) {
	var b btf.Builder
	u32 := b.Int("unsigned int", 4, 0)
	lock := b.Struct("bpf_spin_lock", 4, btf.Member{Name: "val", Type: u32})
	timer := b.Struct("bpf_timer", 16, btf.Member{Name: "x", Type: u32})
	timers := b.Array(timer, u32, 2)
	kptr := b.Pointer(b.TypeTag("kptr", b.Fwd("task_struct", false)))
	plain := b.Pointer(u32)
	inner := b.Struct("inner", 24, btf.Member{Name: "n", Type: u32}, btf.Member{Name: "task", Type: kptr, Offset: 64}, btf.Member{Name: "p", Type: plain, Offset: 128})
	value := b.Typedef("value_t", b.Struct("value", 72,
		btf.Member{Name: "count", Type: u32}, btf.Member{Name: "lock", Type: lock, Offset: 32},
		btf.Member{Name: "timers", Type: timers, Offset: 64}, btf.Member{Name: "in", Type: b.Const(inner), Offset: 8 * 40}))
	types, err := btf.Parse(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	s := maps.Spec{}
	s.SetSpecial(types, value)
	want := []maps.Span{{Off: 4, Len: 4}, {Off: 8, Len: 16}, {Off: 24, Len: 16}, {Off: 48, Len: 8}}
	if d := cmp.Diff(want, s.Special); d != "" || !s.SpinLock {
		t.Errorf("spin lock %v (-want +got)\n%s", s.SpinLock, d)
	}
	if off, ok := s.LockOffset(); !ok || off != 4 {
		t.Errorf("the lock is at %d, %v", off, ok)
	}
	for _, id := range []btf.ID{0, u32, plain, 1000} {
		if s.SetSpecial(types, id); len(s.Special) != 0 || s.SpinLock {
			t.Errorf("type %d: %v", id, s.Special)
		}
	}
	if s.SetSpecial(nil, 1); len(s.Special) != 0 {
		t.Error("without BTF")
	}
}

package maps_test

import (
	"testing"

	"skep/vm/maps"
)

// What bpf(2) refuses of user space before the map is asked. The kernel's own
// answers are in TestUserAgainstKernel.
func TestUserErrors(t *testing.T) {
	hash := maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 2}
	with := func(change func(s *maps.Spec)) maps.Spec {
		s := hash
		change(&s)
		return s
	}
	for _, c := range []struct {
		name        string
		spec        maps.Spec
		flags       uint64
		set, remove maps.Errno
	}{
		{"plain", hash, maps.Any, 0, 0},
		{"lock without a lock", hash, maps.Lock, maps.EINVAL, maps.ENOENT},
		{"lock", with(func(s *maps.Spec) { s.SpinLock, s.Special = true, []maps.Span{{Len: 4}} }), maps.Lock | maps.Exist, maps.ENOENT, maps.ENOENT},
		{"frozen", with(func(s *maps.Spec) { s.Frozen = true }), maps.Lock, maps.EPERM, maps.EPERM},
		{"read-only", with(func(s *maps.Spec) { s.Flags = maps.FlagRdonly }), maps.Any, maps.EPERM, maps.EPERM},
		{"ring", maps.Spec{Type: maps.Ringbuf, MaxEntries: 4096}, maps.Any, maps.ENOTSUPP, maps.ENOTSUPP},
		{"ring with a lock", maps.Spec{Type: maps.Ringbuf, MaxEntries: 4096}, maps.Lock, maps.EINVAL, maps.ENOTSUPP},
		{"cgroup storage without an attachment", maps.Spec{Type: maps.CgroupStorage, KeySize: 8, ValueSize: 8}, maps.Any, maps.ENOENT, maps.EINVAL},
		{"cgroup storage is not made", maps.Spec{Type: maps.CgroupStorage, KeySize: 8, ValueSize: 8}, maps.NoExist, maps.EINVAL, maps.EINVAL},
	} {
		m := create(t, set(t, 1), c.spec)
		key := make([]byte, c.spec.KeySize)
		if e := m.Set(key, make([]byte, c.spec.ValueSize), c.flags); e != c.set {
			t.Errorf("%s: update: %v, want %v", c.name, e, c.set)
		}
		if e := m.Remove(key); e != c.remove {
			t.Errorf("%s: delete: %v, want %v", c.name, e, c.remove)
		}
	}
}

package maps_test

import (
	"bytes"
	"testing"

	"skep/vm/maps"
)

func TestArray(t *testing.T) {
	s := set(t, 3)
	for _, typ := range []maps.Type{maps.Array, maps.PerCPUArray} {
		m := create(t, s, maps.Spec{Name: "a", Type: typ, KeySize: 4, ValueSize: 12, MaxEntries: 5, SpinLock: true})
		v := append(u64(7), 1, 2, 3, 4)
		for _, c := range []struct {
			key   uint32
			flags uint64
			want  maps.Errno
		}{{0, 0, 0}, {4, 2, 0}, {4, 4, 0}, {5, 0, maps.E2BIG}, {5, 1, maps.E2BIG}, {0, 1, maps.EEXIST}, {0, 3, maps.EINVAL}, {0, 8, maps.EINVAL}} {
			if e := m.Update(u32(c.key), v, c.flags, 2); e != c.want.Ret() {
				t.Errorf("%v: update of %d with flags %d: %d, want %v", typ, c.key, c.flags, e, c.want)
			}
		}
		if m.Delete(u32(0)) != maps.EINVAL.Ret() || m.Remove(u32(0)) != maps.EINVAL {
			t.Errorf("%v: delete did not fail", typ)
		}
		if m.Lookup(u32(5), 0) != 0 {
			t.Errorf("%v: lookup past the end", typ)
		}
		at := uint32(m.Lookup(u32(4), 2))
		if !bytes.Equal(s.Arena.Bytes(at, 12), v) {
			t.Errorf("%v: value %x", typ, s.Arena.Bytes(at, 12))
		}
		if k, ok := m.KeyAt(at + 11); !ok || !bytes.Equal(k, u32(4)) {
			t.Errorf("%v: key at the value: %x", typ, k)
		}
		if seen := nextKeys(t, m); len(seen) != 5 {
			t.Errorf("%v: %d keys", typ, len(seen))
		}
		got, e := m.Get(u32(4))
		want := v
		if typ == maps.PerCPUArray {
			want = append(append(make([]byte, 32), v...), 0, 0, 0, 0)
		}
		if e != 0 || !bytes.Equal(got, want) {
			t.Errorf("%v: get %x %v, want %x", typ, got, e, want)
		}
		if typ == maps.PerCPUArray {
			all := append(append(append(u64(1), u64(2)...), append(u64(3), u64(4)...)...), append(u64(5), u64(6)...)...)
			if e := m.Set(u32(0), all, 0); e != 0 || s.Arena.U64(uint32(m.Lookup(u32(0), 1))) != 3 {
				t.Errorf("set of all CPUs: %v", e)
			}
		}
	}
}

func TestSpecial(t *testing.T) {
	s := set(t, 1)
	m := create(t, s, maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 1, SpinLock: true, Special: []maps.Span{{Off: 4, Len: 4}}})
	at := uint32(m.Lookup(u32(0), 0))
	s.Arena.Put32(at+4, 0xaa)
	m.Update(u32(0), bytes.Repeat([]byte{9}, 16), 0, 0)
	if s.Arena.U32(at+4) != 0xaa || s.Arena.U32(at) != 0x09090909 || s.Arena.U32(at+8) != 0x09090909 {
		t.Errorf("value %x", s.Arena.Bytes(at, 16))
	}
	if v, _ := m.Get(u32(0)); !bytes.Equal(v[4:8], make([]byte, 4)) {
		t.Errorf("user space sees the lock: %x", v)
	}
	if e := m.Update(u32(0), make([]byte, 16), maps.Lock, 0); e != 0 {
		t.Errorf("BPF_F_LOCK: %d", e)
	}
	h := create(t, s, maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 16, MaxEntries: 1})
	if e := h.Update(u32(0), make([]byte, 16), maps.Lock, 0); e != maps.EINVAL.Ret() {
		t.Errorf("BPF_F_LOCK without a lock: %d", e)
	}
}

func TestAccess(t *testing.T) {
	s := set(t, 1)
	m := create(t, s, maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 2, Flags: maps.FlagRdonly})
	if e := m.Set(u32(1), u32(1), 0); e != maps.EPERM {
		t.Errorf("set: %v", e)
	}
	if e := m.Remove(u32(1)); e != maps.EPERM {
		t.Errorf("remove: %v", e)
	}
	if e := m.Update(u32(1), u32(1), 0, 0); e != 0 {
		t.Errorf("a program's update: %d", e)
	}
	for _, n := range []int{0, 3, 5} {
		if e := create(t, s, valid(maps.Hash)).Set(make([]byte, n), u64(1), 0); e != maps.EINVAL {
			t.Errorf("key of %d bytes: %v", n, e)
		}
	}
}

func TestFDArrays(t *testing.T) {
	s := set(t, 2)
	inner := create(t, s, maps.Spec{Name: "inner", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 2})
	other := create(t, s, maps.Spec{Name: "other", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 2})
	s.Sock = func(n uint32) uint64 { return 0x1000 + uint64(n) }
	for _, c := range []struct {
		typ   maps.Type
		key   uint32
		value uint32
		flags uint64
		want  maps.Errno
		look  uint64 // what a program's lookup of the key gives, 1 for an address
	}{
		{maps.ProgArray, 1, 7, 0, 0, 0},
		{maps.ProgArray, 1, 7, maps.Exist, maps.EINVAL, 0},
		{maps.ProgArray, 4, 7, 0, maps.E2BIG, 0},
		{maps.ArrayOfMaps, 2, uint32(inner.Index()), 0, 0, uint64(inner.Ptr())},
		{maps.ArrayOfMaps, 2, uint32(other.Index()), 0, maps.EINVAL, 0},
		{maps.ArrayOfMaps, 2, 99, 0, maps.EBADF, 0},
		{maps.HashOfMaps, 2, uint32(inner.Index()), 0, 0, uint64(inner.Ptr())},
		{maps.HashOfMaps, 2, uint32(other.Index()), 0, maps.EINVAL, 0},
		{maps.Devmap, 3, 5, 0, 0, 1},
		{maps.Devmap, 3, 5, maps.NoExist, maps.EEXIST, 0},
		{maps.Devmap, 4, 5, 0, maps.E2BIG, 0},
		{maps.Devmap, 3, 0, 0, 0, 0},
		{maps.DevmapHash, 77, 5, 0, 0, 1},
		{maps.CPUMap, 1, 128, 0, 0, 1},
		{maps.CPUMap, 2, 128, 0, maps.ENODEV, 0},
		{maps.CPUMap, 1, 20000, 0, maps.EOVERFLOW, 0},
		{maps.XSKMap, 0, 3, 0, 0, 1},
		{maps.XSKMap, 0, 3, maps.Exist, maps.ENOENT, 0},
		{maps.Sockmap, 0, 3, 0, 0, 0x1003},
		{maps.Sockmap, 0, 3, maps.Exist, maps.ENOENT, 0},
		{maps.SockHash, 9, 4, 0, 0, 0x1004},
		{maps.ReuseportSockArray, 0, 2, 0, 0, 0x1002},
		{maps.CgroupArray, 0, 2, 0, 0, 0},
		{maps.PerfEventArray, 0, 2, 0, 0, 0},
	} {
		m := create(t, s, valid(c.typ))
		v := append(u32(c.value), make([]byte, 4)...)[:m.ValueSize()]
		if e := m.Set(u32(c.key), v, c.flags); e != c.want {
			t.Errorf("%v: set of %d to %d with flags %d: %v, want %v", c.typ, c.key, c.value, c.flags, e, c.want)
			continue
		}
		if got := m.Lookup(u32(c.key), 0); got != c.look && (c.look != 1 || got == 0) {
			t.Errorf("%v: lookup of %d: %#x, want %#x", c.typ, c.key, got, c.look)
		}
		if c.want != 0 || m.Len() == 0 {
			continue
		}
		if r, ok := m.(maps.Refs); ok {
			if ref, ok := r.Ref(c.key); !ok || ref != c.value {
				t.Errorf("%v: refers to %d %v", c.typ, ref, ok)
			}
		}
		if got, e := m.Get(u32(c.key)); e != 0 || !bytes.Equal(got[:4], u32(c.value)) {
			t.Errorf("%v: get %x %v", c.typ, got, e)
		}
		if e := m.Remove(u32(c.key)); e != 0 || m.Len() != 0 {
			t.Errorf("%v: remove: %v", c.typ, e)
		}
	}
}

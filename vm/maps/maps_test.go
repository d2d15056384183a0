package maps_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"skep/vm/arena"
	"skep/vm/maps"
)

func u32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func u64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

func set(t testing.TB, cpus uint32) *maps.Set {
	t.Helper()
	return maps.NewSet(arena.New(0), cpus)
}

func create(t testing.TB, s *maps.Set, spec maps.Spec) maps.Map {
	t.Helper()
	m, err := s.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// valid is a spec of each type that the kernel accepts.
func valid(t maps.Type) maps.Spec {
	s := maps.Spec{Name: t.String(), Type: t, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	row := t.Row()
	s.Flags = row.Must
	for _, f := range []struct {
		rule maps.SizeRule
		to   *uint32
	}{{row.Key, &s.KeySize}, {row.Value, &s.ValueSize}, {row.Entries, &s.MaxEntries}} {
		switch f.rule {
		case maps.SizeZero, maps.SizeEntries0:
			*f.to = 0
		case maps.Size4, maps.Size4or8:
			*f.to = 4
		case maps.SizeLPM, maps.SizeMul8, maps.SizeCgroup:
			*f.to = 8
		case maps.SizePages:
			*f.to = 4096
		case maps.SizeOne:
			*f.to = 1
		}
	}
	switch t {
	case maps.ArrayOfMaps, maps.HashOfMaps:
		s.Inner = &maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 2}
	case maps.StructOps:
		s.VType = 1
	case maps.SkStorage, maps.InodeStorage, maps.TaskStorage, maps.CgrpStorage:
		s.BTFKey, s.BTFValue = 1, 2
	}
	return s
}

// Each type can be made, has a row in order and a name that leads back to it.
func TestEveryType(t *testing.T) {
	s := set(t, 2)
	for i := 1; i < maps.NumTypes; i++ {
		typ := maps.Type(i)
		row := typ.Row()
		if row.Type != typ || row.Name == "" || row.Since == "" || row.Doc == "" || row.Const[:13] != "BPF_MAP_TYPE_" {
			t.Errorf("row %d: %+v", i, row)
		}
		if back, ok := maps.ByName(row.Name); !ok || back != typ {
			t.Errorf("%s: by name it is %v", row.Name, back)
		}
		m, err := s.New(valid(typ))
		if err != nil {
			t.Errorf("%s: %v", row.Name, err)
			continue
		}
		if m.Type() != uint32(i) || s.ByPtr(uint64(m.Ptr())) != m || s.ByName(row.Name) != m {
			t.Errorf("%s: not found again", row.Name)
		}
		// No operation of any type panics on an empty map.
		key, val := make([]byte, m.KeySize()), make([]byte, m.ValueSize())
		m.Lookup(append(key, 0, 0, 0, 0)[:max(4, len(key))], 1)
		m.Get(key)
		m.NextKey(nil)
		m.NextKey(key)
		m.Each(0, 1)
		m.Delete(append(key, 0, 0, 0, 0)[:max(4, len(key))])
		m.Peek(val)
		m.Pop(val)
		m.Push(val, 0)
		m.Update(append(key, 0, 0, 0, 0)[:max(4, len(key))], val, 0, 1)
		m.Set(key, val, 0)
		m.Remove(key)
		m.Len()
		m.KeyAt(m.Ptr())
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name  string
		spec  maps.Spec
		errno maps.Errno
	}{
		{"type", maps.Spec{Type: 99}, maps.EINVAL},
		{"unspec", maps.Spec{}, maps.EINVAL},
		{"array key", maps.Spec{Type: maps.Array, KeySize: 8, ValueSize: 8, MaxEntries: 1}, maps.EINVAL},
		{"array no entries", maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 8}, maps.EINVAL},
		{"array huge value", maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 1 << 31, MaxEntries: 1}, maps.E2BIG},
		{"array no prealloc", maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: maps.FlagNoPrealloc}, maps.EINVAL},
		{"percpu array value", maps.Spec{Type: maps.PerCPUArray, KeySize: 4, ValueSize: 32769, MaxEntries: 1}, maps.E2BIG},
		{"percpu array mmap", maps.Spec{Type: maps.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: maps.FlagMmapable}, maps.EINVAL},
		{"hash no key", maps.Spec{Type: maps.Hash, ValueSize: 8, MaxEntries: 1}, maps.EINVAL},
		{"hash no value", maps.Spec{Type: maps.Hash, KeySize: 4, MaxEntries: 1}, maps.EINVAL},
		{"hash huge", maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 4 << 20, MaxEntries: 1}, maps.E2BIG},
		{"hash lru flag", maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: maps.FlagNoCommonLRU}, maps.EINVAL},
		{"hash access", maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: maps.FlagRdonlyProg | maps.FlagWronlyProg}, maps.EINVAL},
		{"lru no prealloc", maps.Spec{Type: maps.LRUHash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: maps.FlagNoPrealloc}, maps.ENOTSUPP},
		{"lpm prealloc", maps.Spec{Type: maps.LPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 1}, maps.EINVAL},
		{"lpm key", maps.Spec{Type: maps.LPMTrie, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: maps.FlagNoPrealloc}, maps.EINVAL},
		{"lpm long key", maps.Spec{Type: maps.LPMTrie, KeySize: 261, ValueSize: 4, MaxEntries: 1, Flags: maps.FlagNoPrealloc}, maps.EINVAL},
		{"ringbuf size", maps.Spec{Type: maps.Ringbuf, MaxEntries: 5000}, maps.EINVAL},
		{"ringbuf small", maps.Spec{Type: maps.Ringbuf, MaxEntries: 2048}, maps.EINVAL},
		{"ringbuf key", maps.Spec{Type: maps.Ringbuf, KeySize: 4, MaxEntries: 4096}, maps.EINVAL},
		{"prog array value", maps.Spec{Type: maps.ProgArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}, maps.EINVAL},
		{"prog array access", maps.Spec{Type: maps.ProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: maps.FlagRdonlyProg}, maps.EINVAL},
		{"queue key", maps.Spec{Type: maps.Queue, KeySize: 4, ValueSize: 4, MaxEntries: 1}, maps.EINVAL},
		{"queue huge", maps.Spec{Type: maps.Queue, ValueSize: 4, MaxEntries: 1 << 30}, maps.E2BIG},
		{"bloom functions", maps.Spec{Type: maps.BloomFilter, ValueSize: 4, MaxEntries: 1, Extra: 16}, maps.EINVAL},
		{"extra", maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Extra: 1}, maps.EINVAL},
		{"stack trace value", maps.Spec{Type: maps.StackTrace, KeySize: 4, ValueSize: 12, MaxEntries: 1}, maps.EINVAL},
		{"stack trace deep", maps.Spec{Type: maps.StackTrace, KeySize: 4, ValueSize: 8 * 128, MaxEntries: 1}, maps.EINVAL},
		{"cpumap", maps.Spec{Type: maps.CPUMap, KeySize: 4, ValueSize: 4, MaxEntries: 8193}, maps.E2BIG},
		{"devmap value", maps.Spec{Type: maps.Devmap, KeySize: 4, ValueSize: 5, MaxEntries: 1}, maps.EINVAL},
		{"sockhash key", maps.Spec{Type: maps.SockHash, KeySize: 513, ValueSize: 4, MaxEntries: 1}, maps.E2BIG},
		{"sk storage without btf", maps.Spec{Type: maps.SkStorage, KeySize: 4, ValueSize: 4, Flags: maps.FlagNoPrealloc}, maps.EINVAL},
		{"sk storage entries", maps.Spec{Type: maps.SkStorage, KeySize: 4, ValueSize: 4, MaxEntries: 1, Flags: maps.FlagNoPrealloc, BTFKey: 1, BTFValue: 1}, maps.EINVAL},
		{"cgroup storage key", maps.Spec{Type: maps.CgroupStorage, KeySize: 4, ValueSize: 4}, maps.EINVAL},
		{"inner missing", maps.Spec{Type: maps.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1}, maps.EINVAL},
		{"inner of inner", maps.Spec{Type: maps.ArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: &maps.Spec{Type: maps.HashOfMaps}}, maps.EINVAL},
		{"inner prog array", maps.Spec{Type: maps.HashOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: &maps.Spec{Type: maps.ProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}}, maps.ENOTSUPP},
		{"arena", maps.Spec{Type: maps.Arena, MaxEntries: 1}, maps.EINVAL},
		{"arena address", maps.Spec{Type: maps.Arena, MaxEntries: 1, Flags: maps.FlagMmapable, Extra: 5}, maps.EINVAL},
		{"arena border", maps.Spec{Type: maps.Arena, MaxEntries: 2, Flags: maps.FlagMmapable, Extra: 0xfffff000}, maps.ERANGE},
		{"struct_ops", maps.Spec{Type: maps.StructOps, KeySize: 4, ValueSize: 8, MaxEntries: 1}, maps.EINVAL},
		{"too many large elements", maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 1 << 20, MaxEntries: 1 << 27}, maps.ENOMEM},
		{"too large for the machine", maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 1 << 20, MaxEntries: 1000}, maps.ENOMEM},
	} {
		_, err := set(t, 1).New(c.spec)
		var e maps.Errno
		if !errors.As(err, &e) || e != c.errno {
			t.Errorf("%s: %v, want %v", c.name, err, c.errno)
		}
	}
}

func FuzzSpec(f *testing.F) {
	f.Add(uint32(1), uint32(4), uint32(8), uint32(10), uint32(0), uint64(0))
	f.Fuzz(func(t *testing.T, typ, key, value, entries, flags uint32, extra uint64) {
		s := set(t, 2)
		spec := maps.Spec{Type: maps.Type(typ % 40), KeySize: key, ValueSize: value, MaxEntries: entries, Flags: flags, Extra: extra, BTFKey: 1, BTFValue: 1, VType: 1,
			Inner: &maps.Spec{Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 2}}
		m, err := s.New(spec)
		if err != nil {
			return
		}
		k, v := make([]byte, max(4, m.KeySize())), make([]byte, m.ValueSize())
		m.Update(k, v, 0, 1)
		m.Lookup(k, 1)
		m.Delete(k)
	})
}

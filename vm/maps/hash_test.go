package maps_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"skep/vm/maps"
)

// model is a Go map with the rules of a full hash.
type model struct {
	m   map[string]string
	max int
}

func (m model) update(k, v []byte, flags uint64) maps.Errno {
	_, there := m.m[string(k)]
	switch {
	case flags > 2:
		return maps.EINVAL
	case there && flags == maps.NoExist:
		return maps.EEXIST
	case !there && flags == maps.Exist:
		return maps.ENOENT
	case !there && len(m.m) == m.max:
		return maps.E2BIG
	}
	m.m[string(k)] = string(v)
	return 0
}

// Random operations on hashes of several sizes, checked against a Go map, by
// lookup and by both ways of iterating.
func TestHashModel(t *testing.T) {
	for seed, spec := range []maps.Spec{
		{Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 50},
		{Type: maps.Hash, KeySize: 13, ValueSize: 3, MaxEntries: 20, Flags: maps.FlagNoPrealloc},
		{Type: maps.Hash, KeySize: 4, ValueSize: 5000, MaxEntries: 200},
		{Type: maps.Hash, KeySize: 8, ValueSize: 8, MaxEntries: 1 << 20},
		{Type: maps.PerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 30},
	} {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		s := set(t, 2)
		m := create(t, s, spec)
		ref := model{map[string]string{}, int(spec.MaxEntries)}
		key := func() []byte { return append(u32(r.Uint32N(80)), make([]byte, 16)...)[:spec.KeySize] }
		for i := range 4000 {
			k := key()
			switch r.IntN(4) {
			case 0, 1:
				v := make([]byte, spec.ValueSize)
				copy(v, u64(r.Uint64()))
				flags := uint64(r.IntN(4))
				want := ref.update(k, v, flags)
				if got := maps.Errno(-m.Update(k, v, flags, 1)); got != want {
					t.Fatalf("%v %d: update of %x with flags %d: %v, want %v", spec.Type, i, k, flags, got, want)
				}
			case 2:
				_, there := ref.m[string(k)]
				delete(ref.m, string(k))
				if got := m.Delete(k); (got == 0) != there || !there && got != maps.ENOENT.Ret() {
					t.Fatalf("%v %d: delete of %x: %d, there %v", spec.Type, i, k, got, there)
				}
			case 3:
				v, there := ref.m[string(k)]
				at := m.Lookup(k, 1)
				if (at != 0) != there || there && string(s.Arena.Bytes(uint32(at), spec.ValueSize)) != v {
					t.Fatalf("%v %d: lookup of %x: %x, there %v", spec.Type, i, k, at, there)
				}
				if at != 0 {
					if back, ok := m.KeyAt(uint32(at)); !ok || !bytes.Equal(back, k) {
						t.Fatalf("%v %d: the key at the value of %x is %x", spec.Type, i, k, back)
					}
					if spec.Type == maps.PerCPUHash {
						if other := s.Arena.Bytes(uint32(m.Lookup(k, 0)), 8); !bytes.Equal(other, make([]byte, 8)) {
							t.Fatalf("the other CPU has %x", other)
						}
					}
				}
			}
			if m.Len() != len(ref.m) {
				t.Fatalf("%v %d: %d elements, want %d", spec.Type, i, m.Len(), len(ref.m))
			}
		}
		for _, seen := range []map[string]bool{eachKeys(m), nextKeys(t, m)} {
			if len(seen) != len(ref.m) {
				t.Errorf("%v: iteration found %d keys, want %d", spec.Type, len(seen), len(ref.m))
			}
			for k := range seen {
				if _, ok := ref.m[k]; !ok {
					t.Errorf("%v: iteration found %x, which is not there", spec.Type, k)
				}
			}
		}
	}
}

func eachKeys(m maps.Map) map[string]bool {
	seen := map[string]bool{}
	for pos := uint64(0); ; {
		k, _, next, ok := m.Each(pos, 0)
		if !ok {
			return seen
		}
		seen[string(k)] = true
		pos = next
	}
}

func nextKeys(t *testing.T, m maps.Map) map[string]bool {
	seen := map[string]bool{}
	var k []byte
	for {
		next, e := m.NextKey(k)
		if e != 0 {
			return seen
		}
		if seen[string(next)] {
			t.Fatalf("%s: key %x comes twice", m.Name(), next)
		}
		seen[string(next)] = true
		k = next
	}
}

// A pointer to a value that is replaced shows the old value, as in the kernel.
func TestHashReplace(t *testing.T) {
	s := set(t, 1)
	m := create(t, s, maps.Spec{Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	m.Update(u32(1), u64(10), 0, 0)
	old := uint32(m.Lookup(u32(1), 0))
	m.Update(u32(1), u64(20), 0, 0)
	if now := uint32(m.Lookup(u32(1), 0)); now == old || s.Arena.U64(now) != 20 || s.Arena.U64(old) != 10 {
		t.Errorf("old value at %#x is %d, new at %#x is %d", old, s.Arena.U64(old), now, s.Arena.U64(now))
	}
	for range 100 { // a full map takes replacements for ever
		if e := m.Update(u32(1), u64(3), maps.Exist, 0); e != 0 {
			t.Fatal(e)
		}
	}
}

package maps_test

import (
	"math/rand/v2"
	"testing"

	"skep/vm/maps"
)

func TestLRU(t *testing.T) {
	for _, spec := range []maps.Spec{
		{Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 100},
		{Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 64, Flags: maps.FlagNoCommonLRU},
		{Type: maps.LRUPerCPUHash, KeySize: 4, ValueSize: 8, MaxEntries: 40},
		{Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 3000},
	} {
		r := rand.New(rand.NewPCG(9, uint64(spec.MaxEntries)))
		s := set(t, 2)
		m := create(t, s, spec)
		last := map[uint32]uint64{} // the value that a key must have if it is there
		for i := range 20000 {
			k := r.Uint32N(spec.MaxEntries * 3)
			cpu := r.Uint32N(2)
			switch r.IntN(5) {
			case 0, 1, 2:
				v := r.Uint64()
				if e := m.Update(u32(k), u64(v), 0, cpu); e != 0 {
					if spec.MaxEntries > 2 {
						t.Fatalf("%d: update of %d: %d", i, k, e)
					}
					continue
				}
				last[k] = v
				at := m.Lookup(u32(k), cpu)
				if at == 0 || s.Arena.U64(uint32(at)) != v {
					t.Fatalf("%d: %d is not there after its update", i, k)
				}
			case 3:
				if at := m.Lookup(u32(k), cpu); at != 0 && spec.Type == maps.LRUHash && s.Arena.U64(uint32(at)) != last[k] {
					t.Fatalf("%d: value of %d is %x, want %x", i, k, s.Arena.U64(uint32(at)), last[k])
				}
			case 4:
				there := m.Lookup(u32(k), cpu) != 0
				if e := m.Delete(u32(k)); (e == 0) != there {
					t.Fatalf("%d: delete of %d: %d, there %v", i, k, e, there)
				}
			}
			if m.Len() > int(spec.MaxEntries)+1 {
				t.Fatalf("%d: %d elements of %d", i, m.Len(), spec.MaxEntries)
			}
		}
		if n := len(m.(maps.LRU).Order()); n != m.Len() {
			t.Errorf("%+v: the lists hold %d elements, the table %d", spec, n, m.Len())
		}
		if n := len(nextKeys(t, m)); n != m.Len() {
			t.Errorf("%+v: iteration finds %d elements of %d", spec, n, m.Len())
		}
	}
}

// What was looked up since the last round stays, what was not goes.
func TestLRUKeepsUsed(t *testing.T) {
	m := create(t, set(t, 1), maps.Spec{Type: maps.LRUHash, KeySize: 4, ValueSize: 8, MaxEntries: 1000})
	for i := range uint32(1000) {
		m.Update(u32(i), u64(1), 0, 0)
	}
	// The last batch of places was not full, so that some went already: the
	// kernel fills an LRU map of 1000 with 976.
	if m.Len() != 976 {
		t.Errorf("%d elements after the first round, want 976", m.Len())
	}
	kept := map[uint32]bool{}
	for i := range uint32(100) {
		kept[i] = m.Lookup(u32(i), 0) != 0
	}
	for i := range uint32(500) {
		m.Update(u32(5000+i), u64(1), 0, 0)
	}
	for i := range uint32(100) {
		if _, e := m.Get(u32(i)); e != 0 && kept[i] {
			t.Errorf("%d was evicted although it had been looked up", i)
		}
	}
	if m.Len() > 1000 {
		t.Errorf("%d elements", m.Len())
	}
}

package maps_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"skep/vm/arena"
	"skep/vm/maps"
)

// Undoing a journal undoes any map operation, growth of its memory included.
func TestUndo(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	s := set(t, 2)
	for _, typ := range []maps.Type{maps.Hash, maps.PerCPUHash, maps.LRUHash, maps.LPMTrie, maps.Queue, maps.Stack, maps.BloomFilter, maps.Ringbuf, maps.TaskStorage} {
		spec := valid(typ)
		spec.Name = "small " + spec.Name
		create(t, s, spec)
		if spec.MaxEntries == 4 {
			spec.Name, spec.MaxEntries, spec.ValueSize = "large", 5000, 100
			create(t, s, spec)
		}
	}
	a := s.Arena
	for round := range 300 {
		before, regions := bytes.Clone(a.Buf), len(a.Regions())
		var j arena.Journal
		a.Journal = &j
		j.Step(0, arena.NoCell, 0)
		for range 20 {
			m := s.At(r.IntN(len(s.Maps())))
			k := append(u32(r.Uint32N(30)), u64(0)...)[:max(4, m.KeySize())]
			v := bytes.Repeat([]byte{byte(round)}, int(m.ValueSize()))
			switch r.IntN(6) {
			case 0, 1:
				m.Update(k, v, 0, 1)
			case 2:
				m.Delete(k)
			case 3:
				m.Push(v, maps.Exist)
			case 4:
				m.Pop(v)
				m.Lookup(k, 0)
			case 5:
				if ring, ok := m.(interface {
					Reserve(uint64) uint64
					Submit(rec, flags uint64)
				}); ok {
					ring.Submit(ring.Reserve(100), 0)
				}
			}
		}
		a.Journal = nil
		if round%3 == 0 { // keep the changes, so that there is something to change
			continue
		}
		for {
			e, ok := j.Pop()
			if !ok {
				break
			}
			switch {
			case e.Op == arena.OpMem:
				a.Undo(e)
			case e.Op == arena.OpCell && e.Addr == arena.BrkCell:
				a.Shrink(uint32(e.Old))
			}
		}
		if !bytes.Equal(a.Buf, before) || len(a.Regions()) != regions {
			t.Fatalf("round %d: undo leaves other bytes", round)
		}
	}
}

package main

import (
	"encoding/binary"
	"fmt"
	"math/rand"

	"skep/verifier/progen"
	"skep/vm/maps"
)

// keySizes of hashes, the usual ones more often. The generated programs write
// eight bytes of a key and have others on their stack behind those, which may be
// uninitialized: not for pure programs.
var keySizes = [...]uint32{8, 4, 8, 4, 16, 2, 1, 3, 5, 6, 7, 12, 20, 24, 33, 40}

// fill makes the program's maps of those that it was generated with: other types
// and sizes that serve it as well, and elements in arrays and hashes under the
// keys that it looks up.
func (p *Program) fill(g *progen.Program) error {
	rnd := rand.New(rand.NewSource(p.N))
	for _, m := range g.Maps {
		typ, ok := maps.ByName(m.Type)
		if !ok {
			return fmt.Errorf("there is no map type %q", m.Type)
		}
		s := maps.Spec{Name: m.Name, Type: typ, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.MaxEntries}
		switch typ {
		case maps.Array, maps.PerCPUArray:
			s.MaxEntries = 1 + uint32(rnd.Intn(8))
		case maps.Hash:
			s.MaxEntries = 1 + uint32(rnd.Intn(40))
			s.Type = [...]maps.Type{maps.Hash, maps.Hash, maps.Hash, maps.Hash, maps.LRUHash, maps.PerCPUHash}[rnd.Intn(6)]
			if !p.Pure {
				s.KeySize = keySizes[rnd.Intn(len(keySizes))]
			}
		}
		if s.Type == maps.Array || s.Type == maps.Hash {
			s.Init = elements(rnd, &s)
		}
		p.Maps = append(p.Maps, s)
	}
	return nil
}

// elements are some that programs look up.
func elements(rnd *rand.Rand, s *maps.Spec) (out []maps.KV) {
	for n := range min(s.MaxEntries, 6) {
		if s.Type == maps.Hash && rnd.Intn(3) == 0 {
			continue
		}
		kv := maps.KV{Key: make([]byte, max(s.KeySize, 4)), Value: make([]byte, s.ValueSize)}
		binary.LittleEndian.PutUint32(kv.Key, n)
		kv.Key = kv.Key[:s.KeySize]
		rnd.Read(kv.Value)
		out = append(out, kv)
	}
	return out
}

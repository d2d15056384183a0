package maps

import "encoding/binary"

// hashOfMaps is BPF_MAP_TYPE_HASH_OF_MAPS. Values hold the number of an inner
// map in the set; a program's lookup gets that map's pointer.
type hashOfMaps struct{ hash }

func newHashOfMaps(b base) (*hashOfMaps, Errno) {
	h, e := newHash(b)
	if e != 0 {
		return nil, e
	}
	return &hashOfMaps{*h}, 0
}

func (m *hashOfMaps) Lookup(key []byte, cpu uint32) uint64 {
	at := m.hash.Lookup(key, 0)
	if at == 0 {
		return 0
	}
	return uint64(m.set.At(int(m.a.U32(uint32(at)))).Ptr())
}

func (m *hashOfMaps) Each(pos uint64, cpu uint32) ([]byte, uint64, uint64, bool) {
	key, _, next, ok := m.hash.Each(pos, cpu)
	if !ok {
		return nil, 0, 0, false
	}
	return key, m.Lookup(key, cpu), next, true
}

// Update from a program: the verifier allows none.
func (m *hashOfMaps) Update([]byte, []byte, uint64, uint32) int64 { return EOPNOTSUPP.Ret() }

func (m *hashOfMaps) Set(key, value []byte, flags uint64) Errno {
	if e := m.mayUpdate(flags); e != 0 {
		return e
	}
	if e := m.userLens(key, value); e != 0 {
		return e
	}
	if e := m.checkInner(binary.LittleEndian.Uint32(value)); e != 0 {
		return e
	}
	return m.hash.Set(key, value, flags)
}

package maps

import "encoding/binary"

// checkTarget says whether user space may put value at index i of a map of
// redirect targets or sockets, beyond what all fd arrays check.
func (m *fdArray) checkTarget(i uint32, value []byte) Errno {
	switch n := binary.LittleEndian.Uint32(value); m.spec.Type {
	case CPUMap:
		if n > 16384 { // packets that may wait
			return EOVERFLOW
		}
		if i >= m.set.CPUs {
			return ENODEV
		}
	case ReuseportSockArray:
		if len(value) == 8 && binary.LittleEndian.Uint64(value)>>32 != 0 {
			return EINVAL
		}
	}
	return 0
}

// clears says whether writing value empties the element: a devmap's interface
// 0 without a program, a cpumap's queue of length 0.
func (m *fdArray) clears(value []byte) bool {
	n := binary.LittleEndian.Uint32(value)
	return n == 0 && (m.spec.Type == Devmap || m.spec.Type == CPUMap)
}

// devmapHash is BPF_MAP_TYPE_DEVMAP_HASH: a hash of 32-bit keys that programs
// can only redirect to.
type devmapHash struct{ hash }

func newDevmapHash(b base) (*devmapHash, Errno) {
	h, e := newHash(b)
	if e != 0 {
		return nil, e
	}
	return &devmapHash{*h}, 0
}

// Update from a program: the verifier knows none.
func (m *devmapHash) Update([]byte, []byte, uint64, uint32) int64 { return EOPNOTSUPP.Ret() }

// Set mirrors __dev_map_hash_update_elem: a full map is ENOSPC.
func (m *devmapHash) Set(key, value []byte, flags uint64) Errno {
	if flags > Exist {
		return EINVAL
	}
	if e := m.hash.Set(key, value, flags); e != E2BIG {
		return e
	}
	return ENOSPC
}

// Ref is the interface that key i stands for.
func (m *devmapHash) Ref(i uint32) (uint32, bool) {
	addr := m.Lookup(key32(i), 0)
	if addr == 0 {
		return 0, false
	}
	return m.a.U32(uint32(addr)), true
}

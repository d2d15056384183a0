package maps

import "math/bits"

// bloom is BPF_MAP_TYPE_BLOOM_FILTER. Sizes are the kernel's; the hash is
// ours, so that false positives differ from a kernel's, whose seed is random
// anyway.
type bloom struct {
	base
	bits  uint32 // state: the bit set
	mask  uint32 // number of bits - 1
	count uint32 // hash functions
}

func newBloom(b base) (*bloom, Errno) {
	m := &bloom{base: b, count: uint32(b.spec.Extra)}
	if m.count == 0 {
		m.count = 5
	}
	// max_entries * functions / ln 2, to a power of two.
	n := uint64(b.spec.MaxEntries) * uint64(m.count) / 5 * 7
	switch {
	case n > 1<<31:
		n = 1 << 32
	case n <= 64:
		n = 64
	default:
		n = 1 << bits.Len64(n-1)
	}
	if n/8 > uint64(b.a.Limit()) {
		return nil, ENOMEM
	}
	m.mask = uint32(n - 1)
	var e Errno
	m.bits, e = m.state(uint32(n / 8))
	return m, e
}

// bit is the place of value's bit for one hash function.
func (m *bloom) bit(value []byte, i uint32) (addr uint32, bit byte) {
	h := (HashKey(value) + i*0x85ebca6b) * 0x9e3779b1
	h = (h ^ h>>15) & m.mask
	return m.bits + h/8, 1 << (h % 8)
}

func (m *bloom) Push(value []byte, flags uint64) int64 {
	if flags != Any {
		return EINVAL.Ret()
	}
	for i := range m.count {
		at, b := m.bit(value[:m.spec.ValueSize], i)
		m.a.Put8(at, m.a.U8(at)|b)
	}
	return 0
}

// Peek says whether value may have been pushed: 0 or ENOENT.
func (m *bloom) Peek(value []byte) int64 {
	for i := range m.count {
		if at, b := m.bit(value[:m.spec.ValueSize], i); m.a.U8(at)&b == 0 {
			return ENOENT.Ret()
		}
	}
	return 0
}

func (m *bloom) Update([]byte, []byte, uint64, uint32) int64 { return EINVAL.Ret() }

// Set pushes. Get has no key to ask for: use Peek.
func (m *bloom) Set(key, value []byte, flags uint64) Errno {
	if e := m.mayUpdate(flags); e != 0 {
		return e
	}
	if uint32(len(value)) != m.spec.ValueSize {
		return EINVAL
	}
	return Errno(-m.Push(value, flags))
}

func (m *bloom) Get([]byte) ([]byte, Errno)     { return nil, EINVAL }
func (m *bloom) Remove([]byte) Errno            { return EOPNOTSUPP }
func (m *bloom) NextKey([]byte) ([]byte, Errno) { return nil, EOPNOTSUPP }

// Len is the number of bits that are set.
func (m *bloom) Len() int {
	n := 0
	for _, b := range m.a.Bytes(m.bits, m.mask/8+1) {
		n += bits.OnesCount8(b)
	}
	return n
}

// Bloom is what a bloom filter shows of itself.
type Bloom interface {
	Map
	// Bits is a copy of at most limit bytes of the bit array, lowest bit
	// first, and how many bits an element sets.
	Bits(limit int) ([]byte, uint32)
}

func (m *bloom) Bits(limit int) ([]byte, uint32) {
	n := min(uint64(m.mask)/8+1, uint64(limit))
	return append([]byte(nil), m.a.Bytes(m.bits, uint32(n))...), m.count
}

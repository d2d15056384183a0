package maps

import (
	"encoding/binary"
	"math/bits"
)

// stackTrace is BPF_MAP_TYPE_STACK_TRACE: call stacks in buckets numbered by
// a hash, which bpf_get_stackid fills.
type stackTrace struct {
	base
	buckets uint32 // state: for each bucket a count of addresses, then room for them
	n       uint32 // buckets, a power of two
	stride  uint32
}

func newStackTrace(b base) (*stackTrace, Errno) {
	m := &stackTrace{base: b, n: 1 << bits.Len32(b.spec.MaxEntries-1), stride: 8 + b.spec.ValueSize}
	size := uint64(m.n) * uint64(m.stride)
	if size > uint64(b.a.Limit()) {
		return nil, ENOMEM
	}
	var e Errno
	m.buckets, e = m.state(uint32(size))
	return m, e
}

func (m *stackTrace) at(id uint32) uint32 { return m.buckets + id*m.stride }

func (m *stackTrace) has(id uint32) bool { return id < m.n && m.a.U32(m.at(id)) != 0 }

// Stack is the trace stored under id, innermost first.
func (m *stackTrace) Stack(id uint32) ([]uint64, bool) {
	if !m.has(id) {
		return nil, false
	}
	out := make([]uint64, m.a.U32(m.at(id)))
	for i := range out {
		out[i] = m.a.U64(m.at(id) + 8 + 8*uint32(i))
	}
	return out, true
}

// SetStack stores a trace, cut to what a value holds.
func (m *stackTrace) SetStack(id uint32, ips []uint64) {
	if id >= m.n {
		return
	}
	ips = ips[:min(uint32(len(ips)), m.spec.ValueSize/8)]
	b := make([]byte, 0, m.stride)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(ips)))
	for _, ip := range ips {
		b = binary.LittleEndian.AppendUint64(b, ip)
	}
	m.a.Zero(m.at(id), m.stride)
	m.a.Write(m.at(id), b)
}

func (m *stackTrace) Update([]byte, []byte, uint64, uint32) int64 { return EINVAL.Ret() }

func (m *stackTrace) Delete(key []byte) int64 { return m.Remove(key).Ret() }

func (m *stackTrace) Get(key []byte) ([]byte, Errno) {
	if len(key) != 4 {
		return nil, EINVAL
	}
	id := index32(key)
	if !m.has(id) {
		return nil, ENOENT
	}
	return append([]byte(nil), m.a.Bytes(m.at(id)+8, m.spec.ValueSize)...), 0
}

func (m *stackTrace) Set([]byte, []byte, uint64) Errno { return EINVAL }

func (m *stackTrace) Remove(key []byte) Errno {
	if len(key) != 4 {
		return EINVAL
	}
	id := index32(key)
	switch {
	case id >= m.n:
		return E2BIG
	case !m.has(id):
		return ENOENT
	}
	m.a.Zero(m.at(id), m.stride)
	return 0
}

func (m *stackTrace) NextKey(key []byte) ([]byte, Errno) {
	id := uint32(0)
	if len(key) == 4 && m.has(index32(key)) {
		id = index32(key) + 1
	}
	for ; id < m.n; id++ {
		if m.has(id) {
			return key32(id), 0
		}
	}
	return nil, ENOENT
}

func (m *stackTrace) Len() int {
	n := 0
	for id := range m.n {
		if m.has(id) {
			n++
		}
	}
	return n
}

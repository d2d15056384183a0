package maps

import "skep/vm/arena"

// array is BPF_MAP_TYPE_ARRAY and BPF_MAP_TYPE_PERCPU_ARRAY, and the body of
// the arrays of file descriptors.
//
// Element i of CPU c is at base + c*cpuStride + i*stride: an address that a
// JIT can compute. All of it is allocated when the map is made. The kernel's
// stride is the value size rounded up to 8; here eight more bytes follow each
// value of a map that is not large, so that a program that runs off the end of
// one value faults and does not find itself in the next.
type array struct {
	base
	elems             uint32
	stride, cpuStride uint32
}

func newArray(b base) (*array, Errno) {
	const guard, guarded = 8, 1 << 20
	m := &array{base: b, stride: roundUp8(b.spec.ValueSize)}
	if uint64(m.stride+guard)*uint64(b.spec.MaxEntries) <= guarded {
		m.stride += guard
	}
	one := uint64(m.stride) * uint64(b.spec.MaxEntries)
	if one*uint64(b.cpus()) > uint64(b.a.Limit()) {
		return nil, ENOMEM
	}
	m.cpuStride = uint32(one)
	r, err := b.a.Alloc(arena.Region{
		Kind: arena.Value, Perm: b.perm(), Map: int32(b.index), Name: b.spec.Name,
		Len: m.cpuStride * b.cpus(), Stride: m.stride, Size: b.spec.ValueSize,
	}, 64)
	if err != nil {
		return nil, ENOMEM
	}
	m.elems = r.Base
	return m, 0
}

// Indexed is the arrays whose values code may look up itself.
type Indexed interface {
	Map
	Layout() (elems, stride, cpuStride uint32)
}

// Layout is where the values are, for code that looks them up itself: the
// address of element 0 of CPU 0 and the distances of elements and CPUs.
func (m *array) Layout() (elems, stride, cpuStride uint32) { return m.elems, m.stride, m.cpuStride }

func (m *array) at(i, cpu uint32) uint32 {
	if m.cpus() == 1 {
		cpu = 0
	}
	return m.elems + cpu*m.cpuStride + i*m.stride
}

func (m *array) Lookup(key []byte, cpu uint32) uint64 {
	i := index32(key)
	if i >= m.spec.MaxEntries {
		return 0
	}
	return uint64(m.at(i, cpu))
}

// check is array_map_update_elem's order of errors.
func (m *array) check(key []byte, flags uint64) Errno {
	switch {
	case flags&^Lock > Exist:
		return EINVAL
	case index32(key) >= m.spec.MaxEntries:
		return E2BIG
	case flags&NoExist != 0:
		return EEXIST
	case flags&Lock != 0 && !m.spec.SpinLock:
		return EINVAL
	}
	return 0
}

func (m *array) Update(key, value []byte, flags uint64, cpu uint32) int64 {
	if e := m.check(key, flags); e != 0 {
		return e.Ret()
	}
	m.put(m.at(index32(key), cpu), value)
	return 0
}

func (m *array) Delete([]byte) int64 { return EINVAL.Ret() }

func (m *array) Each(pos uint64, cpu uint32) ([]byte, uint64, uint64, bool) {
	if pos >= uint64(m.spec.MaxEntries) {
		return nil, 0, 0, false
	}
	return key32(uint32(pos)), uint64(m.at(uint32(pos), cpu)), pos + 1, true
}

func (m *array) Get(key []byte) ([]byte, Errno) {
	if len(key) != 4 {
		return nil, EINVAL
	}
	i := index32(key)
	if i >= m.spec.MaxEntries {
		return nil, ENOENT
	}
	return m.getAll(m.at(i, 0), m.cpuStride, m.cpus()), 0
}

func (m *array) Set(key, value []byte, flags uint64) Errno {
	if e := m.mayUpdate(flags); e != 0 {
		return e
	}
	if e := m.userLens(key, value); e != 0 {
		return e
	}
	if e := m.check(key, flags); e != 0 {
		return e
	}
	m.putAll(m.at(index32(key), 0), m.cpuStride, m.cpus(), value)
	return 0
}

func (m *array) Remove([]byte) Errno { return EINVAL }

func (m *array) NextKey(key []byte) ([]byte, Errno) { return nextIndex(key, m.spec.MaxEntries) }

// nextIndex is the order of all maps with an index as key.
func nextIndex(key []byte, entries uint32) ([]byte, Errno) {
	if len(key) != 4 {
		return key32(0), 0
	}
	switch i := index32(key); {
	case i >= entries:
		return key32(0), 0
	case i == entries-1:
		return nil, ENOENT
	default:
		return key32(i + 1), 0
	}
}

func (m *array) KeyAt(addr uint32) ([]byte, bool) {
	if addr < m.elems || addr-m.elems >= m.cpuStride*m.cpus() {
		return nil, false
	}
	return key32((addr - m.elems) % m.cpuStride / m.stride), true
}

func (m *array) Len() int { return int(m.spec.MaxEntries) }

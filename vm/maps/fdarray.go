package maps

import "encoding/binary"

// fdArray is an array whose elements refer to kernel objects: programs, perf
// events, cgroups, maps, CPUs, interfaces, sockets. An element is empty or
// holds the bytes that user space wrote; a program sees what the type lets it.
//
// The number in an element's first four bytes stands for the descriptor: the
// index of a program in the machine, of a map in its set, of a socket or
// cgroup in the world.
type fdArray struct {
	array
	present uint32 // state: a byte an element, 1 when it is filled
}

func newFDArray(b base) (*fdArray, Errno) {
	a, e := newArray(b)
	if e != 0 {
		return nil, e
	}
	m := &fdArray{array: *a}
	m.present, e = m.state(b.spec.MaxEntries)
	return m, e
}

func (m *fdArray) has(i uint32) bool {
	return i < m.spec.MaxEntries && m.a.U8(m.present+i) != 0
}

// Ref is the number that element i refers to, false when it is empty.
func (m *fdArray) Ref(i uint32) (uint32, bool) {
	if !m.has(i) {
		return 0, false
	}
	return m.a.U32(m.at(i, 0)), true
}

// Refs is what maps of descriptors have.
type Refs interface {
	Map
	// Ref is the number that element i refers to.
	Ref(i uint32) (uint32, bool)
}

// Lookup mirrors the map_lookup_elem of each type: most have none that a
// program could call.
func (m *fdArray) Lookup(key []byte, cpu uint32) uint64 {
	i := index32(key)
	ref, ok := m.Ref(i)
	if !ok {
		return 0
	}
	switch m.spec.Type {
	case ArrayOfMaps:
		if inner := m.set.At(int(ref)); inner != nil {
			return uint64(inner.Ptr())
		}
		return 0
	case Sockmap, ReuseportSockArray:
		if m.set.Sock != nil {
			return m.set.Sock(ref)
		}
		return 0
	case ProgArray, PerfEventArray, CgroupArray:
		return 0
	}
	return uint64(m.at(i, 0))
}

// Update from a program: only sockmaps have it.
func (m *fdArray) Update(key, value []byte, flags uint64, cpu uint32) int64 {
	if m.spec.Type != Sockmap {
		return EOPNOTSUPP.Ret()
	}
	return m.Set(key, value, flags).Ret()
}

// Delete from a program: sockmaps and redirect maps have it.
func (m *fdArray) Delete(key []byte) int64 { return m.Remove(key).Ret() }

func (m *fdArray) Get(key []byte) ([]byte, Errno) {
	if len(key) != 4 {
		return nil, EINVAL
	}
	if !m.has(index32(key)) {
		return nil, ENOENT
	}
	return m.get(nil, m.at(index32(key), 0)), 0
}

func (m *fdArray) Set(key, value []byte, flags uint64) Errno {
	if e := m.mayUpdate(flags); e != 0 {
		return e
	}
	if e := m.userLens(key, value); e != 0 {
		return e
	}
	i := index32(key)
	if e := m.checkSet(i, value, flags); e != 0 {
		return e
	}
	if m.clears(value) {
		m.a.Zero(m.at(i, 0), m.stride)
		m.a.Put8(m.present+i, 0)
		return 0
	}
	m.put(m.at(i, 0), value)
	m.a.Put8(m.present+i, 1)
	return 0
}

// checkSet has the order of errors of each type's update function.
func (m *fdArray) checkSet(i uint32, value []byte, flags uint64) Errno {
	max := m.spec.MaxEntries
	switch m.spec.Type {
	case ProgArray, PerfEventArray, CgroupArray, ArrayOfMaps:
		if flags != Any {
			return EINVAL
		}
		if i >= max {
			return E2BIG
		}
		if m.spec.Type == ArrayOfMaps {
			return m.checkInner(binary.LittleEndian.Uint32(value))
		}
		return 0
	}
	if flags > Exist {
		return EINVAL
	}
	if i >= max {
		return E2BIG
	}
	switch filled := m.has(i); {
	case m.spec.Type == Devmap || m.spec.Type == CPUMap:
		if flags == NoExist {
			return EEXIST
		}
		return m.checkTarget(i, value)
	case filled && flags == NoExist:
		return EEXIST
	case !filled && flags == Exist:
		return ENOENT
	}
	return m.checkTarget(i, value)
}

// checkInner says whether map number n may be an inner map of this one.
func (b *base) checkInner(n uint32) Errno {
	inner := b.set.At(int(n))
	if inner == nil {
		return EBADF
	}
	have, want := inner.Spec(), b.spec.Inner
	if have.Type != want.Type || have.KeySize != want.KeySize || have.ValueSize != want.ValueSize || have.Flags != want.Flags {
		return EINVAL
	}
	if have.Type == Array && have.MaxEntries != want.MaxEntries && want.Flags&FlagInnerMap == 0 ||
		have.Type == XSKMap && have.MaxEntries != want.MaxEntries {
		return EINVAL
	}
	return 0
}

func (m *fdArray) Remove(key []byte) Errno {
	if len(key) != 4 {
		return EINVAL
	}
	i := index32(key)
	switch m.spec.Type {
	case ProgArray, PerfEventArray, CgroupArray, ArrayOfMaps, ReuseportSockArray:
		if i >= m.spec.MaxEntries {
			return E2BIG
		}
		if !m.has(i) {
			return ENOENT
		}
	default:
		if i >= m.spec.MaxEntries {
			return EINVAL
		}
		if !m.has(i) && m.spec.Type == Sockmap {
			return EINVAL
		}
	}
	m.a.Zero(m.at(i, 0), m.stride)
	m.a.Put8(m.present+i, 0)
	return 0
}

func (m *fdArray) Each(pos uint64, cpu uint32) ([]byte, uint64, uint64, bool) {
	for ; pos < uint64(m.spec.MaxEntries); pos++ {
		if m.has(uint32(pos)) {
			return key32(uint32(pos)), m.Lookup(key32(uint32(pos)), cpu), pos + 1, true
		}
	}
	return nil, 0, 0, false
}

// Len is the number of filled elements.
func (m *fdArray) Len() int {
	n := 0
	for _, b := range m.a.Bytes(m.present, m.spec.MaxEntries) {
		n += int(b)
	}
	return n
}

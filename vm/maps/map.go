package maps

import (
	"encoding/binary"

	"skep/vm/arena"
)

// Map is one map of a machine.
//
// The first group is what a program does, by helpers: results are zero or a
// negative errno, a value is an arena address. The second is what user space
// does, by bpf(2): per-CPU values are those of all CPUs one after another,
// each rounded up to 8 bytes. Slices given belong to the caller; slices
// returned are copies.
type Map interface {
	Spec() *Spec
	Name() string
	Type() uint32
	KeySize() uint32
	ValueSize() uint32
	MaxEntries() uint32
	Index() int  // number of the map in its Set
	Ptr() uint32 // what a program holds to name the map: the address of its descriptor

	// Lookup is the address of the value, 0 when there is none; of a per-CPU
	// map that CPU's. Of a map of maps it is the inner map's Ptr.
	Lookup(key []byte, cpu uint32) uint64
	Update(key, value []byte, flags uint64, cpu uint32) int64
	Delete(key []byte) int64
	// Push, Pop and Peek are for queue, stack and bloom filter. Pop and Peek
	// fill value, on failure with zeros; Peek of a bloom filter tests it.
	Push(value []byte, flags uint64) int64
	Pop(value []byte) int64
	Peek(value []byte) int64
	// Each walks: the element at cursor pos (0 begins), the cursor after it,
	// false at the end. value is an address as from Lookup. Elements deleted
	// meanwhile are left out.
	Each(pos uint64, cpu uint32) (key []byte, value uint64, next uint64, ok bool)

	// Get copies the value out, Set creates or replaces, Remove deletes.
	Get(key []byte) ([]byte, Errno)
	Set(key, value []byte, flags uint64) Errno
	Remove(key []byte) Errno
	// NextKey is the key after key in the map's own order, the first one when
	// key is nil or not in the map; ENOENT after the last.
	NextKey(key []byte) ([]byte, Errno)
	// KeyAt is the key of the element whose value holds addr, for the words
	// of a fault and for the map views.
	KeyAt(addr uint32) ([]byte, bool)
	// Len is the number of elements.
	Len() int

	freeze() // after creation, as the spec says
}

// Set is all maps of a machine.
type Set struct {
	Arena *arena.Arena
	CPUs  uint32

	// Sock, when set, gives the address of the simulated socket with that
	// number: what a lookup in a sockmap returns.
	Sock func(number uint32) uint64

	// UserKey, when set, gives the number by which user space names a kernel
	// object: what it has in place of a file descriptor as the key of a storage
	// map. Object is its inverse.
	UserKey func(owner uint64) (uint32, bool)
	Object  func(t Type, key uint32) (owner uint64, ok bool)

	maps []Map
}

// NewSet makes an empty set of maps in a for a machine with so many CPUs.
func NewSet(a *arena.Arena, cpus uint32) *Set {
	if cpus == 0 {
		cpus = 1
	}
	return &Set{Arena: a, CPUs: cpus}
}

// Maps lists the maps by Index. The slice is the set's own.
func (s *Set) Maps() []Map { return s.maps }

// At is the map with that index, or nil.
func (s *Set) At(i int) Map {
	if i < 0 || i >= len(s.maps) {
		return nil
	}
	return s.maps[i]
}

// ByPtr is the map whose descriptor is at ptr, or nil.
func (s *Set) ByPtr(ptr uint64) Map {
	if ptr>>32 != 0 || !s.Arena.Valid(uint32(ptr), descSize) {
		return nil
	}
	// The descriptor says which map it is of; any other bytes do not lie at
	// that map's Ptr.
	if m := s.At(int(s.Arena.U32(uint32(ptr)+descID)) - 1); m != nil && m.Ptr() == uint32(ptr) {
		return m
	}
	return nil
}

// ByName is the first map of that name, or nil.
func (s *Set) ByName(name string) Map {
	for _, m := range s.maps {
		if m.Name() == name {
			return m
		}
	}
	return nil
}

// New creates a map with its initial elements. The error is a *CreateError.
func (s *Set) New(spec Spec) (Map, error) {
	if err := spec.Check(); err != nil {
		return nil, err
	}
	b := base{set: s, a: s.Arena, spec: spec, index: len(s.maps)}
	var m Map
	errno := b.describe()
	if errno == 0 {
		m, errno = construct(b)
	}
	if errno != 0 {
		return nil, &CreateError{Map: spec.Name, Errno: errno, Msg: "its memory does not fit the machine's arena"}
	}
	s.maps = append(s.maps, m)
	if spec.Data != nil {
		if uint32(len(spec.Data)) > spec.ValueSize {
			return nil, &CreateError{Map: spec.Name, Errno: EINVAL, Msg: "its initial data is longer than value_size"}
		}
		v := make([]byte, spec.ValueSize)
		copy(v, spec.Data)
		if e := m.Set(make([]byte, spec.KeySize), v, Any); e != 0 {
			return nil, &CreateError{Map: spec.Name, Errno: e, Msg: "initial data"}
		}
	}
	for _, kv := range spec.Init {
		if e := m.Set(kv.Key, kv.Value, Any); e != 0 {
			return nil, &CreateError{Map: spec.Name, Errno: e, Msg: "initial element"}
		}
	}
	m.freeze()
	return m, nil
}

// Elements calls f for each element of a map until it says false, with the
// address of its value on CPU 0. It walks also those that programs cannot walk
// (Each is bpf_for_each_map_elem's), by NextKey. It does nothing for maps
// without keys.
func Elements(m Map, f func(key []byte, value uint64) bool) {
	switch m.Spec().Type {
	case LPMTrie, StackTrace:
		for key, e := m.NextKey(nil); e == 0; key, e = m.NextKey(key) {
			if !f(key, m.Lookup(key, 0)) {
				return
			}
		}
		return
	}
	for pos := uint64(0); ; {
		key, value, next, ok := m.Each(pos, 0)
		if !ok || !f(key, value) {
			return
		}
		pos = next
	}
}

// construct makes the map of a checked spec.
func construct(b base) (Map, Errno) {
	switch b.spec.Type {
	case Array, PerCPUArray:
		return newArray(b)
	case Hash, PerCPUHash:
		return newHash(b)
	case Ringbuf, UserRingbuf:
		return newRingbuf(b)
	case ProgArray, PerfEventArray, CgroupArray, ArrayOfMaps, Devmap, CPUMap, XSKMap, Sockmap, ReuseportSockArray:
		return newFDArray(b)
	case LRUHash, LRUPerCPUHash:
		return newLRU(b)
	case LPMTrie:
		return newTrie(b)
	case HashOfMaps:
		return newHashOfMaps(b)
	case DevmapHash:
		return newDevmapHash(b)
	case SockHash:
		return newSockHash(b)
	case Queue, Stack:
		return newQueue(b)
	case BloomFilter:
		return newBloom(b)
	case StackTrace:
		return newStackTrace(b)
	case SkStorage, InodeStorage, TaskStorage, CgrpStorage, CgroupStorage, PerCPUCgroupStorage:
		return newStorage(b)
	case Arena:
		return newArenaMap(b)
	case StructOps:
		return newArray(b)
	}
	return nil, EOPNOTSUPP
}

// base is what all maps share, with the answers of a map that cannot do an
// operation.
type base struct {
	set   *Set
	a     *arena.Arena
	spec  Spec
	index int
	ptr   uint32

	frozen bool // BPF_MAP_FREEZE: user space may only read
}

func (b *base) Spec() *Spec        { return &b.spec }
func (b *base) Name() string       { return b.spec.Name }
func (b *base) Type() uint32       { return uint32(b.spec.Type) }
func (b *base) KeySize() uint32    { return b.spec.KeySize }
func (b *base) ValueSize() uint32  { return b.spec.ValueSize }
func (b *base) MaxEntries() uint32 { return b.spec.MaxEntries }
func (b *base) Index() int         { return b.index }
func (b *base) Ptr() uint32        { return b.ptr }

func (b *base) Lookup([]byte, uint32) uint64                       { return 0 }
func (b *base) Update([]byte, []byte, uint64, uint32) int64        { return EOPNOTSUPP.Ret() }
func (b *base) Delete([]byte) int64                                { return EOPNOTSUPP.Ret() }
func (b *base) Push([]byte, uint64) int64                          { return EOPNOTSUPP.Ret() }
func (b *base) Pop([]byte) int64                                   { return EOPNOTSUPP.Ret() }
func (b *base) Peek([]byte) int64                                  { return EOPNOTSUPP.Ret() }
func (b *base) Get([]byte) ([]byte, Errno)                         { return nil, ENOTSUPP }
func (b *base) Remove([]byte) Errno                                { return ENOTSUPP }
func (b *base) NextKey([]byte) ([]byte, Errno)                     { return nil, ENOTSUPP }
func (b *base) KeyAt(uint32) ([]byte, bool)                        { return nil, false }
func (b *base) Len() int                                           { return 0 }
func (b *base) Each(uint64, uint32) ([]byte, uint64, uint64, bool) { return nil, 0, 0, false }

func (b *base) Set(_, _ []byte, flags uint64) Errno {
	if e := b.mayUpdate(flags); e != 0 {
		return e
	}
	return ENOTSUPP
}

// The descriptor's size and where it holds the map's id, its index plus one.
const (
	descSize = 64
	descID   = 52
)

// describe allocates the map's descriptor: the start of the kernel's struct
// bpf_map, whose fields a program with BTF may read.
func (b *base) describe() Errno {
	r, err := b.a.Alloc(arena.Region{Kind: arena.MapPtr, Len: descSize, Perm: arena.Read, Map: int32(b.index), Name: b.spec.Name}, 64)
	if err != nil {
		return ENOMEM
	}
	b.ptr = r.Base
	b.a.Put32(b.ptr+24, uint32(b.spec.Type))
	b.a.Put32(b.ptr+28, b.spec.KeySize)
	b.a.Put32(b.ptr+32, b.spec.ValueSize)
	b.a.Put32(b.ptr+36, b.spec.MaxEntries)
	b.a.Put64(b.ptr+40, b.spec.Extra)
	b.a.Put32(b.ptr+48, b.spec.Flags)
	b.a.Put32(b.ptr+descID, uint32(b.index)+1)
	return 0
}

// state allocates n bytes that only the map itself touches.
func (b *base) state(n uint32) (uint32, Errno) {
	r, err := b.a.Alloc(arena.Region{Kind: arena.State, Len: n, Map: int32(b.index), Name: b.spec.Name}, 64)
	if err != nil {
		return 0, ENOMEM
	}
	return r.Base, 0
}

// perm is what programs may do with the values.
func (b *base) perm() arena.Perm {
	switch t := b.spec.Type; {
	case b.spec.Flags&FlagRdonlyProg != 0, t == Devmap, t == DevmapHash, t == CPUMap, t == XSKMap:
		return arena.Read
	case b.spec.Flags&FlagWronlyProg != 0:
		return arena.Write
	}
	return arena.Read | arena.Write
}

// mayWrite says whether user space may change the map.
func (b *base) mayWrite() bool { return b.spec.Flags&FlagRdonly == 0 && !b.frozen }

// mayUpdate is what an update from user space is refused with before the map
// is asked (map_update_elem in kernel/bpf/syscall.c).
func (b *base) mayUpdate(flags uint64) Errno {
	switch {
	case !b.mayWrite():
		return EPERM
	case flags&Lock != 0 && !b.spec.SpinLock:
		return EINVAL
	}
	return 0
}

func (b *base) freeze() { b.frozen = b.spec.Frozen }

// cpus is the number of values an element has.
func (b *base) cpus() uint32 {
	if b.spec.Type.Row().PerCPU {
		return b.set.CPUs
	}
	return 1
}

// checkFlags is what every keyed update checks first. Nothing is locked for
// BPF_F_LOCK: one program runs at a time.
func (b *base) checkFlags(flags uint64) Errno {
	if flags&^Lock > Exist || flags&Lock != 0 && !b.spec.SpinLock {
		return EINVAL
	}
	return 0
}

// put copies a value to addr but for its special parts.
func (b *base) put(addr uint32, value []byte) {
	off := uint32(0)
	for _, s := range b.spec.Special {
		if s.Off < off || s.Off > uint32(len(value)) {
			continue
		}
		b.a.Write(addr+off, value[off:s.Off])
		off = min(s.Off+s.Len, uint32(len(value)))
	}
	b.a.Write(addr+off, value[off:])
}

// get appends the value at addr to dst, with zeros for a spin lock.
func (b *base) get(dst []byte, addr uint32) []byte {
	n := len(dst)
	dst = append(dst, b.a.Bytes(addr, b.spec.ValueSize)...)
	for _, s := range b.spec.Special {
		if s.Off+s.Len <= b.spec.ValueSize {
			clear(dst[n+int(s.Off) : n+int(s.Off+s.Len)])
		}
	}
	return dst
}

// getAll appends count values that lie stride apart, each rounded up to 8 when
// there are several: what user space reads of a per-CPU map.
func (b *base) getAll(addr, stride, count uint32) []byte {
	if !b.spec.Type.Row().PerCPU {
		return b.get(nil, addr)
	}
	var out []byte
	for i := range count {
		out = b.get(out, addr+i*stride)
		for len(out)%8 != 0 {
			out = append(out, 0)
		}
	}
	return out
}

// putAll is the inverse of getAll. A single value of a per-CPU map goes to
// all CPUs: a convenience that bpf(2) does not have.
func (b *base) putAll(addr, stride, count uint32, value []byte) {
	n := b.spec.ValueSize
	for i := range count {
		v := value
		if uint32(len(value)) > n {
			v = value[i*roundUp8(n):]
		}
		b.put(addr+i*stride, v[:n])
	}
}

// userLens checks the lengths of what user space passes.
func (b *base) userLens(key, value []byte) Errno {
	n := uint32(len(value))
	if uint32(len(key)) != b.spec.KeySize {
		return EINVAL
	}
	if n != b.spec.ValueSize && (!b.spec.Type.Row().PerCPU || n != roundUp8(b.spec.ValueSize)*b.set.CPUs) {
		return EINVAL
	}
	return 0
}

// index32 is the key of an array.
func index32(key []byte) uint32 { return binary.LittleEndian.Uint32(key) }

func key32(i uint32) []byte { return binary.LittleEndian.AppendUint32(nil, i) }

func roundUp8(n uint32) uint32 { return (n + 7) &^ 7 }

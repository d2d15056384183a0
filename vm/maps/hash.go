package maps

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// hash is BPF_MAP_TYPE_HASH and BPF_MAP_TYPE_PERCPU_HASH, and the table under
// LRU maps, hash of maps and others.
//
// As in the kernel a hash without per-CPU values does not overwrite the value
// of a key: it links a new element and unlinks the old, which stays readable
// through pointers that a program got before, until it is reused (the element
// waits in a spare place, one a CPU). The order of iteration is by bucket; the
// kernel's depends on a random seed, ours on none.
type hash struct {
	base
	slots
	buckets uint32 // address of the bucket heads
	mask    uint32 // number of buckets - 1
	head    uint32 // state: count, then the spare slot of each CPU
	limit   uint32 // elements there may be
}

const (
	slotHash = 4 // header word: hash of the key
	hashHdr  = 8

	maxBuckets = 64 << 10 // 256 KiB of heads; larger maps have longer chains
)

func newHash(b base) (*hash, Errno) { return newHashWith(b, hashHdr, b.spec.MaxEntries) }

func newHashWith(b base, hdr, entries uint32) (*hash, Errno) {
	m := &hash{base: b, limit: entries}
	var e Errno
	if uint64(entries)+uint64(b.set.CPUs) >= 1<<32 {
		return nil, ENOMEM
	}
	if m.slots, e = newSlots(&m.base, entries+b.set.CPUs, hdr, b.spec.KeySize, b.spec.ValueSize, m.cpus()); e != 0 {
		return nil, e
	}
	n := uint32(1) << bits.Len32(min(entries, maxBuckets)-1)
	if m.buckets, e = m.state(4 * n); e != 0 {
		return nil, e
	}
	m.mask = n - 1
	m.head, e = m.state(4 + 4*b.set.CPUs)
	return m, e
}

// HashKey is the hash of a key: multiply and fold, eight bytes at a time, the
// last ones padded with zeros. Code generators may inline it.
func HashKey(key []byte) uint32 {
	const k = 0x9e3779b97f4a7c15
	h := uint64(len(key)) * k
	for len(key) >= 8 {
		h = (h ^ binary.LittleEndian.Uint64(key)) * k
		h ^= h >> 32
		key = key[8:]
	}
	if len(key) > 0 {
		var last [8]byte
		copy(last[:], key)
		h = (h ^ binary.LittleEndian.Uint64(last[:])) * k
		h ^= h >> 32
	}
	return uint32(h)
}

// bucket is the address of the head of the key's chain.
func (m *hash) bucket(h uint32) uint32 { return m.buckets + 4*(h&m.mask) }

func (m *hash) lookup(key []byte, h uint32) uint32 {
	ref := m.a.U32(m.bucket(h))
	for n := m.max; ref != 0 && n > 0; n-- { // code with wrong facts may have tied a knot
		at := m.addr(ref)
		if m.a.U32(at+slotHash) == h && bytes.Equal(m.key(ref), key) {
			return ref
		}
		ref = m.a.U32(at + slotNext)
	}
	return 0
}

func (m *hash) Lookup(key []byte, cpu uint32) uint64 {
	ref := m.lookup(key, HashKey(key))
	if ref == 0 {
		return 0
	}
	return uint64(m.value(ref, cpu))
}

// count is the number of elements.
func (m *hash) count() uint32           { return m.a.U32(m.head) }
func (m *hash) addCount(d int32)        { m.a.Put32(m.head, m.count()+uint32(d)) }
func (m *hash) spare(cpu uint32) uint32 { return m.head + 4 + 4*cpu }

// existFlags is check_flags of kernel/bpf/hashtab.c.
func existFlags(old uint32, flags uint64) Errno {
	switch {
	case old != 0 && flags&^Lock == NoExist:
		return EEXIST
	case old == 0 && flags&^Lock == Exist:
		return ENOENT
	}
	return 0
}

func (m *hash) Update(key, value []byte, flags uint64, cpu uint32) int64 {
	return m.update(key, flags, cpu, func(ref uint32, fresh bool) { m.putOne(ref, fresh, value, cpu) }).Ret()
}

// putOne writes the value of one CPU; those of the others begin as zeros.
func (m *hash) putOne(ref uint32, fresh bool, value []byte, cpu uint32) {
	if fresh && m.reps > 1 {
		m.a.Zero(m.value(ref, 0), m.reps*roundUp8(m.spec.ValueSize))
	}
	m.put(m.value(ref, cpu), value)
}

// update finds or makes the key's element and has fill write its value.
func (m *hash) update(key []byte, flags uint64, cpu uint32, fill func(ref uint32, fresh bool)) Errno {
	if e := m.checkFlags(flags); e != 0 {
		return e
	}
	h := HashKey(key)
	old := m.lookup(key, h)
	if e := existFlags(old, flags); e != 0 {
		return e
	}
	if old != 0 && (m.reps > 1 || m.spec.Type.Row().PerCPU || flags&Lock != 0) {
		fill(old, false)
		return 0
	}
	ref, e := m.element(old, cpu)
	if e != 0 {
		return e
	}
	at := m.addr(ref)
	if len(m.spec.Special) > 0 {
		m.a.Zero(at+m.valOff, m.stride-m.valOff)
	}
	m.a.Write(at+m.hdr, key)
	fill(ref, true)
	m.a.Put32(at+slotHash, h)
	m.link(ref, h)
	if old != 0 {
		m.unlink(old, h)
	} else {
		m.addCount(1)
	}
	return 0
}

// element gets a slot for a key that is new (old is 0) or replaced.
func (m *hash) element(old, cpu uint32) (uint32, Errno) {
	if old != 0 {
		ref := m.a.U32(m.spare(cpu))
		if ref == 0 {
			if ref = m.take(); ref == 0 {
				return 0, ENOMEM
			}
		}
		m.a.Put32(m.spare(cpu), old)
		return ref, 0
	}
	if m.count() >= m.limit {
		return 0, E2BIG
	}
	ref := m.take()
	if ref == 0 {
		return 0, ENOMEM
	}
	return ref, 0
}

func (m *hash) link(ref, h uint32) {
	m.a.Put32(m.addr(ref)+slotNext, m.a.U32(m.bucket(h)))
	m.a.Put32(m.bucket(h), ref)
}

func (m *hash) unlink(ref, h uint32) {
	p := m.bucket(h)
	for m.a.U32(p) != ref {
		if m.a.U32(p) == 0 {
			return
		}
		p = m.addr(m.a.U32(p)) + slotNext
	}
	m.a.Put32(p, m.a.U32(m.addr(ref)+slotNext))
}

// drop takes an element out of the table and frees its slot.
func (m *hash) drop(ref uint32) {
	m.unlink(ref, m.a.U32(m.addr(ref)+slotHash))
	m.give(ref)
	m.addCount(-1)
}

func (m *hash) Delete(key []byte) int64 {
	ref := m.lookup(key, HashKey(key))
	if ref == 0 {
		return ENOENT.Ret()
	}
	m.drop(ref)
	return 0
}

// Each has the bucket plus one in the upper half of its cursor and the slot to
// visit in the lower, as the kernel's safe iteration fetches the next element
// before it runs a callback on this one.
func (m *hash) Each(pos uint64, cpu uint32) ([]byte, uint64, uint64, bool) {
	b, ref := uint32(pos>>32), uint32(pos)
	if b > 0 {
		b--
	}
	if ref != 0 && !m.inChain(b, ref) {
		ref = 0
	}
	if ref == 0 && pos != 0 {
		b++
	}
	for ref == 0 {
		if b > m.mask {
			return nil, 0, 0, false
		}
		if ref = m.a.U32(m.buckets + 4*b); ref == 0 {
			b++
		}
	}
	next := uint64(b+1)<<32 | uint64(m.a.U32(m.addr(ref)+slotNext))
	return bytes.Clone(m.key(ref)), uint64(m.value(ref, cpu)), next, true
}

func (m *hash) inChain(b, ref uint32) bool {
	if b > m.mask {
		return false
	}
	for r := m.a.U32(m.buckets + 4*b); r != 0; r = m.a.U32(m.addr(r) + slotNext) {
		if r == ref {
			return true
		}
	}
	return false
}

func (m *hash) Get(key []byte) ([]byte, Errno) {
	if uint32(len(key)) != m.spec.KeySize {
		return nil, EINVAL
	}
	ref := m.lookup(key, HashKey(key))
	if ref == 0 {
		return nil, ENOENT
	}
	return m.getAll(m.value(ref, 0), roundUp8(m.spec.ValueSize), m.cpus()), 0
}

func (m *hash) Set(key, value []byte, flags uint64) Errno {
	if e := m.mayUpdate(flags); e != 0 {
		return e
	}
	if e := m.userLens(key, value); e != 0 {
		return e
	}
	return m.update(key, flags, 0, func(ref uint32, _ bool) {
		m.putAll(m.value(ref, 0), roundUp8(m.spec.ValueSize), m.cpus(), value)
	})
}

func (m *hash) Remove(key []byte) Errno {
	switch {
	case !m.mayWrite():
		return EPERM
	case uint32(len(key)) != m.spec.KeySize:
		return EINVAL
	}
	return Errno(-m.Delete(key))
}

func (m *hash) NextKey(key []byte) ([]byte, Errno) {
	var pos uint64
	if key != nil {
		if uint32(len(key)) != m.spec.KeySize {
			return nil, EINVAL
		}
		h := HashKey(key)
		if ref := m.lookup(key, h); ref != 0 {
			pos = uint64(h&m.mask+1)<<32 | uint64(m.a.U32(m.addr(ref)+slotNext))
		}
	}
	k, _, _, ok := m.Each(pos, 0)
	if !ok {
		return nil, ENOENT
	}
	return k, 0
}

func (m *hash) KeyAt(addr uint32) ([]byte, bool) {
	ref := m.find(addr)
	if ref == 0 || ref > m.a.U32(m.words+4) {
		return nil, false
	}
	return bytes.Clone(m.key(ref)), true
}

func (m *hash) Len() int { return int(m.count()) }

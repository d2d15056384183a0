package maps

import (
	"bytes"
)

// lru is BPF_MAP_TYPE_LRU_HASH and BPF_MAP_TYPE_LRU_PERCPU_HASH with the
// kernel's eviction (kernel/bpf/bpf_lru_list.c), which is less exact than the
// name says: new elements wait in a list of their CPU, free places are fetched
// by the batch, and one insertion into a full map may evict up to 128 elements
// that were not looked up since the last round.
//
//	global: active, inactive, free     local, per CPU: free, pending
//
// A lookup by a program sets an element's reference bit and moves nothing;
// that happens when places are needed. With BPF_F_NO_COMMON_LRU each CPU has
// global lists and a share of the places of its own, and no local ones.
type lru struct {
	hash
	heads  uint32 // state: two links for each list
	groups uint32 // state: for each group of global lists: counts of active and inactive, rotation
	own    bool   // BPF_F_NO_COMMON_LRU
	scans  int    // nodes looked at in one go
	target int    // places to fetch at once
}

// Words of an element's header, after those of a hash.
const (
	lruPrev = 8
	lruNext = 12
	lruInfo = 16 // list the element is in, reference bit << 8, CPU << 16
	lruHdr  = 24

	lruRef = 1 << 8
)

// Kinds of lists. The first three belong to a group of global lists, the last
// two are local.
const (
	lruActive = iota
	lruInactive
	lruFree
	lruLocalFree
	lruPending

	lruGlobals = 3
)

// headBit marks a link that leads to the head of a list, not to an element.
const headBit = 1 << 31

const (
	localTarget  = 128 // LOCAL_FREE_TARGET
	perCPUTarget = 4   // PERCPU_FREE_TARGET
	groupWords   = 16
)

func newLRU(b base) (*lru, Errno) {
	m := &lru{own: b.spec.Flags&FlagNoCommonLRU != 0}
	cpus := b.set.CPUs
	if m.own { // htab_map_alloc rounds up to a multiple of the CPUs
		n := (uint64(b.spec.MaxEntries) + uint64(cpus) - 1) / uint64(cpus) * uint64(cpus)
		if n > 1<<32-1 {
			n -= uint64(cpus)
		}
		b.spec.MaxEntries = uint32(n)
	}
	h, e := newHashWith(b, lruHdr, b.spec.MaxEntries)
	if e != 0 {
		return nil, e
	}
	m.hash = *h
	m.slots.b = &m.base
	lists := lruGlobals + 2*cpus
	m.scans, m.target = localTarget, int(min(max(b.spec.MaxEntries/cpus/2, 1), localTarget))
	if m.own {
		lists = lruGlobals * cpus
		m.scans, m.target = perCPUTarget, perCPUTarget
	}
	if m.heads, e = m.state(8 * lists); e != 0 {
		return nil, e
	}
	for i := range lists {
		m.a.Put32(m.heads+8*i, headBit|i)
		m.a.Put32(m.heads+8*i+4, headBit|i)
	}
	if m.groups, e = m.state(groupWords * cpus); e != 0 {
		return nil, e
	}
	for g := range cpus {
		m.setRotation(g, m.list(lruInactive, g))
	}
	return m, 0
}

func (m *lru) Lookup(key []byte, cpu uint32) uint64 {
	ref := m.lookup(key, HashKey(key))
	if ref == 0 {
		return 0
	}
	m.mark(ref)
	return uint64(m.value(ref, cpu))
}

func (m *lru) Update(key, value []byte, flags uint64, cpu uint32) int64 {
	return m.insert(key, flags, cpu, func(ref uint32, fresh bool) { m.putOne(ref, fresh, value, cpu) }).Ret()
}

func (m *lru) Set(key, value []byte, flags uint64) Errno {
	if e := m.mayUpdate(flags); e != 0 {
		return e
	}
	if e := m.userLens(key, value); e != 0 {
		return e
	}
	return m.insert(key, flags, 0, func(ref uint32, _ bool) {
		m.putAll(m.value(ref, 0), roundUp8(m.spec.ValueSize), m.cpus(), value)
	})
}

// insert mirrors htab_lru_map_update_elem: the place is taken before the key
// is looked for, so that even a refused update may evict.
func (m *lru) insert(key []byte, flags uint64, cpu uint32, fill func(ref uint32, fresh bool)) Errno {
	if flags > Exist {
		return EINVAL
	}
	perCPU := m.spec.Type == LRUPerCPUHash
	h := HashKey(key)
	ref := uint32(0)
	if !perCPU || flags != Exist {
		if ref = m.pop(cpu, h); ref == 0 {
			return ENOMEM
		}
		m.a.Write(m.addr(ref)+m.hdr, key)
	}
	old := m.lookup(key, h)
	e := existFlags(old, flags)
	switch {
	case e != 0:
	case old != 0 && perCPU: // in place
		m.mark(old)
		fill(old, false)
	default:
		fill(ref, true)
		m.link(ref, h)
		m.addCount(1)
		if old == 0 {
			return 0
		}
		m.mark(ref)
		m.unlink(old, h)
		m.addCount(-1)
		ref = old
	}
	if ref != 0 {
		m.push(ref)
	}
	return e
}

func (m *lru) Delete(key []byte) int64 {
	h := HashKey(key)
	ref := m.lookup(key, h)
	if ref == 0 {
		return ENOENT.Ret()
	}
	m.unlink(ref, h)
	m.addCount(-1)
	m.push(ref)
	return 0
}

func (m *lru) Remove(key []byte) Errno {
	switch {
	case !m.mayWrite():
		return EPERM
	case uint32(len(key)) != m.spec.KeySize:
		return EINVAL
	}
	return Errno(-m.Delete(key))
}

// LRUEntry is an element in the order of an LRU map's lists.
type LRUEntry struct {
	Key  []byte
	List string // pending, active or inactive
	CPU  uint32
	Ref  bool // looked up since the last round
}

// LRU is what LRU maps show of themselves.
type LRU interface {
	Map
	// Order lists the elements from the youngest to the one that is evicted
	// next, list by list.
	Order() []LRUEntry
}

func (m *lru) Order() []LRUEntry {
	var out []LRUEntry
	walk := func(kind, cpu uint32, name string) {
		head := m.list(kind, cpu)
		for ref := m.next(head); ref != head; ref = m.next(ref) {
			out = append(out, LRUEntry{bytes.Clone(m.key(ref)), name, m.cpuOf(ref), m.isRef(ref)})
		}
	}
	for cpu := range m.set.CPUs {
		if !m.own {
			walk(lruPending, cpu, "pending")
		}
	}
	for cpu := range m.set.CPUs {
		if cpu == 0 || m.own {
			walk(lruActive, cpu, "active")
			walk(lruInactive, cpu, "inactive")
		}
	}
	return out
}

package maps

// The lists of an LRU map and how places and elements move between them:
// kernel/bpf/bpf_lru_list.c.

// list is the head of a list of a CPU, or of the common one.
func (m *lru) list(kind, cpu uint32) uint32 {
	switch {
	case m.own:
		return headBit | (cpu*lruGlobals + kind)
	case kind < lruGlobals:
		return headBit | kind
	}
	return headBit | (lruGlobals + 2*cpu + kind - lruGlobals)
}

// links is the address of the two links of an element or head.
func (m *lru) links(ref uint32) uint32 {
	if ref&headBit != 0 {
		return m.heads + 8*(ref&^headBit)
	}
	return m.addr(ref) + lruPrev
}

func (m *lru) prev(ref uint32) uint32 { return m.a.U32(m.links(ref)) }
func (m *lru) next(ref uint32) uint32 { return m.a.U32(m.links(ref) + 4) }

func (m *lru) detach(ref uint32) {
	p, n := m.prev(ref), m.next(ref)
	m.a.Put32(m.links(p)+4, n)
	m.a.Put32(m.links(n), p)
}

// attach puts an element at the front of a list.
func (m *lru) attach(ref, head uint32) {
	n := m.next(head)
	m.a.Put32(m.links(ref), head)
	m.a.Put32(m.links(ref)+4, n)
	m.a.Put32(m.links(n), ref)
	m.a.Put32(m.links(head)+4, ref)
}

func (m *lru) empty(head uint32) bool { return m.next(head) == head }

func (m *lru) info(ref uint32) uint32        { return m.a.U32(m.addr(ref) + lruInfo) }
func (m *lru) setInfo(ref, v uint32)         { m.a.Put32(m.addr(ref)+lruInfo, v) }
func (m *lru) kind(ref uint32) uint32        { return m.info(ref) & 0xff }
func (m *lru) isRef(ref uint32) bool         { return m.info(ref)&lruRef != 0 }
func (m *lru) cpuOf(ref uint32) uint32       { return m.info(ref) >> 16 }
func (m *lru) mark(ref uint32)               { m.setInfo(ref, m.info(ref)|lruRef) }
func (m *lru) rotation(g uint32) uint32      { return m.a.U32(m.groups + groupWords*g + 8) }
func (m *lru) setRotation(g, ref uint32)     { m.a.Put32(m.groups+groupWords*g+8, ref) }
func (m *lru) counted(g, kind uint32) uint32 { return m.a.U32(m.groups + groupWords*g + 4*kind) }

func (m *lru) addCounted(g, kind uint32, d int32) {
	if kind == lruActive || kind == lruInactive {
		at := m.groups + groupWords*g + 4*kind
		m.a.Put32(at, m.a.U32(at)+uint32(d))
	}
}

// group is the group of global lists that a CPU uses.
func (m *lru) group(cpu uint32) uint32 {
	if m.own {
		return cpu
	}
	return 0
}

// move takes an element of a global list to the front of another list, which
// clears its reference bit.
func (m *lru) move(g, ref, kind, head uint32) {
	if m.rotation(g) == ref {
		m.setRotation(g, m.prev(ref))
	}
	m.addCounted(g, m.kind(ref), -1)
	m.addCounted(g, kind, 1)
	m.setInfo(ref, m.cpuOf(ref)<<16|kind)
	m.detach(ref)
	m.attach(ref, head)
}

// global is move to another list of the group.
func (m *lru) global(g, ref, kind uint32) { m.move(g, ref, kind, m.list(kind, g)) }

// rotate is __bpf_lru_list_rotate.
func (m *lru) rotate(g uint32) {
	if m.counted(g, lruInactive) < m.counted(g, lruActive) {
		head := m.list(lruActive, g)
		first := m.next(head)
		for i, ref := 0, m.prev(head); ref != head; {
			before := m.prev(ref)
			if m.isRef(ref) {
				m.global(g, ref, lruActive)
			} else {
				m.global(g, ref, lruInactive)
			}
			if i++; i == m.scans || ref == first {
				break
			}
			ref = before
		}
	}
	m.rotateInactive(g)
}

// rotateInactive is __bpf_lru_list_rotate_inactive: a round of the inactive
// list, continued where the last one stopped, in which elements that were
// looked up become active.
func (m *lru) rotateInactive(g uint32) {
	head := m.list(lruInactive, g)
	if m.empty(head) {
		return
	}
	last := m.next(m.rotation(g))
	if last == head {
		last = m.next(last)
	}
	next := head
	for i, cur := 0, m.rotation(g); i < m.scans; {
		if cur == head {
			cur = m.prev(cur)
			continue
		}
		next = m.prev(cur)
		if m.isRef(cur) {
			m.global(g, cur, lruActive)
		}
		if cur == last {
			break
		}
		cur = next
		i++
	}
	m.setRotation(g, next)
}

// unhash takes an element out of the table; false when it is not in it.
func (m *lru) unhash(ref uint32) bool {
	h := m.a.U32(m.addr(ref) + slotHash)
	if !m.inChain(h&m.mask, ref) {
		return false
	}
	m.unlink(ref, h)
	m.addCount(-1)
	return true
}

// shrink is __bpf_lru_list_shrink: evicts up to n inactive elements that were
// not looked up, or else one that was. It reports how many.
func (m *lru) shrink(g uint32, n int, kind, free uint32) int {
	head := m.list(lruInactive, g)
	got := 0
	for i, ref := 0, m.prev(head); ref != head; {
		before := m.prev(ref)
		if m.isRef(ref) {
			m.global(g, ref, lruActive)
		} else if m.unhash(ref) {
			m.move(g, ref, kind, free)
			if got++; got == n {
				break
			}
		}
		if i++; i == m.scans {
			break
		}
		ref = before
	}
	if got > 0 {
		return got
	}
	if m.empty(head) {
		head = m.list(lruActive, g)
	}
	for ref := m.prev(head); ref != head; ref = m.prev(ref) {
		if m.unhash(ref) {
			m.move(g, ref, kind, free)
			return 1
		}
	}
	return 0
}

// fresh takes a place that no element ever had, of the share of a CPU when it
// has one, and puts it on a free list.
func (m *lru) fresh(cpu, kind, free uint32) bool {
	if m.own {
		used := m.groups + groupWords*cpu + 12
		if m.a.U32(used) == m.spec.MaxEntries/m.set.CPUs {
			return false
		}
		m.a.Put32(used, m.a.U32(used)+1)
	} else if m.a.U32(m.words+4) >= m.spec.MaxEntries {
		return false
	}
	ref := m.take()
	if ref == 0 {
		return false
	}
	m.setInfo(ref, cpu<<16|kind)
	m.attach(ref, free)
	return true
}

// pop is bpf_lru_pop_free: a place for a new element with that hash, 0 when
// there is none to be had.
func (m *lru) pop(cpu, h uint32) uint32 {
	if m.own {
		return m.popOwn(cpu, h)
	}
	ref := m.localFree(cpu)
	if ref == 0 {
		m.refill(cpu)
		ref = m.localFree(cpu)
	}
	for c := uint32(0); ref == 0 && c < m.set.CPUs; c++ { // steal
		if ref = m.localFree(c); ref == 0 {
			ref = m.stealPending(c)
		}
	}
	if ref == 0 {
		return 0
	}
	m.a.Put32(m.addr(ref)+slotHash, h)
	m.setInfo(ref, cpu<<16|lruPending)
	m.attach(ref, m.list(lruPending, cpu))
	return ref
}

// localFree takes the first place of a CPU's free list.
func (m *lru) localFree(cpu uint32) uint32 {
	head := m.list(lruLocalFree, cpu)
	if m.empty(head) {
		return 0
	}
	ref := m.next(head)
	m.detach(ref)
	return ref
}

// stealPending evicts the oldest element of a CPU's pending list, one that
// was not looked up if there is one.
func (m *lru) stealPending(cpu uint32) uint32 {
	head := m.list(lruPending, cpu)
	for _, force := range [...]bool{false, true} {
		for ref := m.prev(head); ref != head; ref = m.prev(ref) {
			if (force || !m.isRef(ref)) && m.unhash(ref) {
				m.detach(ref)
				return ref
			}
		}
	}
	return 0
}

// refill is bpf_lru_list_pop_free_to_local: the pending elements of the CPU go
// to the global lists, and a batch of places comes back.
func (m *lru) refill(cpu uint32) {
	pending, free := m.list(lruPending, cpu), m.list(lruLocalFree, cpu)
	for ref := m.prev(pending); ref != pending; {
		before := m.prev(ref)
		kind := uint32(lruInactive)
		if m.isRef(ref) {
			kind = lruActive
		}
		m.addCounted(0, kind, 1)
		m.setInfo(ref, m.cpuOf(ref)<<16|kind)
		m.detach(ref)
		m.attach(ref, m.list(kind, 0))
		ref = before
	}
	m.rotate(0)
	n := 0
	for global := m.list(lruFree, 0); n < m.target && !m.empty(global); n++ {
		m.move(0, m.next(global), lruLocalFree, free)
	}
	for n < m.target && m.fresh(cpu, lruLocalFree, free) {
		n++
	}
	if n < m.target {
		m.shrink(0, m.target-n, lruLocalFree, free)
	}
}

// popOwn is pop with lists of the CPU's own.
func (m *lru) popOwn(cpu, h uint32) uint32 {
	m.rotate(cpu)
	free := m.list(lruFree, cpu)
	if m.empty(free) && !m.fresh(cpu, lruFree, free) {
		m.shrink(cpu, perCPUTarget, lruFree, free)
	}
	if m.empty(free) {
		return 0
	}
	ref := m.next(free)
	m.a.Put32(m.addr(ref)+slotHash, h)
	m.global(cpu, ref, lruInactive)
	return ref
}

// push is bpf_lru_push_free: gives a place back.
func (m *lru) push(ref uint32) {
	if m.kind(ref) == lruPending {
		cpu := m.cpuOf(ref)
		m.detach(ref)
		m.setInfo(ref, cpu<<16|lruLocalFree)
		m.attach(ref, m.list(lruLocalFree, cpu))
		return
	}
	m.global(m.group(m.cpuOf(ref)), ref, lruFree)
}

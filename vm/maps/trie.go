package maps

import (
	"encoding/binary"
	"math/bits"
)

// trie is BPF_MAP_TYPE_LPM_TRIE: a binary trie with path compression, as the
// kernel's, so that a view of it shows what the kernel would build. A node
// that only joins two others is intermediate and has no value.
//
//	node: child 0, child 1, prefix length, flags (4 bytes each) | data | value
//
// A key is a 32-bit prefix length and data, most significant bit first.
type trie struct {
	base
	slots
	root uint32 // state: root node, number of entries
	data uint32 // bytes of data in a key
}

const (
	trieChild  = 0 // two words
	trieBits   = 8
	trieFlags  = 12
	trieHdr    = 16
	trieMiddle = 1 // flag of an intermediate node
)

func newTrie(b base) (*trie, Errno) {
	m := &trie{base: b, data: b.spec.KeySize - 4}
	if b.spec.MaxEntries > 1<<30 {
		return nil, ENOMEM
	}
	var e Errno
	// An intermediate node has two children, so there are fewer of them than
	// entries; one more place for the node that replaces another.
	if m.slots, e = newSlots(&m.base, 2*b.spec.MaxEntries+1, trieHdr, m.data, b.spec.ValueSize, 1); e != 0 {
		return nil, e
	}
	m.root, e = m.state(8)
	return m, e
}

func (m *trie) entries() uint32      { return m.a.U32(m.root + 4) }
func (m *trie) addEntries(d int32)   { m.a.Put32(m.root+4, m.entries()+uint32(d)) }
func (m *trie) maxBits() uint32      { return 8 * m.data }
func (m *trie) bits(n uint32) uint32 { return m.a.U32(m.addr(n) + trieBits) }
func (m *trie) middle(n uint32) bool {
	return m.a.U32(m.addr(n)+trieFlags)&trieMiddle != 0
}
func (m *trie) child(n, i uint32) uint32 { return m.a.U32(m.addr(n) + 4*i) }
func (m *trie) bytes(n uint32) []byte    { return m.a.Bytes(m.addr(n)+trieHdr, m.data) }

// bit i of data, counted from the most significant of the first byte.
func bit(data []byte, i uint32) uint32 { return uint32(data[i/8]>>(7-i%8)) & 1 }

// match is how many leading bits of the node's prefix equal those of data, at
// most limit of them.
func (m *trie) match(n uint32, data []byte, limit uint32) uint32 {
	limit = min(limit, m.bits(n))
	node := m.bytes(n)
	for i := range data {
		if d := node[i] ^ data[i]; d != 0 {
			return min(limit, 8*uint32(i)+uint32(bits.LeadingZeros8(d)))
		}
		if 8*uint32(i+1) >= limit {
			break
		}
	}
	return limit
}

// split takes a key apart; false when its prefix length is too large.
func (m *trie) split(key []byte) (uint32, []byte, bool) {
	n := binary.LittleEndian.Uint32(key)
	return n, key[4:], n <= m.maxBits()
}

func (m *trie) Lookup(key []byte, cpu uint32) uint64 {
	plen, data, ok := m.split(key)
	if !ok {
		return 0
	}
	found := uint32(0)
	for n := m.a.U32(m.root); n != 0; {
		k := m.match(n, data, plen)
		if k == m.maxBits() {
			found = n
			break
		}
		if k < m.bits(n) {
			break
		}
		if !m.middle(n) {
			found = n
		}
		n = m.child(n, bit(data, k))
	}
	if found == 0 {
		return 0
	}
	return uint64(m.value(found, 0))
}

// node makes a node for a prefix.
func (m *trie) node(plen uint32, data []byte, flags uint32) uint32 {
	n := m.take()
	if n == 0 {
		return 0
	}
	at := m.addr(n)
	m.a.Put64(at+trieChild, 0)
	m.a.Put32(at+trieBits, plen)
	m.a.Put32(at+trieFlags, flags)
	m.a.Write(at+trieHdr, data)
	return n
}

// walk goes down to where a key belongs: the link that would lead to its node,
// the node there now (0 for none), how much of it matches.
func (m *trie) walk(plen uint32, data []byte) (link, n, k uint32) {
	link = m.root
	for {
		n = m.a.U32(link)
		if n == 0 {
			return link, 0, 0
		}
		k = m.match(n, data, plen)
		if m.bits(n) != k || m.bits(n) == plen || m.bits(n) == m.maxBits() {
			return link, n, k
		}
		link = m.addr(n) + 4*bit(data, k)
	}
}

// mayAdd is trie_check_add_elem.
func (m *trie) mayAdd(flags uint64) Errno {
	switch {
	case flags == Exist:
		return ENOENT
	case m.entries() == m.spec.MaxEntries:
		return ENOSPC
	}
	return 0
}

func (m *trie) Update(key, value []byte, flags uint64, cpu uint32) int64 {
	return m.update(key, value, flags).Ret()
}

// update mirrors trie_update_elem.
func (m *trie) update(key, value []byte, flags uint64) Errno {
	if flags > Exist {
		return EINVAL
	}
	plen, data, ok := m.split(key)
	if !ok {
		return EINVAL
	}
	link, n, k := m.walk(plen, data)
	replace := n != 0 && m.bits(n) == k
	if replace && !m.middle(n) {
		if flags == NoExist {
			return EEXIST
		}
	} else if e := m.mayAdd(flags); e != 0 {
		return e
	}
	fresh := m.node(plen, data, 0)
	if fresh == 0 {
		return ENOMEM
	}
	m.put(m.value(fresh, 0), value)
	if !replace || m.middle(n) {
		m.addEntries(1)
	}
	switch {
	case n == 0:
		m.a.Put32(link, fresh)
	case replace:
		m.a.Put64(m.addr(fresh)+trieChild, m.a.U64(m.addr(n)+trieChild))
		m.a.Put32(link, fresh)
		m.give(n)
	case k == plen: // above the node
		m.a.Put32(m.addr(fresh)+4*bit(m.bytes(n), k), n)
		m.a.Put32(link, fresh)
	default: // beside it
		join := m.node(k, m.bytes(n), trieMiddle)
		if join == 0 {
			m.addEntries(-1)
			m.give(fresh)
			return ENOMEM
		}
		side := bit(data, k)
		m.a.Put32(m.addr(join)+4*side, fresh)
		m.a.Put32(m.addr(join)+4*(1-side), n)
		m.a.Put32(link, join)
	}
	return 0
}

// Delete mirrors trie_delete_elem.
func (m *trie) Delete(key []byte) int64 {
	plen, data, ok := m.split(key)
	if !ok {
		return EINVAL.Ret()
	}
	link, above, parent := m.root, m.root, uint32(0)
	n, k := uint32(0), uint32(0)
	for {
		if n = m.a.U32(link); n == 0 {
			return ENOENT.Ret()
		}
		if k = m.match(n, data, plen); m.bits(n) != k || m.bits(n) == plen {
			break
		}
		parent, above = n, link
		link = m.addr(n) + 4*bit(data, k)
	}
	if m.bits(n) != plen || m.bits(n) != k || m.middle(n) {
		return ENOENT.Ret()
	}
	m.addEntries(-1)
	left, right := m.child(n, 0), m.child(n, 1)
	switch {
	case left != 0 && right != 0:
		m.a.Put32(m.addr(n)+trieFlags, trieMiddle)
		return 0
	case left == 0 && right == 0 && parent != 0 && m.middle(parent):
		other := m.child(parent, 0)
		if other == n {
			other = m.child(parent, 1)
		}
		m.a.Put32(above, other)
		m.give(parent)
	default:
		m.a.Put32(link, left|right)
	}
	m.give(n)
	return 0
}

// keyOf is the key of a node.
func (m *trie) keyOf(n uint32) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, m.bits(n)), m.bytes(n)...)
}

func (m *trie) Get(key []byte) ([]byte, Errno) {
	if uint32(len(key)) != m.spec.KeySize {
		return nil, EINVAL
	}
	at := m.Lookup(key, 0)
	if at == 0 {
		return nil, ENOENT
	}
	return m.get(nil, uint32(at)), 0
}

func (m *trie) Set(key, value []byte, flags uint64) Errno {
	if e := m.mayUpdate(flags); e != 0 {
		return e
	}
	if e := m.userLens(key, value); e != 0 {
		return e
	}
	return m.update(key, value, flags)
}

func (m *trie) Remove(key []byte) Errno {
	switch {
	case !m.mayWrite():
		return EPERM
	case uint32(len(key)) != m.spec.KeySize:
		return EINVAL
	}
	return Errno(-m.Delete(key))
}

// NextKey is the order of trie_get_next_key: children before their parents.
func (m *trie) NextKey(key []byte) ([]byte, Errno) {
	root := m.a.U32(m.root)
	if root == 0 {
		return nil, ENOENT
	}
	if uint32(len(key)) == m.spec.KeySize {
		if plen, data, ok := m.split(key); ok {
			if n, done := m.after(plen, data); done {
				if n == 0 {
					return nil, ENOENT
				}
				return m.keyOf(n), 0
			}
		}
	}
	return m.keyOf(m.leftmost(root)), 0
}

// after finds the node behind a key in postorder, 0 behind the last; done is
// false when the key is not in the trie.
func (m *trie) after(plen uint32, data []byte) (next uint32, done bool) {
	var path []uint32
	n, k := m.a.U32(m.root), uint32(0)
	for n != 0 {
		path = append(path, n)
		if k = m.match(n, data, plen); m.bits(n) != k || m.bits(n) == plen {
			break
		}
		n = m.child(n, bit(data, k))
	}
	if n == 0 || m.bits(n) != k || m.bits(n) != plen || m.middle(n) {
		return 0, false
	}
	for i := len(path) - 1; i > 0; i-- {
		parent := path[i-1]
		if m.child(parent, 0) == path[i] && m.child(parent, 1) != 0 {
			return m.leftmost(m.child(parent, 1)), true
		}
		if !m.middle(parent) {
			return parent, true
		}
	}
	return 0, true
}

// leftmost is the first node below n in postorder.
func (m *trie) leftmost(n uint32) uint32 {
	last := n
	for n != 0 {
		last = n
		if n = m.child(last, 0); n == 0 {
			n = m.child(last, 1)
		}
	}
	return last
}

func (m *trie) KeyAt(addr uint32) ([]byte, bool) {
	n := m.find(addr)
	if n == 0 || n > m.a.U32(m.words+4) {
		return nil, false
	}
	return m.keyOf(n), true
}

func (m *trie) Len() int { return int(m.entries()) }

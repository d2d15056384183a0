package maps

import "skep/vm/arena"

// arenaMap is BPF_MAP_TYPE_ARENA: pages that programs share with user space
// and fill with pointers. Here its pages are one region of the machine's
// memory, so that a pointer is the same number for everybody and
// addr_space_cast changes nothing.
type arenaMap struct {
	base
	pages uint32 // address
	size  uint32 // bytes that are simulated
	used  uint32 // state: pages given out
}

// maxArenaPages bounds what is simulated of an arena: the kernel allocates
// pages when they are asked for, and maps declare up to 4 GiB.
const maxArenaPages = 256

func newArenaMap(b base) (*arenaMap, Errno) {
	m := &arenaMap{base: b, size: pageSize * min(b.spec.MaxEntries, maxArenaPages)}
	r, err := b.a.Alloc(arena.Region{
		Kind: arena.Object, Perm: arena.Read | arena.Write, Map: int32(b.index), Len: m.size, Name: b.spec.Name,
	}, pageSize)
	if err != nil {
		return nil, ENOMEM
	}
	m.pages = r.Base
	var e Errno
	m.used, e = m.state(8)
	return m, e
}

// Pages is the arena's memory: its address and size in bytes.
func (m *arenaMap) Pages() (addr, size uint32) { return m.pages, m.size }

// Used is how many pages programs have allocated, SetUsed changes it.
func (m *arenaMap) Used() uint32     { return m.a.U32(m.used) }
func (m *arenaMap) SetUsed(n uint32) { m.a.Put32(m.used, n) }

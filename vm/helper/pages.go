package helper

// Pages is an arena map: a stretch of pages that the program allocates from.
type Pages interface {
	Map
	// Pages is where it lies and how many bytes it has.
	Pages() (addr, size uint32)
	// Used is how many of its pages are given out.
	Used() uint32
	SetUsed(pages uint32)
}

const pageSize = 4096

// arenaAllocPages: (map, addr, count, node, flags) gives the address of the
// first page, or NULL. Pages are given out in order; freeing gives back only
// those at the end.
func arenaAllocPages(e Env, c *Call) {
	m := mapArg(e, c)
	a, ok := m.(Pages)
	if !ok {
		panic(stop{NotSimulated(c.ID)})
	}
	at, size := a.Pages()
	n, used := uint64(c.u32(3)), uint64(a.Used())
	c.R0 = 0
	if c.Args[1] != 0 { // a wanted place
		used = max(used, (uint64(uint32(c.Args[1]))-uint64(at))/pageSize)
	}
	if c.Args[4] != 0 || n == 0 || used+n > uint64(size)/pageSize {
		return
	}
	a.SetUsed(uint32(used + n))
	c.R0 = uint64(at) + used*pageSize
}

// arenaFreePages: (map, addr, count).
func arenaFreePages(e Env, c *Call) {
	m := mapArg(e, c)
	a, ok := m.(Pages)
	if !ok {
		panic(stop{NotSimulated(c.ID)})
	}
	at, _ := a.Pages()
	page := (uint64(uint32(c.Args[1])) - uint64(at)) / pageSize
	if n := uint64(c.u32(3)); page+n == uint64(a.Used()) {
		a.SetUsed(uint32(page))
	}
	c.set(0)
}

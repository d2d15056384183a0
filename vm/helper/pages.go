package helper

// Pages is an arena map: a stretch of pages that the program allocates from.
type Pages interface {
	Map
	// Pages is where it lies and how many bytes it has.
	Pages() (addr, size uint32)
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
	n, used := uint64(c.u32(3)), e.Var(VarPages)
	c.R0 = 0
	if c.Args[1] != 0 { // a wanted place
		used = max(used, (uint64(uint32(c.Args[1]))-uint64(at))/pageSize)
	}
	if c.Args[4] != 0 || n == 0 || used+n > uint64(size)/pageSize {
		return
	}
	e.SetVar(VarPages, used+n)
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
	if n := uint64(c.u32(3)); page+n == e.Var(VarPages) {
		e.SetVar(VarPages, page)
	}
	c.set(0)
}

package helper

// mapArg is the map in R1.
func mapArg(e Env, c *Call) Map { return mapAt(e, c.Args[0]) }

func mapAt(e Env, ptr uint64) Map {
	m := e.Map(ptr)
	if m == nil {
		// Reading the pointer gives the fault its provenance: NULL, a stack
		// address, a value.
		touch(e, ptr, 1)
		panic(stop{errNotMap})
	}
	return m
}

// key is the key in R2. Maps only read it.
func key(e Env, c *Call, m Map) []byte { return peek(e, c.Args[1], int(m.KeySize())) }

func mapLookupElem(e Env, c *Call) { lookup(e, c, e.CPU()) }

func mapLookupPercpuElem(e Env, c *Call) {
	cpu := c.u32(3)
	if cpu >= e.World().cpus() {
		c.R0 = 0
		return
	}
	lookup(e, c, cpu)
}

func lookup(e Env, c *Call, cpu uint32) {
	m := mapArg(e, c)
	k := key(e, c, m)
	c.R0 = m.Lookup(k, cpu)
}

func mapUpdateElem(e Env, c *Call) {
	m := mapArg(e, c)
	k := key(e, c, m)
	v := peek(e, c.Args[2], int(m.ValueSize()))
	c.set(m.Update(k, v, c.Args[3], e.CPU()))
}

func mapDeleteElem(e Env, c *Call) {
	m := mapArg(e, c)
	k := key(e, c, m)
	c.set(m.Delete(k))
}

func mapPushElem(e Env, c *Call) {
	m := mapArg(e, c)
	v := read(e, c.Args[1], int(m.ValueSize()))
	c.set(m.Push(v, c.Args[2]))
}

func mapPopElem(e Env, c *Call) { take(e, c, Map.Pop) }

func mapPeekElem(e Env, c *Call) { take(e, c, Map.Peek) }

// take is pop and peek: the value goes to R2. A bloom filter's peek reads it.
func take(e Env, c *Call, op func(Map, []byte) int64) {
	m := mapArg(e, c)
	v := read(e, c.Args[1], int(m.ValueSize()))
	c.set(op(m, v))
	if m.Type() == mapBloom {
		return
	}
	write(e, c.Args[1], v)
}

// forEachMapElem calls R2 with (map, key, value, R3) for each element, until
// it returns 1; the result is the number of elements seen. State 0 is the
// cursor.
func forEachMapElem(e Env, c *Call) {
	m := mapArg(e, c)
	if c.Args[3] != 0 {
		c.set(einval)
		return
	}
	if c.Round > 0 && c.Returned != 0 {
		c.R0 = c.Round
		return
	}
	k, v, next, ok := m.Each(c.State[0], e.CPU())
	if !ok {
		c.R0 = c.Round
		return
	}
	c.State[0] = next
	c.Callback = c.Args[1]
	c.CallbackArgs = [5]uint64{c.Args[0], e.Scratch(k), v, c.Args[2], 0}
}

// loop calls R2 with (index, R3) up to R1 times, until it returns 1.
func loop(e Env, c *Call) {
	const max = 8 << 20 // BPF_MAX_LOOPS
	n := uint64(c.u32(1))
	switch {
	case c.Args[3] != 0:
		c.set(einval)
		return
	case n > max:
		c.set(e2big)
		return
	case c.Round > 0 && c.Returned != 0, c.Round >= n:
		c.R0 = c.Round
		return
	}
	c.Callback = c.Args[1]
	c.CallbackArgs = [5]uint64{c.Round, c.Args[2]}
}

// tailCall never returns to the program when it succeeds.
func tailCall(e Env, c *Call) {
	m := mapAt(e, c.Args[1])
	if !e.TailCall(c.Args[0], m, c.u32(3)) {
		c.set(enoent)
		return
	}
}

const errNotMap = fault("R1 is not a map: load one with a map reference")

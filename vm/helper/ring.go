package helper

const (
	rbNoWakeup    = 1
	rbForceWakeup = 2
)

// ringArg is the ring buffer in R1.
func ringArg(e Env, c *Call) Ring {
	m := mapArg(e, c)
	r, ok := m.(Ring)
	if !ok {
		panic(stop{fault("R1 is no ring buffer: map " + m.Name())})
	}
	return r
}

// recordArg is the ring buffer of the record at addr.
func recordAt(e Env, addr uint64) Ring {
	if r := e.Ring(addr); r != nil {
		return r
	}
	peek(e, addr, 1)
	panic(stop{fault("R1 is no reserved record: it was submitted, discarded or never reserved")})
}

func ringbufOutput(e Env, c *Call) {
	r := ringArg(e, c)
	if c.Args[3]&^(rbNoWakeup|rbForceWakeup) != 0 {
		c.set(einval)
		return
	}
	data := read(e, c.Args[1], c.size(3))
	rec := r.Reserve(c.Args[2])
	if rec == 0 {
		c.set(eagain)
		return
	}
	write(e, rec, data)
	r.Submit(rec, c.Args[3])
	c.set(0)
}

func ringbufReserve(e Env, c *Call) {
	r := ringArg(e, c)
	c.R0 = 0
	if c.Args[2] == 0 {
		c.R0 = r.Reserve(c.Args[1])
	}
}

func ringbufSubmit(e Env, c *Call) {
	r := recordAt(e, c.Args[0])
	r.Submit(c.Args[0], c.Args[1])
	c.set(0)
}

func ringbufDiscard(e Env, c *Call) {
	r := recordAt(e, c.Args[0])
	r.Discard(c.Args[0], c.Args[1])
	c.set(0)
}

func ringbufQuery(e Env, c *Call) {
	r := ringArg(e, c)
	c.R0 = 0
	if c.Args[1] <= 3 {
		c.R0 = r.Query(c.Args[1])
	}
}

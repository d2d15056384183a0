package helper

// The probe_read family copies memory that may not be there: what cannot be
// read is -EFAULT and a zeroed buffer, no fault.

func probeRead(e Env, c *Call) { probe(e, c, Either) }

func probeReadUser(e Env, c *Call) { probe(e, c, User) }

func probeReadKernel(e Env, c *Call) { probe(e, c, Kernel) }

// copyFromUser is probeReadUser for sleepable programs.
func copyFromUser(e Env, c *Call) { probe(e, c, User) }

// copyFromUserTask: (dst, size, user_ptr, task, flags). All tasks share the
// one simulated user memory.
func copyFromUserTask(e Env, c *Call) {
	if c.Args[4] != 0 {
		c.set(einval)
		return
	}
	probe(e, c, User)
}

// probe: (dst, size, unsafe_ptr).
func probe(e Env, c *Call, space Space) {
	n := c.size(2)
	if n == 0 {
		c.set(0)
		return
	}
	// Touch the destination first: n is not to be trusted yet.
	touch(e, c.Args[0], n)
	b := make([]byte, n)
	c.set(0)
	if !e.Probe(space, c.Args[2], b) {
		clear(b)
		c.set(efault)
	}
	write(e, c.Args[0], b)
}

func probeReadStr(e Env, c *Call) { probeStr(e, c, Either) }

func probeReadUserStr(e Env, c *Call) { probeStr(e, c, User) }

func probeReadKernelStr(e Env, c *Call) { probeStr(e, c, Kernel) }

// probeStr: (dst, size, unsafe_ptr) gives the length with the NUL. A string
// that does not fit is cut and ended.
func probeStr(e Env, c *Call, space Space) {
	n := c.size(2)
	if n == 0 {
		c.set(0)
		return
	}
	touch(e, c.Args[0], n)
	var out []byte
	var b [1]byte
	for len(out) < n {
		if !e.Probe(space, c.Args[2]+uint64(len(out)), b[:]) {
			c.set(efault)
			write(e, c.Args[0], make([]byte, n))
			return
		}
		out = append(out, b[0])
		if b[0] == 0 {
			break
		}
	}
	out[len(out)-1] = 0
	c.set(int64(len(out)))
	write(e, c.Args[0], out)
}

// probeWriteUser: (dst, src, len).
func probeWriteUser(e Env, c *Call) {
	b := read(e, c.Args[1], c.size(3))
	if !e.Poke(c.Args[0], b) {
		c.set(efault)
		return
	}
	e.Emit(Event{Kind: EventWriteMem, ID: uint32(c.ID), Index: c.Args[0], Data: b})
	c.set(0)
}

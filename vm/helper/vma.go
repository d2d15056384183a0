package helper

// vmaSize is the memory of a vm_area_struct: start and end, as in the
// kernel's, and the flags.
const vmaSize = 64

// findVMA: (task, addr, callback, ctx, flags) calls R3 with (task, area, R4).
func findVMA(e Env, c *Call) {
	if c.Round > 0 {
		c.set(0)
		return
	}
	if c.Args[4] != 0 {
		c.set(einval)
		return
	}
	for i, v := range e.World().VMAs {
		if c.Args[1] < v.Start || c.Args[1] >= v.End {
			continue
		}
		at := e.Object(ObjectVMA, uint32(i), vmaSize)
		writeWord(e, at, v.Start)
		writeWord(e, at+8, v.End)
		writeWord(e, at+32, v.Flags)
		c.Callback, c.CallbackArgs = c.Args[2], [5]uint64{c.Args[0], at, c.Args[3]}
		return
	}
	c.set(enoent)
}

// UserRing is a user ring buffer map: records that user space has written.
type UserRing interface {
	Map
	// Sample is the oldest record not yet released; Release gives it back.
	Sample() (addr uint64, n uint32, ok bool)
	Release()
}

// userRingbufDrain: (map, callback, ctx, flags) calls R2 with (dynptr of the
// record, R3) for each record until it returns 1; the result is their number.
func userRingbufDrain(e Env, c *Call) {
	const most = 128 << 10 // BPF_MAX_USER_RINGBUF_SAMPLES
	m := mapArg(e, c)
	r, ok := m.(UserRing)
	if !ok {
		panic(stop{fault("R1 is no user ring buffer: map " + m.Name())})
	}
	if c.Args[3]&^(rbNoWakeup|rbForceWakeup) != 0 {
		c.set(einval)
		return
	}
	c.R0 = c.Round
	if c.Round > 0 {
		r.Release()
		if c.Returned != 0 || c.Round >= most {
			return
		}
	}
	at, n, ok := r.Sample()
	if !ok {
		return
	}
	d := e.Scratch(make([]byte, 16))
	writeDynptr(e, d, dynptr{data: at, size: n, kind: dynptrLocal, rdonly: true})
	c.Callback, c.CallbackArgs = c.Args[1], [5]uint64{d, c.Args[2]}
}

package helper

// A timer is 16 bytes of a map value. The machine keeps its state there: a
// word of flags and the callback, and the time at which it fires, 0 when it
// is not started. The verifier keeps programs from touching it.
const (
	timerInited  = 1 << 0
	timerCPUPin  = 2 // flag of start
	timerAbs     = 1 // flag of start
	clockReal    = 0
	clockMono    = 1
	clockBoot    = 7
	timerMaxFlag = 16 // MAX_CLOCKS
)

// Timer is the state of a bpf_timer as a machine reads it from a map value.
type Timer struct {
	Init     bool
	Callback uint64 // value of the function register; 0: none
	Expires  uint64 // CLOCK_MONOTONIC ns; 0: not started
}

// ParseTimer reads the 16 bytes of a bpf_timer.
func ParseTimer(b []byte) Timer {
	w := le.Uint64(b)
	return Timer{Init: w&timerInited != 0, Callback: w >> 32, Expires: le.Uint64(b[8:])}
}

func timerAt(e Env, addr uint64) Timer {
	b := peek(e, addr, 16)
	return ParseTimer(b)
}

func (t Timer) store(e Env, addr uint64) {
	var b [16]byte
	w := t.Callback << 32
	if t.Init {
		w |= timerInited
	}
	le.PutUint64(b[0:], w)
	le.PutUint64(b[8:], t.Expires)
	write(e, addr, b[:])
}

func timerInit(e Env, c *Call) {
	t := timerAt(e, c.Args[0])
	clock := c.Args[2] & 15
	switch {
	case c.Args[2] >= timerMaxFlag || clock != clockReal && clock != clockMono && clock != clockBoot:
		c.set(einval)
		return
	case t.Init:
		c.set(ebusy)
		return
	}
	c.set(0)
	Timer{Init: true}.store(e, c.Args[0])
}

func timerSetCallback(e Env, c *Call) {
	t := timerAt(e, c.Args[0])
	if !t.Init {
		c.set(einval)
		return
	}
	t.Callback = c.Args[1] & 0xffffffff
	c.set(0)
	t.store(e, c.Args[0])
}

func timerStart(e Env, c *Call) {
	t := timerAt(e, c.Args[0])
	if c.Args[2]&^(timerAbs|timerCPUPin) != 0 || !t.Init || t.Callback == 0 {
		c.set(einval)
		return
	}
	t.Expires = c.Args[1]
	if c.Args[2]&timerAbs == 0 {
		t.Expires += e.Now()
	}
	t.Expires = max(t.Expires, 1)
	e.Emit(Event{Kind: EventTimer, ID: uint32(c.ID), Index: t.Expires, Flags: c.Args[0]})
	c.set(0)
	t.store(e, c.Args[0])
}

func timerCancel(e Env, c *Call) {
	t := timerAt(e, c.Args[0])
	if !t.Init {
		c.set(einval)
		return
	}
	was := int64(0)
	if t.Expires != 0 {
		was = 1
	}
	t.Expires, t.Callback = 0, 0
	c.set(was)
	t.store(e, c.Args[0])
}

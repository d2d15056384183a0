package helper

// A bpf_timer or bpf_wq is 16 bytes of a map value. The machine keeps its
// state there: a word of flags, the CPU that started it and the callback, and
// the time at which it fires, 0 when it is not started. The verifier keeps
// programs from touching it.
const (
	timerInited  = 1 << 0
	timerWork    = 1 << 1 // a bpf_wq
	timerCPUPin  = 2      // flag of start
	timerAbs     = 1      // flag of start
	clockReal    = 0
	clockMono    = 1
	clockBoot    = 7
	timerMaxFlag = 16 // MAX_CLOCKS
)

// TimerSize is that of struct bpf_timer and struct bpf_wq.
const TimerSize = 16

// Timer is the state of a bpf_timer or bpf_wq as a machine reads it from a
// map value.
type Timer struct {
	Init     bool
	Work     bool   // a bpf_wq
	CPU      uint32 // that started it, at most 255
	Callback uint32 // lower half of the function's register value; 0: none
	Expires  uint64 // CLOCK_MONOTONIC ns; 0: not started
}

// ParseTimer reads the 16 bytes of a bpf_timer or bpf_wq.
func ParseTimer(b []byte) Timer {
	w := le.Uint64(b)
	return Timer{
		Init: w&timerInited != 0, Work: w&timerWork != 0, CPU: uint32(w >> 8 & 0xff),
		Callback: uint32(w >> 32), Expires: le.Uint64(b[8:]),
	}
}

// Bytes is the inverse of ParseTimer.
func (t Timer) Bytes() [TimerSize]byte {
	var b [TimerSize]byte
	w := uint64(t.Callback)<<32 | uint64(t.CPU&0xff)<<8
	if t.Init {
		w |= timerInited
	}
	if t.Work {
		w |= timerWork
	}
	le.PutUint64(b[0:], w)
	le.PutUint64(b[8:], t.Expires)
	return b
}

func timerAt(e Env, addr uint64) Timer { return ParseTimer(peek(e, addr, TimerSize)) }

func (t Timer) store(e Env, addr uint64) {
	b := t.Bytes()
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
	t.Callback = uint32(c.Args[1])
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
	t.Expires, t.CPU = max(t.Expires, 1), e.CPU()
	e.Emit(Event{Kind: EventTimer, ID: uint32(c.ID), Index: t.Expires, Flags: c.Args[0]})
	c.set(0)
	t.store(e, c.Args[0])
}

func timerCancel(e Env, c *Call) {
	t := timerAt(e, c.Args[0])
	switch {
	case !t.Init:
		c.set(einval)
		return
	case e.Var(VarTimer) == c.Args[0]:
		c.set(edeadlk) // it would wait for the callback that calls it
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

// wqInit: (wq, map, flags).
func wqInit(e Env, c *Call) {
	switch t := timerAt(e, c.Args[0]); {
	case c.u32(3) != 0:
		c.set(einval)
	case t.Init:
		c.set(ebusy)
	default:
		c.set(0)
		Timer{Init: true, Work: true}.store(e, c.Args[0])
	}
}

// wqSetCallback: (wq, callback, flags, aux).
func wqSetCallback(e Env, c *Call) {
	t := timerAt(e, c.Args[0])
	if c.u32(3) != 0 || !t.Init {
		c.set(einval)
		return
	}
	t.Callback = uint32(c.Args[1])
	c.set(0)
	t.store(e, c.Args[0])
}

// wqStart: (wq, flags). The callback runs as soon as the program has ended.
func wqStart(e Env, c *Call) {
	t := timerAt(e, c.Args[0])
	if c.u32(2) != 0 || !t.Init || t.Callback == 0 {
		c.set(einval)
		return
	}
	t.Expires, t.CPU = max(e.Now(), 1), e.CPU()
	e.Emit(Event{Kind: EventTimer, ID: uint32(c.ID), Index: t.Expires, Flags: c.Args[0]})
	c.set(0)
	t.store(e, c.Args[0])
}

package helper

import "skep/vm/hook"

// A message of an sk_msg program is one stretch of memory; data and data_end
// show a part of it. VarMsg and VarMsgEnd are its borders once they differ
// from those.

func message(e Env) (p hook.Packet, start, end uint64) {
	p = packetOf(e)
	start, end = p.Data, p.End
	if v := e.Var(VarMsgEnd); v != 0 {
		start, end = e.Var(VarMsg), v
	}
	return p, start, end
}

// show makes a part of the message the directly reachable one.
func show(e Env, p hook.Packet, start, end, data, dataEnd uint64) {
	const size = 68 // sk_msg_md.size
	e.SetVar(VarMsg, start)
	e.SetVar(VarMsgEnd, end)
	p.Data, p.Meta, p.End = data, data, dataEnd
	_, _, ctx := e.Context()
	var b [4]byte
	le.PutUint32(b[:], uint32(end-start))
	move(e, p)
	write(e, ctx+size, b[:])
}

func msgApplyBytes(e Env, c *Call) {
	e.SetVar(VarApply, uint64(c.u32(2)))
	c.set(0)
}

func msgCorkBytes(e Env, c *Call) {
	e.SetVar(VarCork, uint64(c.u32(2)))
	c.set(0)
}

// msgPullData: (msg, start, end, flags).
func msgPullData(e Env, c *Call) {
	p, start, end := message(e)
	from, to := uint64(c.u32(2)), uint64(c.u32(3))
	if c.Args[3] != 0 || to <= from || to > end-start {
		c.set(einval)
		return
	}
	c.set(0)
	show(e, p, start, end, start+from, start+to)
}

// msgPushData: (msg, start, len, flags). The new bytes are zero.
func msgPushData(e Env, c *Call) {
	p, start, end := message(e)
	at, n := uint64(c.u32(2)), uint64(c.u32(3))
	switch {
	case c.Args[3] != 0 || at > end-start:
		c.set(einval)
		return
	case n == 0:
		c.set(0)
		return
	case n > p.Limit-end:
		c.set(enomem)
		return
	}
	show(e, p, start, end, start, end)
	rest := read(e, start+at, int(end-start-at))
	seen := at
	if at == 0 {
		seen = n
	}
	c.set(0)
	show(e, p, start, end+n, start, end+n)
	write(e, start+at, make([]byte, n))
	write(e, start+at+n, rest)
	show(e, p, start, end+n, start, start+seen)
}

// msgPopData: (msg, start, len, flags).
func msgPopData(e Env, c *Call) {
	p, start, end := message(e)
	at, n := uint64(c.u32(2)), uint64(c.u32(3))
	switch {
	case c.Args[3] != 0:
		c.set(einval)
		return
	case n == 0:
		c.set(0)
		return
	case at >= end-start || at+n > end-start:
		c.set(einval)
		return
	}
	show(e, p, start, end, start, end)
	rest := read(e, start+at+n, int(end-start-at-n))
	seen := at
	if at == 0 {
		seen = end - start - n
	}
	c.set(0)
	write(e, start+at, rest)
	show(e, p, start, end-n, start, start+seen)
}

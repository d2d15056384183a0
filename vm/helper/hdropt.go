package helper

// TCP header options, from sock_ops programs. The header is the packet of the
// run; options that a program writes are recorded, not put into it.

const (
	optEOL = 0
	optNOP = 1
	optEXP = 254 // experiments: a magic number of 2 or 4 bytes follows
	optEX1 = 253

	tcpOptRoom   = 40 // of a header
	opHdrOptLen  = 14 // BPF_SOCK_OPS_HDR_OPT_LEN_CB
	opWriteHdr   = 15 // BPF_SOCK_OPS_WRITE_HDR_OPT_CB
	enomsg       = -42
	loadFromSyn  = 1 // BPF_LOAD_HDR_OPT_TCP_SYN
	hdrOptHeader = 2 // kind and length
)

// magicOf is the magic number that an option begins with, and whether kind
// and length go together.
func magicOf(opt []byte) ([]byte, bool) {
	if opt[0] != optEXP && opt[0] != optEX1 {
		return nil, true
	}
	if n := int(opt[1]); (n == 4 || n == 6) && n <= len(opt) {
		return opt[hdrOptHeader:n], true
	}
	return nil, false
}

// findOpt looks for the option of a kind, and magic if any, in a TCP header.
// The errno is ENOMSG when it is not there and EFAULT when what is there is no
// list of options; ended says that the list ends before the header does.
func findOpt(th []byte, kind byte, magic []byte) (opt []byte, errno int64, ended bool) {
	if len(th) < tcpHeader {
		return nil, enomsg, false
	}
	o := th[tcpHeader:min(len(th), max(tcpHeader, int(th[12]>>4)*4))]
	for len(o) > 0 {
		switch {
		case o[0] == optEOL:
			return nil, enomsg, true
		case o[0] == optNOP:
			o = o[1:]
			continue
		case len(o) < hdrOptHeader || o[1] < hdrOptHeader || int(o[1]) > len(o):
			return nil, efault, false
		}
		n := int(o[1])
		if o[0] == kind && n >= hdrOptHeader+len(magic) && equalBytes(o[hdrOptHeader:hdrOptHeader+len(magic)], magic) {
			return o[:n], 0, false
		}
		o = o[n:]
	}
	return nil, enomsg, false
}

// loadHdrOpt: (ctx, res, len, flags): res holds what to look for and gets the
// option.
func loadHdrOpt(e Env, c *Call) {
	n := c.size(3)
	want := read(e, c.Args[1], n)
	if c.Args[3]&^loadFromSyn != 0 || n < hdrOptHeader || want[0] == optEOL || want[0] == optNOP {
		c.set(einval)
		return
	}
	magic, ok := magicOf(want)
	if !ok || magic == nil && want[1] != 0 {
		c.set(einval)
		return
	}
	p, have := e.Packet()
	switch {
	case c.Args[3]&loadFromSyn != 0:
		c.set(enoent)
		return
	case !have || sockOp(e) == opHdrOptLen:
		c.set(eperm)
		return
	}
	opt, errno, _ := findOpt(read(e, p.Data, int(p.Len())), want[0], magic)
	switch {
	case errno != 0:
		c.set(errno)
	case len(opt) > n:
		c.set(enospc)
		write(e, c.Args[1], opt[:n])
	default:
		c.set(int64(len(opt)))
		write(e, c.Args[1], opt)
	}
}

// sockOp is the event that a sock_ops program runs for.
func sockOp(e Env) uint32 {
	_, _, ctx := e.Context()
	return word32(e, ctx)
}

// reserveHdrOpt: (ctx, len, flags).
func reserveHdrOpt(e Env, c *Call) {
	n := uint64(c.u32(2))
	used := e.Var(VarHdrOpt)
	switch {
	case sockOp(e) != opHdrOptLen:
		c.set(eperm)
	case c.Args[2] != 0 || n < hdrOptHeader:
		c.set(einval)
	case used+n > tcpOptRoom:
		c.set(enospc)
	default:
		e.SetVar(VarHdrOpt, used+n)
		c.set(0)
	}
}

// storeHdrOpt: (ctx, opt, len, flags).
func storeHdrOpt(e Env, c *Call) {
	n := c.size(3)
	opt := read(e, c.Args[1], n)
	if sockOp(e) != opWriteHdr {
		c.set(eperm)
		return
	}
	if n < hdrOptHeader || c.Args[3] != 0 || int(opt[1]) > n || opt[1] < hdrOptHeader || opt[0] == optEOL || opt[0] == optNOP {
		c.set(einval)
		return
	}
	used := e.Var(VarHdrOpt)
	if used+uint64(opt[1]) > tcpOptRoom {
		c.set(enospc)
		return
	}
	// Two bytes of magic are enough to be the same experiment.
	var magic []byte
	if opt[0] == optEXP || opt[0] == optEX1 {
		if opt[1] < 4 {
			c.set(einval)
			return
		}
		magic = opt[hdrOptHeader:4]
	}
	if p, ok := e.Packet(); ok {
		switch _, errno, ended := findOpt(read(e, p.Data, int(p.Len())), opt[0], magic); {
		case errno == 0:
			c.set(eexist)
			return
		case errno == efault:
			c.set(efault)
			return
		case ended: // nothing can follow the end of the list
			c.set(enospc)
			return
		}
	}
	e.SetVar(VarHdrOpt, used+uint64(opt[1]))
	e.Emit(Event{Kind: EventSockopt, ID: uint32(c.ID), Data: opt[:opt[1]]})
	c.set(0)
}

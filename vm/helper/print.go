package helper

const maxPrintArgs = 12 // MAX_BPRINTF_VARARGS

// formatArg reads a format string of n bytes, which must hold a NUL.
func formatArg(e Env, addr uint64, n int) (string, bool) {
	b := read(e, addr, n)
	for i, c := range b {
		if c == 0 {
			return string(b[:i]), true
		}
	}
	return "", false
}

// constString reads a string that ends in NUL from read-only memory.
func constString(e Env, addr uint64) string {
	var out []byte
	for len(out) < maxPrint {
		b := peek(e, addr+uint64(len(out)), 1)
		if b[0] == 0 {
			break
		}
		out = append(out, b[0])
	}
	return string(out)
}

// words reads the argument array of n bytes. False is EINVAL.
func words(e Env, addr uint64, n uint32) ([]uint64, bool) {
	if n%8 != 0 || n > maxPrintArgs*8 || n > 0 && addr == 0 {
		return nil, false
	}
	b := read(e, addr, int(n))
	args := make([]uint64, n/8)
	for i := range args {
		args[i] = le.Uint64(b[8*i:])
	}
	return args, true
}

func print(e Env, c *Call, fmt string, args []uint64) {
	s, ok := format(e, fmt, args)
	if !ok {
		c.set(einval)
		return
	}
	e.Emit(Event{Kind: EventPrint, ID: uint32(c.ID), Data: []byte(s)})
	c.set(int64(len(s)))
}

// tracePrintk: (fmt, fmt_size, arg1, arg2, arg3).
func tracePrintk(e Env, c *Call) {
	fmt, ok := formatArg(e, c.Args[0], c.size(2))
	if !ok {
		c.set(einval)
		return
	}
	print(e, c, fmt, c.Args[2:])
}

// traceVprintk: (fmt, fmt_size, args, args_len).
func traceVprintk(e Env, c *Call) {
	fmt, ok := formatArg(e, c.Args[0], c.size(2))
	args, ok2 := words(e, c.Args[2], c.u32(4))
	if !ok || !ok2 {
		c.set(einval)
		return
	}
	print(e, c, fmt, args)
}

// snprintf: (str, str_size, fmt, args, args_len). The result counts the NUL
// and is the length that was wanted, which may be more than fits.
func snprintf(e Env, c *Call) {
	args, ok := words(e, c.Args[3], c.u32(5))
	fmt := constString(e, c.Args[2])
	if !ok {
		c.set(einval)
		return
	}
	s, ok := format(e, fmt, args)
	if !ok {
		c.set(einval)
		return
	}
	c.set(int64(len(s)) + 1)
	n := c.size(2)
	if n == 0 {
		return
	}
	b := append([]byte(s)[:min(len(s), n-1)], 0)
	write(e, c.Args[0], b)
}

// seqPrintf: (seq, fmt, fmt_size, args, args_len).
func seqPrintf(e Env, c *Call) {
	fmt, ok := formatArg(e, c.Args[1], c.size(3))
	args, ok2 := words(e, c.Args[3], c.u32(5))
	if !ok || !ok2 {
		c.set(einval)
		return
	}
	s, ok := format(e, fmt, args)
	if !ok {
		c.set(einval)
		return
	}
	e.Emit(Event{Kind: EventSeq, ID: uint32(c.ID), Data: []byte(s)})
	c.set(0)
}

// seqWrite: (seq, data, len).
func seqWrite(e Env, c *Call) {
	b := read(e, c.Args[1], c.size(3))
	e.Emit(Event{Kind: EventSeq, ID: uint32(c.ID), Data: b})
	c.set(0)
}

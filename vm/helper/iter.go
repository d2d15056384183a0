package helper

// Open-coded iterators keep their state in the program's stack.

// iterNumNew: (it, start, end); it is struct bpf_iter_num: current number and
// end, 32 bits each.
func iterNumNew(e Env, c *Call) {
	const most = 8 << 20 // BPF_MAX_LOOPS
	start, end := int32(c.u32(2)), int32(c.u32(3))
	ret := int64(0)
	cur := start - 1
	switch {
	case start > end:
		ret, cur, end = einval, 0, 0
	case int64(end)-int64(start) > most:
		ret, cur, end = e2big, 0, 0
	}
	c.set(ret)
	iterNum(e, c.Args[0], cur, end)
}

func iterNum(e Env, at uint64, cur, end int32) {
	var b [8]byte
	le.PutUint32(b[0:], uint32(cur))
	le.PutUint32(b[4:], uint32(end))
	write(e, at, b[:])
}

// iterNumNext is the address of the current number, or NULL.
func iterNumNext(e Env, c *Call) {
	b := peek(e, c.Args[0], 8)
	cur, end := int32(le.Uint32(b)), int32(le.Uint32(b[4:]))
	c.R0 = 0
	if int64(cur)+1 >= int64(end) {
		iterNum(e, c.Args[0], 0, 0)
		return
	}
	c.R0 = c.Args[0]
	iterNum(e, c.Args[0], cur+1, end)
}

// iterDestroy clears the first word, so that nothing follows.
func iterDestroy(e Env, c *Call) {
	c.set(0)
	iterNum(e, c.Args[0], 0, 0)
}

// iterBitsNew: (it, words, n); it is struct bpf_iter_bits: the address of the
// words, their number of bits, the current bit.
func iterBitsNew(e Env, c *Call) {
	const most = 511 // BITS_ITER_NR_WORDS_MAX
	n := c.u32(3)
	ret, bits := int64(0), uint32(0)
	switch {
	case c.Args[1] == 0 || n == 0:
		ret = einval
	case n > most:
		ret = e2big
	case !e.Probe(Kernel, c.Args[1], make([]byte, 8*n)):
		ret = efault
	default:
		bits = 64 * n
	}
	c.set(ret)
	iterBits(e, c.Args[0], c.Args[1], bits, -1)
}

func iterBits(e Env, at, words uint64, bits uint32, bit int32) {
	var b [16]byte
	le.PutUint64(b[0:], words)
	le.PutUint32(b[8:], bits)
	le.PutUint32(b[12:], uint32(bit))
	write(e, at, b[:])
}

func iterBitsNext(e Env, c *Call) {
	b := read(e, c.Args[0], 16)
	words, bits, bit := le.Uint64(b), le.Uint32(b[8:]), int32(le.Uint32(b[12:]))
	c.R0 = 0
	for bit++; uint32(bit) < bits; bit++ {
		var w [1]byte
		if !e.Probe(Kernel, words+uint64(bit/8), w[:]) {
			break
		}
		if w[0]>>(bit%8)&1 != 0 {
			c.R0 = c.Args[0] + 12
			iterBits(e, c.Args[0], words, bits, bit)
			return
		}
	}
	iterBits(e, c.Args[0], words, 0, -1)
}

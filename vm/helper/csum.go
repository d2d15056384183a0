package helper

// Internet checksums (RFC 1071). The kernel sums 16-bit words as they lie in
// memory, so all of this works on little-endian words.

const (
	csumField   = 0xf    // BPF_F_HDR_FIELD_MASK
	csumPseudo  = 1 << 4 // BPF_F_PSEUDO_HDR
	csumMangled = 1 << 5 // BPF_F_MARK_MANGLED_0
	csumEnforce = 1 << 6 // BPF_F_MARK_ENFORCE
	csumIPv6    = 1 << 7 // BPF_F_IPV6
	mangledZero = 0xffff // CSUM_MANGLED_0
)

func csumAdd(a, b uint32) uint32 {
	s := uint64(a) + uint64(b)
	return uint32(s) + uint32(s>>32)
}

func csumFold(s uint32) uint16 {
	s = s&0xffff + s>>16
	s = s&0xffff + s>>16
	return ^uint16(s)
}

// csumReplace is what the checksum old becomes when from changes into to. The
// two zeroes of one's complement come out as in the kernel, which widens the
// complement.
func csumReplace(old uint16, from, to uint32) uint16 {
	return csumFold(csumAdd(csumAdd(^uint32(old), ^from), to))
}

// csumReplace2 is csumReplace in 16-bit arithmetic, as csum_replace2.
func csumReplace2(old, from, to uint16) uint16 {
	add := func(a, b uint16) uint16 {
		s := uint32(a) + uint32(b)
		return uint16(s) + uint16(s>>16)
	}
	return ^add(add(^old, ^from), to)
}

// csumAt reads, changes and writes the checksum at offset R2 of the packet.
// It gives the errno of a bad offset.
func csumAt(e Env, c *Call, change func(uint16) (uint16, int64)) {
	p := packetOf(e)
	off := uint64(c.u32(2))
	if off > 0xffff || off&1 != 0 || off+2 > p.Len() {
		c.set(efault)
		return
	}
	b := peek(e, p.Data+off, 2)
	old := le.Uint16(b)
	sum, ret := change(old)
	c.set(ret)
	if ret != 0 || sum == old {
		return
	}
	var w [2]byte
	le.PutUint16(w[:], sum)
	write(e, p.Data+off, w[:])
}

// replaced is the checksum after a change that R3, R4 and the low bits of
// flags (the size of the field) describe; size 0 is a difference from
// csum_diff in R4.
func replaced(c *Call, old uint16) (uint16, int64) {
	from, to := c.u32(3), c.u32(4)
	switch c.Args[4] & csumField {
	case 0:
		if c.Args[2] != 0 {
			return 0, einval
		}
		return csumFold(csumAdd(to, ^uint32(old))), 0
	case 2:
		if c.ID == 10 { // l3_csum_replace
			return csumReplace2(old, uint16(from), uint16(to)), 0
		}
		from, to = from&0xffff, to&0xffff
	case 4:
	default:
		return 0, einval
	}
	return csumReplace(old, from, to), 0
}

// l3CsumReplace: (skb, offset, from, to, flags).
func l3CsumReplace(e Env, c *Call) {
	if c.Args[4]&^csumField != 0 {
		c.set(einval)
		return
	}
	csumAt(e, c, func(old uint16) (uint16, int64) { return replaced(c, old) })
}

// l4CsumReplace: (skb, offset, from, to, flags). The packet counts as fully
// checksummed (ip_summed is not CHECKSUM_PARTIAL), as in a test run.
func l4CsumReplace(e Env, c *Call) {
	flags := c.Args[4]
	if flags&^(csumField|csumPseudo|csumMangled|csumEnforce|csumIPv6) != 0 {
		c.set(einval)
		return
	}
	csumAt(e, c, func(old uint16) (uint16, int64) {
		if flags&csumMangled != 0 && flags&csumEnforce == 0 && old == 0 {
			return old, 0
		}
		sum, ret := replaced(c, old)
		if ret == 0 && flags&csumMangled != 0 && sum == 0 {
			sum = mangledZero
		}
		return sum, ret
	})
}

// csumDiff: (from, from_size, to, to_size, seed).
func csumDiff(e Env, c *Call) {
	n, m := c.u32(2), c.u32(4)
	if (n|m)&3 != 0 || uint64(n)+uint64(m) > 512 { // MAX_BPF_STACK
		c.set(einval)
		return
	}
	sum := c.u32(5)
	for i, arg := range [...]struct {
		addr uint64
		n    uint32
	}{{c.Args[0], n}, {c.Args[2], m}} {
		if arg.n == 0 {
			continue
		}
		b := peek(e, arg.addr, int(arg.n))
		for ; len(b) >= 4; b = b[4:] {
			w := le.Uint32(b)
			if i == 0 {
				w = ^w
			}
			sum = csumAdd(sum, w)
		}
	}
	c.R0 = uint64(sum)
}

// VarCsumLvl holds what the packet's ip_summed is: level+1 for
// CHECKSUM_UNNECESSARY, csumComplete for CHECKSUM_COMPLETE, 0 for neither.
const csumComplete = 1 << 8

func csumUpdate(e Env, c *Call) {
	if e.Var(VarCsumLvl) != csumComplete {
		c.set(enotsupp)
		return
	}
	sum := csumAdd(uint32(e.Var(VarCsum)), c.u32(2))
	e.SetVar(VarCsum, uint64(sum))
	c.R0 = uint64(sum)
}

// csumLevel: (skb, level): query, increase, decrease, reset.
func csumLevel(e Env, c *Call) {
	const (
		query, inc, dec, reset = 0, 1, 2, 3
		maxLevel               = 3
	)
	v := e.Var(VarCsumLvl)
	unnecessary := v >= 1 && v <= maxLevel+1
	switch c.Args[1] {
	case query:
		if !unnecessary {
			c.set(eacces)
			return
		}
		c.set(int64(v) - 1)
		return
	case inc:
		switch {
		case unnecessary && v <= maxLevel:
			v++
		case v == 0:
			v = 1
		}
	case dec:
		if unnecessary {
			v--
		}
	case reset:
		if unnecessary {
			v = 0
		}
	default:
		c.set(einval)
		return
	}
	e.SetVar(VarCsumLvl, v)
	c.set(0)
}

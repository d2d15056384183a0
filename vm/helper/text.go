package helper

// strncmp: (s1, s1_size, s2); s2 ends in NUL. The result is the difference of
// the first bytes that differ.
func strncmp(e Env, c *Call) {
	n := c.size(2)
	a := read(e, c.Args[0], n)
	b := constString(e, c.Args[2])
	for i := range a {
		var y byte
		if i < len(b) {
			y = b[i]
		}
		if a[i] != y {
			if a[i] < y {
				c.set(-1)
				return
			}
			c.set(1)
			return
		}
		if y == 0 {
			break
		}
	}
	c.set(0)
}

// strtol: (buf, buf_len, flags, res).
func strtol(e Env, c *Call) {
	v, neg, ret := number(e, c)
	if ret > 0 {
		switch {
		case neg && v > 1<<63, !neg && v > 1<<63-1:
			ret = erange
		case neg:
			v = -v
		}
	}
	result(e, c, v, ret)
}

func strtoul(e Env, c *Call) {
	v, neg, ret := number(e, c)
	if ret > 0 && neg {
		ret = einval
	}
	result(e, c, v, ret)
}

// result stores the number, 0 when there is none, and returns ret.
func result(e Env, c *Call, v uint64, ret int64) {
	var w [8]byte
	if ret > 0 {
		le.PutUint64(w[:], v)
	}
	c.set(ret)
	write(e, c.Args[3], w[:])
}

// number parses text as __bpf_strtoull does: blanks, a minus sign, digits in
// the base of flags (0: by prefix). It gives the bytes used or an errno.
func number(e Env, c *Call) (v uint64, neg bool, ret int64) {
	b := read(e, c.Args[0], c.size(2))
	base := c.Args[2] & 31
	if len(b) == 0 || c.Args[2] != base || base != 0 && base != 8 && base != 10 && base != 16 {
		return 0, false, einval
	}
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] >= '\t' && b[i] <= '\r') {
		i++
	}
	if i < len(b) && b[i] == '-' {
		neg = true
		i++
	}
	if i == len(b) {
		return 0, neg, einval
	}
	end := min(len(b), i+63)
	at := func(j int) byte {
		if j < end {
			return b[j] | 0x20
		}
		return 0
	}
	if base == 0 {
		switch {
		case b[i] != '0':
			base = 10
		case at(i+1) == 'x' && digit(at(i+2)) < 16:
			base = 16
		default:
			base = 8
		}
	}
	if base == 16 && b[i] == '0' && at(i+1) == 'x' {
		i += 2
	}
	start := i
	over := false
	for ; i < end; i++ {
		d := digit(b[i] | 0x20)
		if d >= base {
			break
		}
		if v > (1<<64-1-d)/base {
			over = true
		}
		v = v*base + d
	}
	switch {
	case over:
		return 0, neg, erange
	case i == start:
		return 0, neg, einval
	}
	return v, neg, int64(i)
}

// digit is the value of a lower-case digit, 99 when it is none.
func digit(c byte) uint64 {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case c >= 'a' && c <= 'f':
		return uint64(c-'a') + 10
	}
	return 99
}

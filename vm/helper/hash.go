package helper

// getHashRecalc is the flow hash in the context, computed from the packet's
// addresses, protocol and ports when it is missing.
func getHashRecalc(e Env, c *Call) {
	h := skbGet(e, skbHash)
	if h != 0 {
		c.R0 = uint64(h)
		return
	}
	p := packetOf(e)
	off := network(e, p)
	var flow []byte
	if p.Len() > off {
		b := read(e, p.Data+off, int(p.Len()-off))
		flow = flowKey(b)
	}
	var words []uint64
	for i, x := range flow {
		if i%8 == 0 {
			words = append(words, 0)
		}
		words[i/8] |= uint64(x) << (i % 8 * 8)
	}
	h = max(hashWords(words), 1)
	c.R0 = uint64(h)
	skbPut(e, skbHash, h)
}

// flowKey is addresses, protocol and ports of an IP packet, or all of it when
// it is none.
func flowKey(ip []byte) []byte {
	var key []byte
	var l4 int
	var proto byte
	switch {
	case len(ip) >= 20 && ip[0]>>4 == 4:
		l4, proto = int(ip[0]&15)*4, ip[9]
		key = append(key, ip[12:20]...)
	case len(ip) >= 40 && ip[0]>>4 == 6:
		l4, proto = 40, ip[6]
		key = append(key, ip[8:40]...)
	default:
		return ip
	}
	key = append(key, proto)
	if (proto == 6 || proto == 17) && len(ip) >= l4+4 {
		key = append(key, ip[l4:l4+4]...)
	}
	return key
}

func setHashInvalid(e Env, c *Call) {
	c.set(0)
	skbPut(e, skbHash, 0)
}

func setHash(e Env, c *Call) {
	c.set(0)
	skbPut(e, skbHash, c.u32(2))
}

func getRouteRealm(e Env, c *Call) {
	c.R0 = uint64(e.World().Realm)
}

// skbEcnSetCe marks an IP packet whose sender takes part in ECN, and says
// whether it is marked now.
func skbEcnSetCe(e Env, c *Call) {
	p := packetOf(e)
	proto := skbProto(e)
	off := network(e, p)
	n := uint64(20)
	if proto == ethIPv6 {
		n = 40
	}
	if proto != ethIP && proto != ethIPv6 || off+n > p.Len() {
		c.set(0)
		return
	}
	b := read(e, p.Data+off, int(n))
	old := be.Uint16(b)
	shift := 0
	if proto == ethIPv6 {
		shift = 4
	}
	switch ecn := old >> shift & 3; ecn {
	case 0:
		c.set(0)
		return
	case 3:
		c.set(1)
		return
	}
	now := old | 3<<shift
	be.PutUint16(b, now)
	if proto == ethIP {
		sum := csumReplace2(le.Uint16(b[10:]), swap16(uint32(old)), swap16(uint32(now)))
		le.PutUint16(b[10:], sum)
	}
	c.set(1)
	write(e, p.Data+off, b)
}

// skbSetTstamp: (skb, tstamp, type): real time, monotonic or TAI clock.
func skbSetTstamp(e Env, c *Call) {
	proto := skbProto(e)
	typ := c.u32(3)
	switch {
	case proto != ethIP && proto != ethIPv6:
		c.set(eopnotsupp)
		return
	case typ > 2, typ != 0 && c.Args[1] == 0:
		c.set(einval)
		return
	}
	_, _, ctx := e.Context()
	e.SetVar(VarTstamp, uint64(typ))
	c.set(0)
	writeWord(e, ctx+skbTstamp, c.Args[1])
	write(e, ctx+skbTstampType, []byte{byte(typ)})
}

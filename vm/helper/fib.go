package helper

// Offsets in struct bpf_fib_lookup and what bpf_fib_lookup answers.
const (
	fibSize    = 64
	fibFamily  = 0
	fibTotLen  = 6 // also mtu_result
	fibIfindex = 8
	fibMetric  = 12
	fibSrc     = 16
	fibDst     = 32
	fibVLAN    = 48 // h_vlan_proto, h_vlan_TCI; also tbid
	fibSMAC    = 52
	fibDMAC    = 58

	fibDirect    = 1 << 0
	fibOutput    = 1 << 1
	fibSkipNeigh = 1 << 2
	fibTBID      = 1 << 3
	fibSetSrc    = 1 << 4
	fibMark      = 1 << 5

	fibSuccess    = 0
	fibNotFwded   = 4
	fibFwdDisable = 5
	fibNoNeigh    = 7
	fibFragNeeded = 8

	afInet, afInet6 = 2, 10
)

// fibLookup: (ctx, params, plen, flags) answers from World.Routes.
func fibLookup(e Env, c *Call) {
	if int32(c.u32(3)) < fibSize || c.u32(4)&^(fibDirect|fibOutput|fibSkipNeigh|fibTBID|fibSetSrc|fibMark) != 0 {
		c.set(einval)
		return
	}
	b := read(e, c.Args[1], fibSize)
	v6 := b[fibFamily] == afInet6
	if !v6 && b[fibFamily] != afInet {
		c.set(eafnosup)
		return
	}
	in := link(e, le.Uint32(b[fibIfindex:]))
	if in == nil {
		c.set(enodev)
		return
	}
	n := 4
	if v6 {
		n = 16
	}
	dst := b[fibDst : fibDst+n]
	table := uint32(0)
	if c.u32(4)&(fibDirect|fibTBID) == fibDirect|fibTBID {
		table = le.Uint32(b[fibVLAN:])
		clear(b[fibVLAN : fibVLAN+4])
	}
	r := route(e.World(), v6, dst, table)
	done := func(code int64) {
		c.set(code)
		write(e, c.Args[1], b)
	}
	if r == nil {
		done(fibNotFwded)
		return
	}
	if r.Code != fibSuccess {
		done(int64(r.Code))
		return
	}
	mtu := r.MTU
	out := link(e, r.Link)
	if mtu == 0 && out != nil {
		mtu = out.mtu()
	}
	checked := le.Uint16(b[fibTotLen:]) != 0
	if checked && mtu != 0 && uint32(le.Uint16(b[fibTotLen:])) > mtu {
		le.PutUint16(b[fibTotLen:], uint16(mtu))
		done(fibFragNeeded)
		return
	}
	le.PutUint32(b[fibMetric:], r.Metric)
	le.PutUint32(b[fibIfindex:], r.Link)
	if c.u32(4)&fibSetSrc != 0 {
		copy(b[fibSrc:fibSrc+n], r.Src[:])
	}
	if r.HasGate {
		copy(dst, r.Gateway[:])
	}
	if c.u32(4)&fibSkipNeigh == 0 {
		if r.NoNeigh {
			done(fibNoNeigh)
			return
		}
		copy(b[fibDMAC:], r.DstMAC[:])
		mac := r.SrcMAC
		if mac == ([6]byte{}) && out != nil {
			mac = out.MAC
		}
		copy(b[fibSMAC:fibSMAC+6], mac[:])
	}
	clear(b[fibVLAN : fibVLAN+4])
	if mtu != 0 {
		le.PutUint16(b[fibTotLen:], uint16(mtu))
	}
	if p, ok := e.Packet(); ok && !checked && mtu != 0 && p.Len() > uint64(mtu)+ethernetLen+vlanLen {
		done(fibFragNeeded)
		return
	}
	done(fibSuccess)
}

// route is the longest prefix that holds dst, nil when there is none. Table
// zero is any.
func route(w *World, v6 bool, dst []byte, table uint32) *Route {
	var best *Route
	for i := range w.Routes {
		r := &w.Routes[i]
		if r.V6 != v6 || table != 0 && r.TableID != table || best != nil && r.Bits <= best.Bits {
			continue
		}
		if samePrefix(r.Prefix[:len(dst)], dst, int(r.Bits)) {
			best = r
		}
	}
	return best
}

func samePrefix(a, b []byte, bits int) bool {
	bits = min(bits, 8*len(b))
	for i := range bits / 8 {
		if a[i] != b[i] {
			return false
		}
	}
	if rest := bits % 8; rest != 0 {
		return (a[bits/8]^b[bits/8])>>(8-rest) == 0
	}
	return true
}

// checkMTU: (ctx, ifindex, mtu_len, len_diff, flags).
func checkMTU(e Env, c *Call) {
	const segs = 1 // BPF_MTU_CHK_SEGS
	p := packetOf(e)
	typ, _, _ := e.Context()
	b := read(e, c.Args[2], 4)
	given := le.Uint32(b)
	flags := c.Args[4]
	isXDP := typ.Info().Context == "xdp_md"
	if isXDP && flags != 0 || flags&^segs != 0 || flags&segs != 0 && (c.u32(4) != 0 || given != 0) {
		c.set(einval)
		return
	}
	l := &loopback
	if i := c.u32(2); i != 0 {
		l = link(e, i)
	} else if n := e.World().Links; len(n) > 0 {
		l = &n[0]
	}
	if l == nil {
		c.set(enodev)
		return
	}
	n := int64(p.Len())
	if given != 0 {
		n = int64(given) + ethernetLen
	}
	n += int64(int32(c.u32(4)))
	c.set(0)
	if n > int64(l.mtu())+ethernetLen {
		c.set(1) // BPF_MTU_CHK_RET_FRAG_NEEDED
	}
	le.PutUint32(b, l.mtu())
	write(e, c.Args[2], b)
}

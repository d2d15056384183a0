package helper

// xdpAdjustHead moves the start of the packet by R2 bytes; metadata moves
// along.
func xdpAdjustHead(e Env, c *Call) {
	p := packetOf(e)
	off := int64(int32(c.u32(2)))
	meta := p.Data - p.Meta
	data := int64(p.Data) + off
	if data < int64(p.Room+xdpFrame+meta) || data > int64(p.End)-ethernetLen {
		c.set(einval)
		return
	}
	b := read(e, p.Meta, int(meta))
	p.Data = uint64(data)
	p.Meta = p.Data - meta
	move(e, p)
	c.set(0)
	if meta == 0 {
		return
	}
	write(e, p.Meta, b)
}

// xdpAdjustMeta moves the start of the metadata.
func xdpAdjustMeta(e Env, c *Call) {
	p := packetOf(e)
	meta := int64(p.Meta) + int64(int32(c.u32(2)))
	if meta < int64(p.Room+xdpFrame) || meta > int64(p.Data) {
		c.set(einval)
		return
	}
	if n := int64(p.Data) - meta; n > maxMeta || n%4 != 0 {
		c.set(eacces)
		return
	}
	p.Meta = uint64(meta)
	c.set(0)
	move(e, p)
}

// xdpAdjustTail moves the end of the packet; new bytes are zero.
func xdpAdjustTail(e Env, c *Call) {
	p := packetOf(e)
	old := p.End
	end := int64(p.End) + int64(int32(c.u32(2)))
	if end > int64(p.Limit) || end < int64(p.Data)+ethernetLen {
		c.set(einval)
		return
	}
	p.End = uint64(end)
	move(e, p)
	c.set(0)
	if p.End <= old {
		return
	}
	write(e, old, make([]byte, p.End-old))
}

func xdpGetBuffLen(e Env, c *Call) {
	p := packetOf(e)
	c.R0 = p.Len()
}

// xdpRange checks offset R2 and length R4: bpf_xdp_pointer.
func xdpRange(c *Call, length uint64) int64 {
	off, n := uint64(c.u32(2)), uint64(c.u32(4))
	switch {
	case off > 0xffff || n > 0xffff:
		return efault
	case off+n > length:
		return einval
	}
	return 0
}

func xdpLoadBytes(e Env, c *Call) {
	p := packetOf(e)
	if ret := xdpRange(c, p.Len()); ret != 0 {
		c.set(ret)
		return
	}
	loadPacket(e, c, uint64(c.u32(2)), c.Args[2], c.u32(4))
}

func xdpStoreBytes(e Env, c *Call) {
	p := packetOf(e)
	if ret := xdpRange(c, p.Len()); ret != 0 {
		c.set(ret)
		return
	}
	storePacket(e, c, uint64(c.u32(2)), c.Args[2], c.u32(4), 0)
}

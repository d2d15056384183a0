package helper

import "skep/vm/hook"

// Offsets in struct __sk_buff.
const (
	skbLen         = 0
	skbPktType     = 4
	skbProtocol    = 16
	skbVlanPresent = 20
	skbVlanTCI     = 24
	skbVlanProto   = 28
	skbIfindex     = 40
	skbHash        = 68
	skbData        = 76
	skbDataEnd     = 80
	skbDataMeta    = 140
	skbTstamp      = 152
	skbGsoSize     = 176
	skbTstampType  = 180
)

const (
	recomputeCsum  = 1 << 0 // BPF_F_RECOMPUTE_CSUM
	invalidateHash = 1 << 1 // BPF_F_INVALIDATE_HASH

	ethIP     = 0x0800
	ethIPv6   = 0x86dd
	eth8021Q  = 0x8100
	eth8021AD = 0x88a8
)

// skbGet is a word of the context.
func skbGet(e Env, off uint64) uint32 {
	_, _, ctx := e.Context()
	b := peek(e, ctx+off, 4)
	return le.Uint32(b)
}

func skbPut(e Env, off uint64, v uint32) {
	_, _, ctx := e.Context()
	var b [4]byte
	le.PutUint32(b[:], v)
	write(e, ctx+off, b[:])
}

// skbProto is the EtherType of the packet as a number.
func skbProto(e Env) uint16 { return swap16(skbGet(e, skbProtocol)) }

func swap16(v uint32) uint16 { return uint16(v)>>8 | uint16(v)<<8 }

// network is the offset of the network header, and the type of the program.
func network(e Env, p hook.Packet) uint64 {
	typ, _, _ := e.Context()
	return p.NetOffset(typ)
}

// skbLoadBytes: (skb, offset, to, len). What cannot be read is zero.
func skbLoadBytes(e Env, c *Call) {
	p := packetOf(e)
	typ, _, _ := e.Context()
	off, n := uint64(c.u32(2)), c.u32(4)
	if off > 1<<31-1 || typ == hook.FlowDissector && off > 0xffff {
		off = p.Len() + 1
	}
	loadPacket(e, c, off, c.Args[2], n)
}

// skbLoadBytesRelative: (skb, offset, to, len, start) counts from the MAC (0)
// or network (1) header.
func skbLoadBytesRelative(e Env, c *Call) {
	p := packetOf(e)
	off, n := uint64(c.u32(2)), uint64(c.u32(4))
	start := p.Data + network(e, p)
	switch c.u32(5) {
	case 0:
		start -= ethernetLen
	case 1:
	default:
		off = 1 << 16
	}
	if off > 0xffff || start+off+n > p.End || start < p.Room {
		write(e, c.Args[2], make([]byte, min(n, maxSkbLen)))
		c.set(efault)
		return
	}
	b := readRoom(e, p, start+off, int(n))
	c.set(0)
	write(e, c.Args[2], b)
}

// readRoom reads bytes of the packet that may begin in front of data, where a
// MAC header lies that the program does not see.
func readRoom(e Env, p hook.Packet, addr uint64, n int) []byte {
	if addr >= p.Data {
		return read(e, addr, n)
	}
	b := make([]byte, n)
	if !e.Probe(Kernel, addr, b) {
		panic(stop{fault("the MAC header is not in memory")})
	}
	return b
}

// skbStoreBytes: (skb, offset, from, len, flags).
func skbStoreBytes(e Env, c *Call) {
	if c.u32(2) > 1<<31-1 && c.Args[4]&^(recomputeCsum|invalidateHash) == 0 {
		c.set(efault)
		return
	}
	storePacket(e, c, uint64(c.u32(2)), c.Args[2], c.u32(4), c.Args[4])
}

// skbPullData: everything is directly reachable already; only a length beyond
// the packet fails.
func skbPullData(e Env, c *Call) {
	p := packetOf(e)
	if uint64(c.u32(2)) > p.Len() {
		c.set(enomem)
		return
	}
	c.set(0)
}

// skbChangeTail: (skb, len, flags).
func skbChangeTail(e Env, c *Call) {
	p := packetOf(e)
	n := uint64(c.u32(2))
	if c.Args[2] != 0 || n > maxSkbLen || n < network(e, p) {
		c.set(einval)
		return
	}
	old := p.End
	p.End = p.Data + n
	if p.End > p.Limit {
		c.set(enomem)
		return
	}
	move(e, p)
	c.set(0)
	if p.End <= old {
		return
	}
	write(e, old, make([]byte, p.End-old))
}

// skbChangeHead: (skb, len, flags) makes zeroed room in front.
func skbChangeHead(e Env, c *Call) {
	p := packetOf(e)
	n := uint64(c.u32(2))
	switch {
	case c.Args[2] != 0 || p.Len()+n > maxSkbLen:
		c.set(einval)
		return
	case n > p.Data-p.Room:
		c.set(enomem)
		return
	}
	net := p.Data + network(e, p)
	p.Data -= n
	p.Meta, p.Net = p.Data, net
	move(e, p)
	c.set(0)
	write(e, p.Data, make([]byte, n))
}

// skbChangeProto: (skb, proto, flags) resizes the IP header; its bytes and
// the EtherType are the program's business.
func skbChangeProto(e Env, c *Call) {
	p := packetOf(e)
	from := skbProto(e)
	to := swap16(c.u32(2))
	const diff = 20
	n := int64(0)
	switch {
	case c.Args[2] != 0:
		c.set(einval)
		return
	case from == ethIP && to == ethIPv6:
		n = diff
	case from == ethIPv6 && to == ethIP:
		n = -diff
	default:
		c.set(enotsupp)
		return
	}
	off := network(e, p)
	if p.Len() < off+diff {
		c.set(enomem)
		return
	}
	if _, ok := shift(e, p, off, n); !ok {
		c.set(enomem)
		return
	}
	c.set(0)
	skbPut(e, skbProtocol, uint32(swap16(uint32(to))))
	skbPut(e, skbHash, 0)
}

// skbChangeType: PACKET_HOST, BROADCAST, MULTICAST and OTHERHOST only.
func skbChangeType(e Env, c *Call) {
	old := skbGet(e, skbPktType)
	if old > 3 || c.u32(2) > 3 {
		c.set(einval)
		return
	}
	c.set(0)
	skbPut(e, skbPktType, c.u32(2))
}

const (
	roomFixedGSO    = 1 << 0
	roomEncapIPv4   = 1 << 1
	roomEncapIPv6   = 1 << 2
	roomEncapGRE    = 1 << 3
	roomEncapUDP    = 1 << 4
	roomNoCsumReset = 1 << 5
	roomEncapEth    = 1 << 6
	roomDecapIPv4   = 1 << 7
	roomDecapIPv6   = 1 << 8
	roomEncapL2     = 0xff << 56
	roomEncap       = roomEncapIPv4 | roomEncapIPv6
	roomDecap       = roomDecapIPv4 | roomDecapIPv6
	roomAll         = roomFixedGSO | roomEncap | roomEncapGRE | roomEncapUDP | roomNoCsumReset | roomEncapEth | roomDecap | roomEncapL2
)

// skbAdjustRoom: (skb, len_diff, mode, flags) grows or shrinks the packet
// behind its MAC (mode 1) or network header (mode 0).
func skbAdjustRoom(e Env, c *Call) {
	p := packetOf(e)
	typ, _, _ := e.Context()
	diff, mode, flags := int64(int32(c.u32(2))), c.u32(3), c.Args[3]
	size := uint64(max(diff, -diff))
	if typ == hook.SkSkb {
		skSkbAdjustRoom(e, c, p, diff, flags != 0 || mode != 0)
		return
	}
	proto := skbProto(e)
	least := uint64(20)
	if proto == ethIPv6 {
		least = 40
	}
	off := network(e, p)
	rest := p.Len() - off
	switch {
	case flags&^roomAll != 0:
		c.set(einval)
		return
	case size > 0xfff:
		c.set(efault)
		return
	case proto != ethIP && proto != ethIPv6, mode > 1:
		c.set(enotsupp)
		return
	}
	if mode == 0 {
		off += least
	}
	if d := flags & roomDecap; d != 0 {
		if diff >= 0 || d == roomDecap {
			c.set(einval)
			return
		}
		least = 20
		if d == roomDecapIPv6 {
			least = 40
		}
	}
	if diff < 0 && (size >= rest || rest-size < least) || diff >= 0 && p.Len()+size > maxSkbLen {
		c.set(enotsupp)
		return
	}
	if diff < 0 && flags&^(roomFixedGSO|roomDecap|roomNoCsumReset) != 0 {
		c.set(einval)
		return
	}
	if diff >= 0 && flags&roomEncap != 0 {
		inner := flags >> 56
		if flags&roomEncap == roomEncap || flags&roomEncapGRE != 0 && flags&roomEncapUDP != 0 ||
			flags&roomEncapEth != 0 && inner < ethernetLen || inner > size {
			c.set(einval)
			return
		}
	}
	if p.Len() < off {
		c.set(enomem)
		return
	}
	if _, ok := shift(e, p, off, diff); !ok {
		c.set(enomem)
		return
	}
	c.set(0)
	to := proto
	switch {
	case flags&(roomEncapIPv6|roomDecapIPv6) != 0:
		to = ethIPv6
	case flags&(roomEncapIPv4|roomDecapIPv4) != 0:
		to = ethIP
	}
	skbPut(e, skbProtocol, uint32(swap16(uint32(to))))
}

func skSkbAdjustRoom(e Env, c *Call, p hook.Packet, diff int64, bad bool) {
	switch {
	case bad:
		c.set(einval)
		return
	case diff > 0xfff || diff < -0xfff:
		c.set(efault)
		return
	case diff < 0 && uint64(-diff) > p.Len(), diff > 0 && uint64(diff) > p.Data-p.Room:
		c.set(enomem)
		return
	}
	p.Data = uint64(int64(p.Data) - diff)
	p.Meta = p.Data
	move(e, p)
	c.set(0)
	if diff <= 0 {
		return
	}
	write(e, p.Data, make([]byte, diff))
}

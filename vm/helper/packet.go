package helper

import "skep/vm/hook"

// The packet of a run is one linear stretch, so that everything that the
// kernel does to fragments comes down to moving borders and bytes.

const (
	ethernetLen = hook.EthernetLen
	maxSkbLen   = 0xffff // BPF_SKB_MAX_LEN, of a device without limit
	maxMeta     = 255    // xdp_metalen_invalid: more than 255 or not a multiple of 4
	xdpFrame    = 40     // struct xdp_frame at the start of the headroom
)

var errNoPacket = fault("this run has no packet")

func packetOf(e Env) hook.Packet {
	p, ok := e.Packet()
	if !ok {
		panic(stop{errNoPacket})
	}
	return p
}

// move sets the borders of the packet and writes them into the context.
func move(e Env, p hook.Packet) {
	e.SetPacket(p)
	typ, _, ctx := e.Context()
	switch typ.Info().Context {
	case "xdp_md":
		writeWord32(e, ctx, uint32(p.Data))
		writeWord32(e, ctx+4, uint32(p.End))
		writeWord32(e, ctx+8, uint32(p.Meta))
	case "__sk_buff":
		writeWord32(e, ctx+skbLen, uint32(p.Len()))
		writeWord32(e, ctx+skbData, uint32(p.Data))
		writeWord32(e, ctx+skbDataEnd, uint32(p.End))
		writeWord32(e, ctx+skbDataMeta, uint32(p.Meta))
	case "sk_msg_md":
		writeWord(e, ctx, p.Data)
		writeWord(e, ctx+8, p.End)
	}
}

// loadPacket copies n bytes at off of the packet to addr, for dynptrs.
func loadPacket(e Env, c *Call, off, addr uint64, n uint32) {
	p := packetOf(e)
	if off+uint64(n) > p.Len() {
		write(e, addr, make([]byte, min(n, maxSkbLen)))
		c.set(efault)
		return
	}
	b := read(e, p.Data+off, int(n))
	c.set(0)
	write(e, addr, b)
}

// storePacket copies n bytes from addr to off of the packet.
func storePacket(e Env, c *Call, off, addr uint64, n uint32, flags uint64) {
	p := packetOf(e)
	switch {
	case flags&^(recomputeCsum|invalidateHash) != 0:
		c.set(einval)
		return
	case off+uint64(n) > p.Len():
		c.set(efault)
		return
	}
	b := read(e, addr, int(n))
	if flags&invalidateHash != 0 {
		skbPut(e, skbHash, 0)
	}
	c.set(0)
	write(e, p.Data+off, b)
}

// shift makes or removes n bytes at off of the packet by moving what lies in
// front of them: bpf_skb_generic_push and bpf_skb_generic_pop. New bytes are
// zero. False when there is no room.
func shift(e Env, p hook.Packet, off uint64, n int64) (hook.Packet, bool) {
	front := read(e, p.Data, int(off))
	data := uint64(int64(p.Data) - n)
	if n > 0 && (uint64(n) > p.Data || data < p.Room) {
		return p, false
	}
	p.Data, p.Meta = data, data
	if p.Net != 0 {
		p.Net = uint64(int64(p.Net) - n)
	}
	move(e, p)
	write(e, p.Data, front)
	if n > 0 {
		write(e, p.Data+off, make([]byte, n))
	}
	return p, true
}

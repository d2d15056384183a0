package helper

// The outermost VLAN tag of a packet is kept beside it (vlan_present,
// vlan_tci, vlan_proto of __sk_buff); further ones are in its bytes, behind
// the MAC addresses.

const vlanLen = 4

// skbVlanPush: (skb, proto, tci). The tag beside the packet moves into it.
func skbVlanPush(e Env, c *Call) {
	p := packetOf(e)
	proto := swap16(c.u32(2))
	if proto != eth8021Q && proto != eth8021AD {
		proto = eth8021Q
	}
	if skbGet(e, skbVlanPresent) != 0 {
		oldProto := skbGet(e, skbVlanProto)
		oldTCI := skbGet(e, skbVlanTCI)
		net := p.Data + network(e, p)
		q, ok := shift(e, p, 12, vlanLen)
		if !ok {
			c.set(enomem)
			return
		}
		q.Net = net // the tag now belongs to the MAC header
		move(e, q)
		var tag [vlanLen]byte
		le.PutUint16(tag[0:], uint16(oldProto))
		be.PutUint16(tag[2:], uint16(oldTCI))
		write(e, q.Data+12, tag[:])
		skbPut(e, skbProtocol, oldProto)
	}
	c.set(0)
	skbVlan(e, 1, proto, uint16(c.u32(3)))
}

// skbVlanPop removes the tag beside the packet, or the first one in it; the
// next one in it takes the place.
func skbVlanPop(e Env, c *Call) {
	c.set(0)
	if skbGet(e, skbVlanPresent) != 0 {
		skbVlan(e, 0, 0, 0)
	} else if _, _, ok := pullTag(e); !ok {
		return
	}
	if proto, tci, ok := pullTag(e); ok {
		skbVlan(e, 1, proto, tci)
	}
}

func skbVlan(e Env, present uint32, proto, tci uint16) {
	skbPut(e, skbVlanPresent, present)
	skbPut(e, skbVlanProto, uint32(swap16(uint32(proto))))
	skbPut(e, skbVlanTCI, uint32(tci))
}

// pullTag takes a tag out of the packet, false when there is none.
func pullTag(e Env) (proto, tci uint16, ok bool) {
	p := packetOf(e)
	if p.Len() < ethernetLen+vlanLen {
		return 0, 0, false
	}
	b := peek(e, p.Data+12, 6)
	proto, tci = be.Uint16(b), be.Uint16(b[2:])
	inner := be.Uint16(b[4:])
	if proto != eth8021Q && proto != eth8021AD {
		return 0, 0, false
	}
	net := p.Net
	q, _ := shift(e, p, 12, -vlanLen)
	if q.Net = net; net != 0 && net < q.Data+ethernetLen {
		q.Net = q.Data + ethernetLen
	}
	move(e, q)
	skbPut(e, skbProtocol, uint32(swap16(uint32(inner))))
	return proto, tci, true
}

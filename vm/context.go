package vm

import (
	"skep/vm/helper"
	"skep/vm/hook"
)

// context makes the context of the entry program's type.
func (m *Machine) context(in Input) []byte {
	p := m.code.prog
	s := in.Start
	s.Packet = m.cpu.packet
	if s.Proto == 0 && len(in.Packet) >= hook.EthernetLen {
		s.Proto = uint16(in.Packet[12])<<8 | uint16(in.Packet[13])
		if s.Proto < 0x600 { // a length: ETH_P_802_2, if not IPX (eth_type_trans)
			s.Proto = 4
			if p := in.Packet[hook.EthernetLen:]; len(p) > 1 && p[0]&p[1] == 0xff {
				s.Proto = 1
			}
		}
	}
	if p.Type == hook.Netfilter {
		skb, state := m.netfilter()
		s.Set = append([]hook.Value{{Name: "skb", V: skb}, {Name: "state", V: state}}, s.Set...)
	}
	return hook.Context(hook.Program{Type: p.Type, Attach: p.Attach, CapBPF: true}, s)
}

// Objects that only the machine makes.
const (
	objectSkb helper.ObjectKind = 200 + iota
	objectNFState
)

// netfilter makes the kernel's struct sk_buff and struct nf_hook_state that a
// netfilter program's context points to. Of their fields only the length of
// the packet, the hook (local out) and the family (IPv4) are filled in, where
// the reference kernel has them and as its test runs do.
func (m *Machine) netfilter() (skb, state uint64) {
	const skbSize, skbLen, stateSize = 256, 112, 64
	e := (*env)(m)
	skb, state = e.Object(objectSkb, 0, skbSize), e.Object(objectNFState, 0, stateSize)
	if skb != 0 && state != 0 {
		const localOut, ipv4 = 3, 2 // NF_INET_LOCAL_OUT, NFPROTO_IPV4
		m.arena.Put8(uint32(state), localOut)
		m.arena.Put8(uint32(state)+1, ipv4)
		m.arena.Put32(uint32(skb)+skbLen, uint32(m.cpu.packet.Len()))
	}
	return skb, state
}

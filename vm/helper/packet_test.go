package helper_test

import (
	"bytes"
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

// frame is an Ethernet, IPv4 and UDP packet with "payload!".
func frame() []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}
	b = append(b, 0x45, 0, 0, 36, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
	be.PutUint16(b[24:], sum(b[14:34]))
	b = append(b, 0x30, 0x39, 0, 53, 0, 16, 0, 0)
	return append(b, "payload!"...)
}

// sum is the Internet checksum of b.
func sum(b []byte) uint16 {
	var s uint32
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(be.Uint16(b[i:]))
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

func TestXDPHelpers(t *testing.T) {
	xdp := func(run func(f *fake, ctx uint64) any) func(*fake) any {
		return func(f *fake) any { return run(f, f.packet(hook.XDP, frame(), 0x800)) }
	}
	geometry := func(f *fake) string {
		return list(int64(f.pkt.Data-f.pkt.Meta), f.pkt.Len(), f.field("data") == f.pkt.Data, f.field("data_end") == f.pkt.End, f.field("data_meta") == f.pkt.Meta)
	}
	check(t, []behaviour{
		{"head outwards", xdp(func(f *fake, ctx uint64) any { return list(f.call("xdp_adjust_head", ctx, neg(-20)), geometry(f)) }), "0 0 70 true true true"},
		{"head inwards", xdp(func(f *fake, ctx uint64) any {
			return list(f.call("xdp_adjust_head", ctx, 14), geometry(f), f.bytes()[0])
		}), "0 0 36 true true true 69"},
		{"head beyond the headroom", xdp(func(f *fake, ctx uint64) any { return f.call("xdp_adjust_head", ctx, neg(-217)) }), -22},
		{"head up to struct xdp_frame", xdp(func(f *fake, ctx uint64) any { return f.call("xdp_adjust_head", ctx, neg(-216)) }), 0},
		{"head leaves no Ethernet header", xdp(func(f *fake, ctx uint64) any { return f.call("xdp_adjust_head", ctx, 37) }), -22},
		{"metadata moves with the head", xdp(func(f *fake, ctx uint64) any {
			f.call("xdp_adjust_meta", ctx, neg(-4))
			copy(f.at(f.pkt.Meta, 4), "meta")
			f.call("xdp_adjust_head", ctx, neg(-8))
			return list(geometry(f), string(f.at(f.pkt.Meta, 4)))
		}), "4 58 true true true meta"},
		{"metadata of an odd size", xdp(func(f *fake, ctx uint64) any { return f.call("xdp_adjust_meta", ctx, neg(-3)) }), -13},
		{"metadata beyond data", xdp(func(f *fake, ctx uint64) any { return f.call("xdp_adjust_meta", ctx, 4) }), -22},
		{"tail", xdp(func(f *fake, ctx uint64) any {
			r := list(f.call("xdp_adjust_tail", ctx, 4), geometry(f), f.bytes()[50:])
			return r + list(" ", f.call("xdp_adjust_tail", ctx, neg(-8)), geometry(f))
		}), "0 0 54 true true true [0 0 0 0] 0 0 46 true true true"},
		{"tail beyond the buffer", xdp(func(f *fake, ctx uint64) any { return f.call("xdp_adjust_tail", ctx, 129) }), -22},
		{"tail leaves no Ethernet header", xdp(func(f *fake, ctx uint64) any { return f.call("xdp_adjust_tail", ctx, neg(-37)) }), -22},
		{"bytes", xdp(func(f *fake, ctx uint64) any {
			b := f.buf(16)
			r := list(f.call("xdp_get_buff_len", ctx), f.call("xdp_load_bytes", ctx, 42, b, 8), string(f.at(b, 8)))
			r += list(" ", f.call("xdp_store_bytes", ctx, 42, f.str("PAY"), 3), string(f.bytes()[42:]))
			return r + list(" ", f.call("xdp_load_bytes", ctx, 43, b, 8), f.call("xdp_store_bytes", ctx, 43, b, 8), f.call("xdp_load_bytes", ctx, 65536, b, 8))
		}), "50 0 payload! 0 PAYload! -22 -22 -14"},
		{"redirect", xdp(func(f *fake, ctx uint64) any {
			return list(f.call("redirect", 3, 0), f.Var(helper.VarRedirect), f.call("redirect", 3, 1))
		}), "4 3 0"},
		{"redirect map", xdp(func(f *fake, ctx uint64) any {
			m, a := f.newMap(14, 4, 4, 4)
			a.refs = map[uint32]uint32{2: 5}
			r := list(f.call("redirect_map", m, 2, 0), f.Var(helper.VarRedirect), f.Var(helper.VarRedirectMap) == m)
			return r + list(" ", f.call("redirect_map", m, 1, 2), helper.RedirectKind(f.Var(helper.VarRedirectKind)) == helper.RedirectNone, f.call("redirect_map", m, 1, 8), f.call("redirect_map", m, 1, 32))
		}), "4 2 true 2 true 4 0"},
		{"redirect to a CPU takes no broadcast", xdp(func(f *fake, ctx uint64) any {
			m, _ := f.newMap(16, 4, 4, 4)
			return f.call("redirect_map", m, 0, 8)
		}), 0},
		{"MTU", xdp(func(f *fake, ctx uint64) any {
			f.world.Links = []helper.Link{{Index: 7, MTU: 40}}
			n := f.buf(4)
			r := list(f.call("check_mtu", ctx, 7, n, 0, 0), le.Uint32(f.at(n, 4)))
			copy(f.at(n, 4), u32(0))
			return r + list(" ", f.call("check_mtu", ctx, 7, n, 5, 0), f.call("check_mtu", ctx, 8, n, 0, 0), f.call("check_mtu", ctx, 7, n, 0, 1))
		}), "0 40 1 -19 -22"},
		{"no packet", func(f *fake) any {
			_, err := f.try("xdp_adjust_head", nil, 0, 0)
			return err
		}, "this run has no packet"},
	})
}

func TestSkbHelpers(t *testing.T) {
	tc := func(run func(f *fake, ctx uint64) any) func(*fake) any {
		return func(f *fake) any { return run(f, f.packet(hook.SchedCls, frame(), 0x800)) }
	}
	check(t, []behaviour{
		{"load and store", tc(func(f *fake, ctx uint64) any {
			b := f.buf(16)
			r := list(f.call("skb_load_bytes", ctx, 42, b, 7), string(f.at(b, 7)), f.call("skb_store_bytes", ctx, 42, f.str("PAY"), 3, 0), string(f.bytes()[42:]))
			return r + list(" ", f.call("skb_load_bytes", ctx, 43, b, 8), f.at(b, 7)[0], f.call("skb_store_bytes", ctx, 43, b, 8, 0), f.call("skb_store_bytes", ctx, 0, b, 8, 4), f.call("skb_store_bytes", ctx, 1<<31, b, 8, 0))
		}), "0 payload 0 PAYload! -14 0 -14 -22 -14"},
		{"load relative", tc(func(f *fake, ctx uint64) any {
			b := f.buf(16)
			r := list(f.call("skb_load_bytes_relative", ctx, 0, b, 1, 1), f.at(b, 1)[0])
			r += list(" ", f.call("skb_load_bytes_relative", ctx, 12, b, 1, 0), f.at(b, 1)[0])
			return r + list(" ", f.call("skb_load_bytes_relative", ctx, 36, b, 1, 1), f.call("skb_load_bytes_relative", ctx, 0, b, 1, 2))
		}), "0 69 0 8 -14 -14"},
		{"load relative to a MAC header in front", func(f *fake) any {
			ctx := f.packet(hook.CgroupSkb, frame(), 0x800)
			f.pkt.Data += 14
			b := f.buf(16)
			return list(f.call("skb_load_bytes_relative", ctx, 12, b, 4, 0), f.at(b, 3), f.call("skb_load_bytes_relative", ctx, 0, b, 1, 1))
		}, "0 [69 0 69] 0"},
		{"pull", tc(func(f *fake, ctx uint64) any {
			return list(f.call("skb_pull_data", ctx, 0), f.call("skb_pull_data", ctx, 50), f.call("skb_pull_data", ctx, 51))
		}), "0 0 -12"},
		{"tail", tc(func(f *fake, ctx uint64) any {
			r := list(f.call("skb_change_tail", ctx, 52, 0), f.bytes()[49:], f.field("len"), f.call("skb_change_tail", ctx, 20, 0), f.pkt.Len(), f.field("data_end") == f.pkt.End)
			return r + list(" ", f.call("skb_change_tail", ctx, 13, 0), f.call("skb_change_tail", ctx, 20, 1), f.call("skb_change_tail", ctx, 300, 0))
		}), "0 [33 0 0] 52 0 20 true -22 -22 -12"},
		{"head", tc(func(f *fake, ctx uint64) any {
			return list(f.call("skb_change_head", ctx, 4, 0), f.bytes()[:5], f.pkt.Len(), f.call("skb_change_head", ctx, 4, 1), f.call("skb_change_head", ctx, 253, 0))
		}), "0 [0 0 0 0 2] 54 -22 -12"},
		{"protocol and back", tc(func(f *fake, ctx uint64) any {
			r := list(f.call("skb_change_proto", ctx, 0xdd86, 0), f.pkt.Len(), f.field("protocol") == 0xdd86, f.bytes()[12:14], f.bytes()[14:16], f.bytes()[34])
			return r + list(" ", f.call("skb_change_proto", ctx, 0x0008, 0), bytes.Equal(f.bytes(), frame()), f.call("skb_change_proto", ctx, 0x0608, 0), f.call("skb_change_proto", ctx, 8, 1))
		}), "0 70 true [8 0] [0 0] 69 0 true -524 -22"},
		{"packet type", tc(func(f *fake, ctx uint64) any {
			return list(f.call("skb_change_type", ctx, 3), f.field("pkt_type"), f.call("skb_change_type", ctx, 4))
		}), "0 3 -22"},
		{"room behind the MAC header", tc(func(f *fake, ctx uint64) any {
			r := list(f.call("skb_adjust_room", ctx, 20, 1, 2), f.pkt.Len(), f.bytes()[12:16], f.bytes()[34])
			return r + list(" ", f.call("skb_adjust_room", ctx, neg(-20), 1, 0), bytes.Equal(f.bytes(), frame()))
		}), "0 70 [8 0 0 0] 69 0 true"},
		{"room behind the IP header", tc(func(f *fake, ctx uint64) any {
			return list(f.call("skb_adjust_room", ctx, 4, 0, 0), f.bytes()[33:39])
		}), "0 [2 0 0 0 0 48]"},
		{"room around in IPv6", tc(func(f *fake, ctx uint64) any {
			return list(f.call("skb_adjust_room", ctx, 40, 1, 4), f.field("protocol") == 0xdd86, f.call("skb_adjust_room", ctx, neg(-40), 1, 1<<7), f.field("protocol") == 8)
		}), "0 true 0 true"},
		{"room refused", tc(func(f *fake, ctx uint64) any {
			return list(f.call("skb_adjust_room", ctx, 4, 2, 0), f.call("skb_adjust_room", ctx, 4096, 1, 0), f.call("skb_adjust_room", ctx, 4, 1, 1<<9), f.call("skb_adjust_room", ctx, neg(-17), 1, 0), f.call("skb_adjust_room", ctx, 20, 1, 6), f.call("skb_adjust_room", ctx, 20, 1, 2|8|16), f.call("skb_adjust_room", ctx, 20, 1, 1<<7), f.call("skb_adjust_room", ctx, 20, 1, 2|21<<56))
		}), "-524 -14 -22 -524 -22 -22 -22 -22"},
		{"room of an sk_skb", func(f *fake) any {
			ctx := f.packet(hook.SkSkb, []byte("payload"), 0)
			return list(f.call("skb_adjust_room", ctx, 2, 0, 0), f.bytes()[:3], f.call("skb_adjust_room", ctx, neg(-3), 0, 0), string(f.bytes()), f.call("skb_adjust_room", ctx, 2, 1, 0), f.call("skb_adjust_room", ctx, neg(-7), 0, 0))
		}, "0 [0 0 112] 0 ayload -22 -12"},
		{"VLAN push and pop beside the packet", tc(func(f *fake, ctx uint64) any {
			r := list(f.call("skb_vlan_push", ctx, 0x0081, 0x1005), f.pkt.Len(), f.field("vlan_present"), f.field("vlan_tci"), f.field("vlan_proto") == 0x0081)
			return r + list(" ", f.call("skb_vlan_pop", ctx), f.field("vlan_present"), f.pkt.Len(), f.call("skb_vlan_pop", ctx))
		}), "0 50 1 4101 true 0 0 50 0"},
		{"second VLAN tag goes into the packet", tc(func(f *fake, ctx uint64) any {
			f.call("skb_vlan_push", ctx, 0xa888, 7)
			r := list(f.call("skb_vlan_push", ctx, 0, 9), f.pkt.Len(), f.bytes()[12:18], f.field("vlan_tci"))
			return r + list(" ", f.call("skb_vlan_pop", ctx), f.pkt.Len(), f.field("vlan_tci"), f.field("vlan_proto") == 0xa888, bytes.Equal(f.bytes(), frame()), f.field("protocol"))
		}), "0 54 [136 168 0 7 8 0] 9 0 50 7 true true 8"},
		{"hash", tc(func(f *fake, ctx uint64) any {
			h := f.call("get_hash_recalc", ctx)
			r := list(h != 0, f.field("hash") == uint64(h), f.call("get_hash_recalc", ctx) == h)
			f.call("set_hash", ctx, 77)
			r += list(" ", f.call("get_hash_recalc", ctx), f.call("set_hash_invalid", ctx), f.field("hash"), f.call("get_hash_recalc", ctx) == h)
			return r
		}), "true true true 77 0 0 true"},
		{"time stamp", tc(func(f *fake, ctx uint64) any {
			return list(f.call("skb_set_tstamp", ctx, 99, 1), f.field("tstamp"), f.field("tstamp_type"), f.call("skb_set_tstamp", ctx, 0, 0), f.call("skb_set_tstamp", ctx, 0, 2), f.call("skb_set_tstamp", ctx, 1, 3))
		}), "0 99 1 0 -22 -22"},
		{"ECN", tc(func(f *fake, ctx uint64) any {
			r := list(f.call("skb_ecn_set_ce", ctx), f.bytes()[15])
			f.bytes()[15] = 2
			be.PutUint16(f.bytes()[24:], 0)
			be.PutUint16(f.bytes()[24:], sum(f.bytes()[14:34]))
			return r + list(" ", f.call("skb_ecn_set_ce", ctx), f.bytes()[15], sum(f.bytes()[14:34]), f.call("skb_ecn_set_ce", ctx))
		}), "0 0 1 3 0 1"},
		{"ECN of IPv6", func(f *fake) any {
			ip := make([]byte, 54)
			ip[14], ip[15] = 0x60, 0x10
			ctx := f.packet(hook.SchedCls, ip, 0x86dd)
			return list(f.call("skb_ecn_set_ce", ctx), f.bytes()[14:16])
		}, "1 [96 48]"},
		{"redirects", tc(func(f *fake, ctx uint64) any {
			return list(f.call("redirect", 3, 1), f.Var(helper.VarRedirectFlag), f.call("redirect", 3, 2), f.call("redirect_peer", 4, 0), f.call("redirect_peer", 4, 1), f.call("redirect_neigh", 5, 0, 0, 0), f.call("redirect_neigh", 5, f.buf(20), 20, 0), f.call("redirect_neigh", 5, 0, 19, 0), f.call("redirect_neigh", 5, 0, 0, 1))
		}), "7 1 2 7 2 7 7 2 2"},
		{"clone", tc(func(f *fake, ctx uint64) any {
			f.world.Links = []helper.Link{{Index: 9}}
			r := list(f.call("clone_redirect", ctx, 9, 1), f.call("clone_redirect", ctx, 8, 0), f.call("clone_redirect", ctx, 9, 2))
			return r + list(" ", len(f.events), f.events[0].Index, bytes.Equal(f.events[0].Data, frame()))
		}), "0 -22 -22 1 9 true"},
		{"tunnel", tc(func(f *fake, ctx uint64) any {
			k := f.buf(44)
			r := list(f.call("skb_get_tunnel_key", ctx, k, 44, 0), f.call("skb_get_tunnel_opt", ctx, k, 8), f.call("skb_set_tunnel_opt", ctx, k, 8))
			f.world.Tunnel = helper.Tunnel{ID: 42, Remote: [16]byte{10, 0, 0, 9}, TTL: 5, Opt: []byte("opts")}
			r += list(" ", f.call("skb_get_tunnel_key", ctx, k, 44, 0), f.at(k, 8)[0], f.at(k, 8)[7], f.at(k, 44)[21])
			r += list(" ", f.call("skb_get_tunnel_key", ctx, k, 44, 1), f.call("skb_get_tunnel_key", ctx, k, 43, 0), f.call("skb_get_tunnel_opt", ctx, k, 8), f.call("skb_get_tunnel_opt", ctx, k, 3))
			copy(f.at(k, 44), make([]byte, 44))
			return r + list(" ", f.call("skb_set_tunnel_key", ctx, k, 44, 0), f.call("skb_set_tunnel_key", ctx, k, 43, 0), f.call("skb_set_tunnel_key", ctx, k, 44, 64), f.call("skb_set_tunnel_opt", ctx, k, 8), f.call("skb_set_tunnel_opt", ctx, k, 7), f.call("skb_set_tunnel_opt", ctx, f.buf(256), 256))
		}), "-22 -2 -22 0 42 10 5 -71 -22 4 -12 0 -22 -22 0 -22 -12"},
	})
}

func TestChecksumHelpers(t *testing.T) {
	tc := func(run func(f *fake, ctx uint64) any) func(*fake) any {
		return func(f *fake) any { return run(f, f.packet(hook.SchedCls, frame(), 0x800)) }
	}
	const ipSum, ttl, udpSum = 24, 22, 40
	check(t, []behaviour{
		{"l3 of a word", tc(func(f *fake, ctx uint64) any {
			old := le.Uint16(f.bytes()[ttl:])
			f.bytes()[ttl]--
			r := f.call("l3_csum_replace", ctx, ipSum, uint64(old), uint64(le.Uint16(f.bytes()[ttl:])), 2)
			return list(r, sum(f.bytes()[14:34]))
		}), "0 0"},
		{"l3 of an address", tc(func(f *fake, ctx uint64) any {
			old := le.Uint32(f.bytes()[30:])
			copy(f.bytes()[30:], []byte{192, 168, 1, 77})
			r := f.call("l3_csum_replace", ctx, ipSum, uint64(old), uint64(le.Uint32(f.bytes()[30:])), 4)
			return list(r, sum(f.bytes()[14:34]))
		}), "0 0"},
		{"l3 of a difference", tc(func(f *fake, ctx uint64) any {
			old := f.alloc(f.bytes()[26:34])
			copy(f.bytes()[26:], []byte{1, 2, 3, 4, 5, 6, 7, 8})
			d := f.call("csum_diff", old, 8, f.alloc(f.bytes()[26:34]), 8, 0)
			r := f.call("l3_csum_replace", ctx, ipSum, 0, uint64(d), 0)
			return list(r, sum(f.bytes()[14:34]))
		}), "0 0"},
		{"l4 with mangled zero", tc(func(f *fake, ctx uint64) any {
			r := list(f.call("l4_csum_replace", ctx, udpSum, 1, 2, 2|1<<5), le.Uint16(f.bytes()[udpSum:]))
			r += list(" ", f.call("l4_csum_replace", ctx, udpSum, 0, 0, 2|1<<5|1<<6), be.Uint16(f.bytes()[udpSum:]))
			return r
		}), "0 0 0 65535"},
		{"l4", tc(func(f *fake, ctx uint64) any {
			put := func() { be.PutUint16(f.bytes()[udpSum:], 0); be.PutUint16(f.bytes()[udpSum:], sum(f.bytes()[34:50])) }
			put()
			copy(f.bytes()[34:], []byte{0xbe, 0xef})
			f.call("l4_csum_replace", ctx, udpSum, 0x3930, 0xefbe, 2)
			return sum(f.bytes()[34:50])
		}), 0},
		{"refused", tc(func(f *fake, ctx uint64) any {
			return list(f.call("l3_csum_replace", ctx, 23, 0, 0, 2), f.call("l3_csum_replace", ctx, 50, 0, 0, 2), f.call("l3_csum_replace", ctx, 24, 0, 0, 3), f.call("l3_csum_replace", ctx, 24, 0, 0, 16), f.call("l3_csum_replace", ctx, 24, 1, 0, 0), f.call("l4_csum_replace", ctx, 24, 0, 0, 1<<8), f.call("l4_csum_replace", ctx, 65536, 0, 0, 2))
		}), "-14 -14 -22 -22 -22 -22 -14"},
		{"difference", func(f *fake) any {
			a := f.alloc(u32(0xffffffff))
			return list(f.call("csum_diff", 0, 0, a, 4, 1), f.call("csum_diff", a, 4, 0, 0, 5), f.call("csum_diff", a, 3, 0, 0, 0), f.call("csum_diff", a, 512, a, 4, 0), f.call("csum_diff", 0, 0, 0, 0, 9))
		}, "1 5 -22 -22 9"},
		{"hardware checksum", tc(func(f *fake, ctx uint64) any {
			r := f.call("csum_update", ctx, 5)
			f.SetVar(helper.VarCsumLvl, 256)
			return list(r, f.call("csum_update", ctx, 5), f.call("csum_update", ctx, 6))
		}), "-524 5 11"},
		{"checksum level", tc(func(f *fake, ctx uint64) any {
			r := list(f.call("csum_level", ctx, 0), f.call("csum_level", ctx, 1), f.call("csum_level", ctx, 0), f.call("csum_level", ctx, 1), f.call("csum_level", ctx, 0))
			return r + list(" ", f.call("csum_level", ctx, 2), f.call("csum_level", ctx, 0), f.call("csum_level", ctx, 3), f.call("csum_level", ctx, 0), f.call("csum_level", ctx, 4))
		}), "-13 0 0 0 1 0 0 0 -13 -22"},
	})
}

func TestFibLookup(t *testing.T) {
	run := func(set func(w *helper.World, p []byte), flags uint64) func(*fake) any {
		return func(f *fake) any {
			ctx := f.packet(hook.XDP, frame(), 0x800)
			f.world.Links = []helper.Link{{Index: 2, MTU: 1400, MAC: [6]byte{0xaa}}}
			f.world.Routes = []helper.Route{
				{Prefix: [16]byte{10}, Bits: 8, Link: 2, Gateway: [16]byte{10, 9, 9, 9}, HasGate: true, DstMAC: [6]byte{0xbb}, Metric: 5},
				{Prefix: [16]byte{10, 1}, Bits: 16, Link: 2, NoNeigh: true},
				{Prefix: [16]byte{10, 2}, Bits: 15, Link: 2, Code: 1, Src: [16]byte{1}},
				{Prefix: [16]byte{0x20, 1}, Bits: 16, V6: true, Link: 2},
			}
			p := make([]byte, 64)
			p[0] = 2
			p[8] = 1
			copy(p[32:], []byte{10, 0, 0, 7})
			if set != nil {
				set(&f.world, p)
			}
			a := f.alloc(p)
			r := f.call("fib_lookup", ctx, a, 64, flags)
			out := f.at(a, 64)
			return list(r, le.Uint32(out[8:]), out[32:36], out[52], out[58], le.Uint16(out[6:]))
		}
	}
	dst := func(b ...byte) func(*helper.World, []byte) {
		return func(w *helper.World, p []byte) { copy(p[32:], b) }
	}
	check(t, []behaviour{
		{"forwarded", run(nil, 0), "0 2 [10 9 9 9] 170 187 1400"},
		{"without neighbour", run(nil, 4), "0 2 [10 9 9 9] 0 0 1400"},
		{"no neighbour", run(dst(10, 1), 0), "7 2 [10 1 0 7] 0 0 0"},
		{"blackhole", run(dst(10, 3, 1, 1), 0), "1 1 [10 3 1 1] 0 0 0"},
		{"no route", run(dst(11), 0), "4 1 [11 0 0 7] 0 0 0"},
		{"too long", run(func(w *helper.World, p []byte) { le.PutUint16(p[6:], 1401) }, 0), "8 1 [10 0 0 7] 0 0 1400"},
		{"IPv6", run(func(w *helper.World, p []byte) { p[0] = 10; copy(p[32:], []byte{0x20, 1, 2, 3}) }, 0), "0 2 [32 1 2 3] 170 0 1400"},
		{"family", run(func(w *helper.World, p []byte) { p[0] = 3 }, 0), "-97 1 [10 0 0 7] 0 0 0"},
		{"interface", run(func(w *helper.World, p []byte) { p[8] = 9 }, 0), "-19 9 [10 0 0 7] 0 0 0"},
		{"flags", run(nil, 64), "-22 1 [10 0 0 7] 0 0 0"},
	})
}

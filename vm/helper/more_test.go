package helper_test

import (
	"bytes"
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

func TestCastHelpers(t *testing.T) {
	names := []string{"skc_to_tcp6_sock", "skc_to_tcp_sock", "skc_to_tcp_timewait_sock", "skc_to_tcp_request_sock", "skc_to_udp6_sock", "skc_to_unix_sock", "skc_to_mptcp_sock"}
	for _, tt := range []struct {
		name string
		sock helper.Socket
		want string // the casts that succeed
	}{
		{"TCP", helper.Socket{Family: 2, Protocol: 6, State: 1}, "[skc_to_tcp_sock]"},
		{"TCP over IPv6", helper.Socket{Family: 10, Protocol: 6, State: 1}, "[skc_to_tcp6_sock skc_to_tcp_sock]"},
		{"TIME_WAIT", helper.Socket{Family: 2, Protocol: 6, State: 6}, "[skc_to_tcp_timewait_sock]"},
		{"request", helper.Socket{Family: 2, Protocol: 6, State: 12}, "[skc_to_tcp_request_sock]"},
		{"UDP", helper.Socket{Family: 2, Protocol: 17, State: 7}, "[]"},
		{"UDP over IPv6", helper.Socket{Family: 10, Protocol: 17, State: 7}, "[skc_to_udp6_sock]"},
		{"unix", helper.Socket{Family: 1, State: 7}, "[skc_to_unix_sock]"},
		{"MPTCP", helper.Socket{Family: 2, Protocol: 262, State: 1}, "[skc_to_mptcp_sock]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(t)
			f.world.Sockets = []helper.Socket{tt.sock}
			sk := f.Object(helper.ObjectSock, 0, 80)
			var got []string
			for _, n := range names {
				if f.call(n, sk) == int64(sk) {
					got = append(got, n)
				}
				if f.call(n, 12345) != 0 {
					t.Errorf("%s casts what is no socket", n)
				}
			}
			if list(got) != tt.want {
				t.Errorf("%v, want %s", got, tt.want)
			}
		})
	}
}

// tcp is a TCP header with those flags.
func tcp(seq, ack uint32, flags byte, opts ...byte) []byte {
	b := make([]byte, 20, 20+len(opts))
	be.PutUint16(b[0:], 4000)
	be.PutUint16(b[2:], 80)
	be.PutUint32(b[4:], seq)
	be.PutUint32(b[8:], ack)
	b[12] = byte(20+len(opts)) / 4 << 4
	b[13] = flags
	return append(b, opts...)
}

func TestSyncookieHelpers(t *testing.T) {
	const syn, ack = 2, 16
	ip4 := frame()[14:34]
	ip6 := append([]byte{0x60, 39: 9}, []byte{}...)
	check(t, []behaviour{
		{"IPv4", func(f *fake) any {
			ip := f.alloc(ip4)
			c := f.call("tcp_raw_gen_syncookie_ipv4", ip, f.alloc(tcp(100, 0, syn, 2, 4, 5, 0xb4)), 24)
			r := list(c>>32, f.call("tcp_raw_check_syncookie_ipv4", ip, f.alloc(tcp(101, uint32(c)+1, ack))), f.call("tcp_raw_check_syncookie_ipv4", ip, f.alloc(tcp(101, uint32(c), ack))))
			return r + list(" ", f.call("tcp_raw_gen_syncookie_ipv4", ip, f.alloc(tcp(1, 0, syn)), 24), f.call("tcp_raw_gen_syncookie_ipv4", ip, f.alloc(tcp(1, 0, syn)), 20)>>32)
		}, "1460 0 -13 -22 536"},
		{"IPv6", func(f *fake) any {
			ip := f.alloc(ip6)
			c := f.call("tcp_raw_gen_syncookie_ipv6", ip, f.alloc(tcp(100, 0, syn)), 20)
			return list(c>>32, f.call("tcp_raw_check_syncookie_ipv6", ip, f.alloc(tcp(101, uint32(c)+1, ack))))
		}, "1220 0"},
		{"listener", func(f *fake) any {
			f.world.Sockets = sockets()
			l, other := f.Object(helper.ObjectSock, 1, 80), f.Object(helper.ObjectSock, 0, 80)
			ip := f.alloc(ip4)
			s := f.alloc(tcp(100, 0, syn))
			c := f.call("tcp_gen_syncookie", l, ip, 20, s, 20)
			a := f.alloc(tcp(101, uint32(c)+1, ack))
			r := list(c>>32, f.call("tcp_check_syncookie", l, ip, 20, a, 20), f.call("tcp_check_syncookie", l, ip, 20, s, 20), f.call("tcp_check_syncookie", other, ip, 20, a, 20))
			return r + list(" ", f.call("tcp_gen_syncookie", l, ip, 20, a, 20), f.call("tcp_gen_syncookie", other, ip, 20, s, 20), f.call("tcp_gen_syncookie", l, ip, 20, s, 19))
		}, "536 0 -2 -22 -2 -22 -22"},
	})
}

func TestHeaderOptionHelpers(t *testing.T) {
	const lenCB, writeCB = 14, 15
	ops := func(run func(f *fake, ctx uint64) any) func(*fake) any {
		return func(f *fake) any {
			// MSS 1460, a blank, an experiment with magic 0xeb9f and a byte, blanks
			ctx := f.packet(hook.SockOps, tcp(1, 0, 2, 2, 4, 5, 0xb4, 1, 254, 5, 0xeb, 0x9f, 7, 1, 1), 0)
			return run(f, ctx)
		}
	}
	op := func(f *fake, op uint32) { copy(f.at(f.ctx, 4), u32(op)) }
	check(t, []behaviour{
		{"load", ops(func(f *fake, ctx uint64) any {
			b := f.alloc([]byte{2, 0, 9, 9, 9, 9})
			return list(f.call("load_hdr_opt", ctx, b, 6, 0), f.at(b, 6))
		}), "4 [2 4 5 180 9 9]"},
		{"load an experiment", ops(func(f *fake, ctx uint64) any {
			b := f.alloc([]byte{254, 4, 0xeb, 0x9f, 0, 0})
			return list(f.call("load_hdr_opt", ctx, b, 6, 0), f.at(b, 6))
		}), "5 [254 5 235 159 7 0]"},
		{"load in part", ops(func(f *fake, ctx uint64) any {
			b := f.alloc([]byte{2, 0, 9, 9})
			return list(f.call("load_hdr_opt", ctx, b, 3, 0), f.at(b, 4))
		}), "-28 [2 4 5 9]"},
		{"load refused", ops(func(f *fake, ctx uint64) any {
			kind := func(b ...byte) uint64 { return f.alloc(append(b, 0, 0, 0, 0)) }
			return list(f.call("load_hdr_opt", ctx, kind(3, 0), 6, 0), f.call("load_hdr_opt", ctx, kind(1, 0), 6, 0), f.call("load_hdr_opt", ctx, kind(2, 4), 6, 0), f.call("load_hdr_opt", ctx, kind(254, 5), 6, 0), f.call("load_hdr_opt", ctx, kind(254, 4, 1, 2), 6, 0), f.call("load_hdr_opt", ctx, kind(2, 0), 6, 1), f.call("load_hdr_opt", ctx, kind(2, 0), 6, 2))
		}), "-42 -22 -22 -22 -42 -2 -22"},
		{"reserve", ops(func(f *fake, ctx uint64) any {
			r := list(f.call("reserve_hdr_opt", ctx, 4, 0))
			op(f, lenCB)
			return r + list(" ", f.call("reserve_hdr_opt", ctx, 4, 0), f.call("reserve_hdr_opt", ctx, 37, 0), f.call("reserve_hdr_opt", ctx, 1, 0), f.call("reserve_hdr_opt", ctx, 4, 1))
		}), "-1 0 -28 -22 -22"},
		{"store", ops(func(f *fake, ctx uint64) any {
			o := f.alloc([]byte{254, 5, 1, 2, 3})
			r := list(f.call("store_hdr_opt", ctx, o, 5, 0))
			op(f, writeCB)
			return r + list(" ", f.call("store_hdr_opt", ctx, o, 5, 0), f.call("store_hdr_opt", ctx, o, 4, 0), f.call("store_hdr_opt", ctx, f.alloc([]byte{2, 4, 0, 0}), 4, 0), f.call("store_hdr_opt", ctx, f.alloc([]byte{9, 38, 37: 0}), 38, 0), f.call("store_hdr_opt", ctx, o, 5, 1), f.events[0].Data)
		}), "-1 0 -22 -17 -28 -22 [254 5 1 2 3]"},
	})
}

func TestMoreHelpers(t *testing.T) {
	check(t, []behaviour{
		{"per CPU", func(f *fake) any {
			f.world.CPUs = 2
			return list(f.call("this_cpu_ptr", 5), f.call("per_cpu_ptr", 5, 1), f.call("per_cpu_ptr", 5, 2))
		}, "5 5 0"},
		{"parts that are not there", func(f *fake) any {
			b := f.alloc([]byte("zz"))
			return list(f.call("ima_inode_hash", 0, b, 2), f.call("ima_file_hash", 0, b, 2), f.call("sock_from_file", 0), f.call("bprm_opts_set", 0, 1), f.call("bprm_opts_set", 0, 2), f.call("skb_get_xfrm_state", 0, 0, b, 2, 0), f.at(b, 2))
		}, "-95 -95 0 0 -22 -22 [0 0]"},
		{"tcp_send_ack", func(f *fake) any { return list(f.call("tcp_send_ack", 0, 7), f.events[0].Index) }, "0 7"},
		{"samples of tracing programs", func(f *fake) any {
			m, a := f.newMap(4, 4, 4, 1)
			a.refs = map[uint32]uint32{0: 1}
			return list(f.call("skb_output", 0, m, 0, f.str("ab"), 2), f.call("xdp_output", 0, m, 0, f.str("cd"), 2), string(f.events[1].Data))
		}, "0 0 cd"},
		{"memory area", func(f *fake) any {
			f.world.VMAs = []helper.VMA{{Start: 0x1000, End: 0x2000}, {Start: 0x5000, End: 0x6000}}
			var seen string
			cb := func(a [5]uint64) uint64 {
				seen += list(le.Uint64(f.at(a[1], 8)), a[2])
				return 0
			}
			r1, _ := f.try("find_vma", cb, 1, 0x5fff, 0x99, 7, 0)
			r2, _ := f.try("find_vma", cb, 1, 0x2000, 0x99, 7, 0)
			r3, _ := f.try("find_vma", cb, 1, 0x5fff, 0x99, 7, 1)
			return list(r1, r2, r3, seen)
		}, "0 -2 -22 20480 7"},
		{"records of user space", func(f *fake) any {
			m, r := f.newMap(31, 0, 0, 4096)
			r.queue = [][]byte{[]byte("ab"), []byte("cde"), []byte("f")}
			out := f.buf(8)
			n, _ := f.try("user_ringbuf_drain", func(a [5]uint64) uint64 {
				f.call("dynptr_read", out, 2, a[0], 0, 0)
				return map[bool]uint64{true: 1}[f.call("dynptr_size", a[0]) == 3]
			}, m, 0x99, 0, 0)
			rest, _ := f.try("user_ringbuf_drain", func([5]uint64) uint64 { return 0 }, m, 0x99, 0, 0)
			return list(n, string(f.at(out, 2)), rest, f.call("user_ringbuf_drain", m, 0x99, 0, 0), f.call("user_ringbuf_drain", m, 0x99, 0, 4))
		}, "2 cd 1 0 -22"},
		{"outer IP header", func(f *fake) any {
			ctx := f.packet(hook.LwtXmit, frame()[14:], 0x800)
			hdr := append([]byte(nil), frame()[14:34]...)
			r := list(f.call("lwt_push_encap", ctx, 2, f.alloc(hdr), 20), f.pkt.Len(), bytes.Equal(f.bytes()[:20], hdr), bytes.Equal(f.bytes()[20:], frame()[14:]))
			hdr[0] = 0x25
			return r + list(" ", f.call("lwt_push_encap", ctx, 2, f.alloc(hdr), 20), f.call("lwt_push_encap", ctx, 2, f.alloc(hdr), 19))
		}, "0 56 true true -22 -22"},
		{"outer IPv6 header", func(f *fake) any {
			ctx := f.packet(hook.LwtIn, frame()[14:], 0x800)
			return list(f.call("lwt_push_encap", ctx, 2, f.alloc(append([]byte{0x60}, make([]byte, 39)...)), 40), f.field("protocol") == 0xdd86)
		}, "0 true"},
		{"pages of an arena", func(f *fake) any {
			m, _ := f.newMap(33, 0, 0, 4)
			a, b := f.call("arena_alloc_pages", m, 0, 1, 0, 0), f.call("arena_alloc_pages", m, 0, 2, 0, 0)
			r := list(a-0x20000, b-a, f.call("arena_alloc_pages", m, 0, 2, 0, 0), f.call("arena_alloc_pages", m, 0, 0, 0, 0))
			f.call("arena_free_pages", m, uint64(b), 2)
			return r + list(" ", f.call("arena_alloc_pages", m, 0, 3, 0, 0)-b)
		}, "0 4096 0 0 0"},
	})
}

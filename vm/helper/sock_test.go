package helper_test

import (
	"testing"

	"skep/vm/helper"
	"skep/vm/hook"
)

// sockets are a connected TCP socket, a listener on any address, a UDP socket
// and one in TIME_WAIT.
func sockets() []helper.Socket {
	return []helper.Socket{
		{Family: 2, Type: 1, Protocol: 6, Local: [16]byte{10, 0, 0, 2}, LocalPort: 80, Remote: [16]byte{10, 0, 0, 1}, RemotePort: 4000, State: 1, Cookie: 11, UID: 1000, Cgroups: []uint64{1, 5}, Mark: 9},
		{Family: 2, Type: 1, Protocol: 6, LocalPort: 80, State: 10, Cookie: 12},
		{Family: 10, Type: 2, Protocol: 17, LocalPort: 53, State: 7, Cookie: 13},
		{Family: 2, Type: 1, Protocol: 6, Local: [16]byte{10, 0, 0, 2}, LocalPort: 81, Remote: [16]byte{10, 0, 0, 1}, RemotePort: 4000, State: 6},
	}
}

func tuple(sport, dport uint16) []byte {
	b := []byte{10, 0, 0, 1, 10, 0, 0, 2}
	return be.AppendUint16(be.AppendUint16(b, sport), dport)
}

func TestSocketHelpers(t *testing.T) {
	tc := func(run func(f *fake, ctx uint64) any) func(*fake) any {
		return func(f *fake) any {
			f.world.Sockets = sockets()
			return run(f, f.packet(hook.SchedCls, frame(), 0x800))
		}
	}
	sk := func(f *fake, i uint32) uint64 { return f.Object(helper.ObjectSock, i, 80) }
	own := func(f *fake, i uint32) { // the packet's socket
		f.typ.Layout(false).Put(f.at(f.ctx, 192), "sk", 0, sk(f, i))
	}
	check(t, []behaviour{
		{"TCP connected", tc(func(f *fake, ctx uint64) any {
			a := uint64(f.call("sk_lookup_tcp", ctx, f.alloc(tuple(4000, 80)), 12, neg(-1), 0))
			l := hook.Struct("bpf_sock")
			b := f.at(a, 80)
			return list(a == sk(f, 0), l.Get(b, "mark", 0), l.Get(b, "src_port", 0), l.Get(b, "dst_port", 0) == 0xa00f, l.Get(b, "state", 0), f.call("sk_release", a))
		}), "true 9 80 true 1 0"},
		{"TCP listener", tc(func(f *fake, ctx uint64) any {
			return uint64(f.call("sk_lookup_tcp", ctx, f.alloc(tuple(4001, 80)), 12, neg(-1), 0)) == sk(f, 1)
		}), true},
		{"TCP none", tc(func(f *fake, ctx uint64) any {
			return list(f.call("sk_lookup_tcp", ctx, f.alloc(tuple(4001, 8080)), 12, 0, 0), f.call("sk_lookup_tcp", ctx, f.alloc(tuple(4000, 80)), 12, 0, 1), f.call("sk_lookup_tcp", ctx, f.alloc(tuple(4000, 80)), 11, 0, 0))
		}), "0 0 0"},
		{"TIME_WAIT", tc(func(f *fake, ctx uint64) any {
			tu := f.alloc(tuple(4000, 81))
			return list(f.call("sk_lookup_tcp", ctx, tu, 12, 0, 0), uint64(f.call("skc_lookup_tcp", ctx, tu, 12, 0, 0)) == sk(f, 3))
		}), "0 true"},
		{"UDP over IPv6", tc(func(f *fake, ctx uint64) any {
			return uint64(f.call("sk_lookup_udp", ctx, f.alloc(be.AppendUint16(be.AppendUint16(make([]byte, 32), 1), 53)), 36, 0, 0)) == sk(f, 2)
		}), true},
		{"views of a socket", tc(func(f *fake, ctx uint64) any {
			return list(uint64(f.call("sk_fullsock", sk(f, 0))) == sk(f, 0), f.call("sk_fullsock", sk(f, 3)), f.call("tcp_sock", sk(f, 0)) != 0, f.call("tcp_sock", sk(f, 2)), f.call("get_listener_sock", sk(f, 0)), uint64(f.call("get_listener_sock", sk(f, 1))) == sk(f, 1))
		}), "true 0 true 0 0 true"},
		{"packet without a socket", tc(func(f *fake, ctx uint64) any {
			m, _ := f.newMap(8, 4, 4, 1)
			return list(f.call("get_socket_cookie", ctx), f.call("get_socket_uid", ctx), f.call("skb_cgroup_id", ctx), f.call("skb_ancestor_cgroup_id", ctx, 0), f.call("skb_under_cgroup", ctx, m, 0))
		}), "0 65534 0 0 -2"},
		{"packet with a socket", tc(func(f *fake, ctx uint64) any {
			own(f, 0)
			m, a := f.newMap(8, 4, 4, 1)
			a.refs = map[uint32]uint32{0: 5}
			return list(f.call("get_socket_cookie", ctx), f.call("get_socket_uid", ctx), f.call("skb_cgroup_id", ctx), f.call("skb_ancestor_cgroup_id", ctx, 0), f.call("skb_under_cgroup", ctx, m, 0), f.call("skb_under_cgroup", ctx, m, 1))
		}), "11 1000 5 1 1 -7"},
		{"socket pointers", tc(func(f *fake, ctx uint64) any {
			return list(f.call("get_socket_cookie", sk(f, 1)), f.call("sk_cgroup_id", sk(f, 0)), f.call("sk_ancestor_cgroup_id", sk(f, 0), 0), f.call("sk_cgroup_id", sk(f, 1)))
		}), "12 5 1 0"},
		{"assign a packet", tc(func(f *fake, ctx uint64) any {
			return list(f.call("sk_assign", ctx, sk(f, 1), 0), f.Var(helper.VarSock) == sk(f, 1), f.call("sk_assign", ctx, 0, 0), f.call("sk_assign", ctx, sk(f, 1), 1))
		}), "0 true -22 -22"},
		{"assign a lookup", tc(func(f *fake, _ uint64) any {
			f.typ = hook.SkLookup
			l := hook.Struct("bpf_sk_lookup")
			f.ctx = f.buf(l.Size)
			l.Put(f.at(f.ctx, l.Size), "family", 0, 2)
			l.Put(f.at(f.ctx, l.Size), "protocol", 0, 6)
			r := list(f.call("sk_assign", f.ctx, sk(f, 0), 0), f.call("sk_assign", f.ctx, sk(f, 2), 0), f.call("sk_assign", f.ctx, sk(f, 1), 4))
			r += list(" ", f.call("sk_assign", f.ctx, sk(f, 1), 0), le.Uint64(f.at(f.ctx, 8)) == sk(f, 1), f.call("sk_assign", f.ctx, sk(f, 1), 0), f.call("sk_assign", f.ctx, 0, 1), le.Uint64(f.at(f.ctx, 8)))
			return r
		}), "-94 -91 -22 0 true -17 0 0"},
		{"options", tc(func(f *fake, ctx uint64) any {
			v := f.alloc(u32(7))
			r := list(f.call("getsockopt", ctx, 1, 36, v, 4), le.Uint32(f.at(v, 4)))
			r += list(" ", f.call("setsockopt", ctx, 1, 36, f.alloc(u32(99)), 4), f.call("getsockopt", ctx, 1, 36, v, 4), le.Uint32(f.at(v, 4)))
			return r + list(" ", f.call("setsockopt", ctx, 2, 36, v, 4), f.call("setsockopt", ctx, 1, 36, v, 2), f.call("getsockopt", ctx, 2, 36, v, 4), le.Uint32(f.at(v, 4)), len(f.events))
		}), "0 0 0 0 99 -22 -22 -22 0 1"},
		{"bind", tc(func(f *fake, ctx uint64) any {
			v4, v6 := make([]byte, 16), make([]byte, 28)
			v4[0], v6[0] = 2, 10
			return list(f.call("bind", ctx, f.alloc(v4), 16), f.call("bind", ctx, f.alloc(v4), 15), f.call("bind", ctx, f.alloc(v6), 28), f.call("bind", ctx, f.alloc(make([]byte, 16)), 16), f.call("bind", ctx, f.alloc(v4), 1))
		}), "0 -22 0 -97 -22"},
		{"sock_ops", tc(func(f *fake, _ uint64) any {
			f.typ = hook.SockOps
			f.ctx = f.alloc(hook.Context(hook.Program{Type: hook.SockOps}, hook.Start{Sock: sk(f, 0)}))
			m, a := f.newMap(15, 4, 4, 2)
			k := f.alloc(u32(1))
			r := list(f.call("sock_ops_cb_flags_set", f.ctx, 0x81), f.field("bpf_sock_ops_cb_flags"), f.call("sock_map_update", f.ctx, m, k, 0), f.call("sock_hash_update", f.ctx, m, k, 1), len(a.keys))
			f.ctx = f.buf(224)
			return r + list(" ", f.call("sock_ops_cb_flags_set", f.ctx, 1), f.call("sock_map_update", f.ctx, m, k, 0))
		}), "128 1 0 -17 1 -22 -22"},
		{"redirect to a socket", tc(func(f *fake, ctx uint64) any {
			m, a := f.newMap(15, 4, 4, 2)
			a.Update(u32(1), u32(0), 0, 0)
			k := f.alloc(u32(1))
			return list(f.call("sk_redirect_map", ctx, m, 1, 0), f.call("sk_redirect_map", ctx, m, 0, 0), f.call("sk_redirect_map", ctx, m, 1, 2), f.call("sk_redirect_hash", ctx, m, k, 1), f.call("msg_redirect_map", ctx, m, 1, 0), f.call("msg_redirect_hash", ctx, m, k, 0))
		}), "1 0 0 1 1 1"},
		{"reuseport", tc(func(f *fake, ctx uint64) any {
			m, a := f.newMap(20, 4, 4, 2)
			a.Update(u32(1), u32(0), 0, 0)
			return list(f.call("sk_select_reuseport", ctx, m, f.alloc(u32(1)), 0), f.Var(helper.VarSock) != 0, f.call("sk_select_reuseport", ctx, m, f.alloc(u32(0)), 0))
		}), "0 true -2"},
		{"storage", tc(func(f *fake, ctx uint64) any {
			m, _ := f.newMap(24, 4, 8, 0)
			r := list(f.call("sk_storage_get", m, sk(f, 0), 0, 0), f.call("sk_storage_delete", m, sk(f, 0)), f.call("sk_storage_get", m, 0, 0, 1), f.call("sk_storage_get", m, sk(f, 0), 0, 2))
			a := uint64(f.call("sk_storage_get", m, sk(f, 0), f.alloc(u64(5)), 1))
			r += list(" ", le.Uint64(f.at(a, 8)), uint64(f.call("sk_storage_get", m, sk(f, 0), f.alloc(u64(6)), 1)) == a, f.call("sk_storage_get", m, sk(f, 1), 0, 1) == int64(a))
			return r + list(" ", f.call("sk_storage_delete", m, sk(f, 0)), f.call("sk_storage_get", m, sk(f, 0), 0, 0), f.call("sk_storage_delete", m, 0))
		}), "0 -2 0 0 5 true false 0 0 -22"},
		{"storage of others", tc(func(f *fake, ctx uint64) any {
			m, _ := f.newMap(29, 4, 8, 0)
			task := uint64(f.call("get_current_task_btf"))
			return list(f.call("task_storage_get", m, task, 0, 1) != 0, f.call("task_storage_delete", m, task), f.call("inode_storage_get", m, 0, 0, 1), f.call("inode_storage_delete", m, 0), f.call("cgrp_storage_get", m, task, 0, 0), f.call("cgrp_storage_delete", m, task))
		}), "true 0 0 -22 0 -2"},
		{"local storage", tc(func(f *fake, ctx uint64) any {
			m, _ := f.newMap(19, 16, 8, 0)
			p, _ := f.newMap(21, 16, 8, 0)
			a, b := f.call("get_local_storage", m, 0), f.call("get_local_storage", p, 0)
			f.cpu = 1
			return list(a == f.call("get_local_storage", m, 0), b == f.call("get_local_storage", p, 0))
		}), "true false"},
	})
}

func TestMessageHelpers(t *testing.T) {
	msg := func(run func(f *fake, ctx uint64) any) func(*fake) any {
		return func(f *fake) any { return run(f, f.packet(hook.SkMsg, []byte("0123456789"), 0)) }
	}
	seen := func(f *fake) string {
		return list(string(f.bytes()), f.field("data") == f.pkt.Data, f.field("data_end") == f.pkt.End, f.field("size"))
	}
	check(t, []behaviour{
		{"apply and cork", msg(func(f *fake, ctx uint64) any {
			return list(f.call("msg_apply_bytes", ctx, 3), f.call("msg_cork_bytes", ctx, 4), f.Var(helper.VarApply), f.Var(helper.VarCork))
		}), "0 0 3 4"},
		{"pull", msg(func(f *fake, ctx uint64) any {
			r := list(f.call("msg_pull_data", ctx, 2, 5, 0), seen(f), f.call("msg_pull_data", ctx, 0, 10, 0), seen(f))
			return r + list(" ", f.call("msg_pull_data", ctx, 0, 11, 0), f.call("msg_pull_data", ctx, 5, 5, 0), f.call("msg_pull_data", ctx, 0, 1, 1))
		}), "0 234 true true 10 0 0123456789 true true 10 -22 -22 -22"},
		{"push", msg(func(f *fake, ctx uint64) any {
			r := list(f.call("msg_push_data", ctx, 4, 2, 0), seen(f), f.call("msg_pull_data", ctx, 0, 12, 0), f.bytes()[3:7])
			return r + list(" ", f.call("msg_push_data", ctx, 13, 2, 0), f.call("msg_push_data", ctx, 0, 0, 0), f.call("msg_push_data", ctx, 0, 500, 0), f.call("msg_push_data", ctx, 0, 1, 1))
		}), "0 0123 true true 12 0 [51 0 0 52] -22 0 -12 -22"},
		{"pop", msg(func(f *fake, ctx uint64) any {
			r := list(f.call("msg_pop_data", ctx, 0, 3, 0), seen(f), f.call("msg_pop_data", ctx, 1, 2, 0), f.call("msg_pull_data", ctx, 0, 5, 0), seen(f))
			return r + list(" ", f.call("msg_pop_data", ctx, 5, 1, 0), f.call("msg_pop_data", ctx, 0, 6, 0), f.call("msg_pop_data", ctx, 0, 0, 0), f.call("msg_pop_data", ctx, 0, 1, 1))
		}), "0 3456789 true true 7 0 0 36789 true true 5 -22 -22 0 -22"},
	})
}

func TestSysctlHelpers(t *testing.T) {
	sysctl := func(run func(f *fake, b uint64) any) func(*fake) any {
		return func(f *fake) any {
			f.world.Sysctl = helper.Sysctl{Name: "net/ipv4/tcp_mem", Current: "100", New: "200", Write: true}
			return run(f, f.alloc([]byte("zzzzzzzzzzzzzzzzzzzzzzzz")))
		}
	}
	str := func(f *fake, a uint64, n int) string { return string(f.at(a, n)) }
	check(t, []behaviour{
		{"name", sysctl(func(f *fake, b uint64) any {
			return list(f.call("sysctl_get_name", 0, b, 24, 0), str(f, b, 16), f.call("sysctl_get_name", 0, b, 24, 1), str(f, b, 7), f.call("sysctl_get_name", 0, b, 4, 1), str(f, b, 3), f.call("sysctl_get_name", 0, 0, 4, 1))
		}), "16 net/ipv4/tcp_mem 7 tcp_mem -7 tcp -22"},
		{"values", sysctl(func(f *fake, b uint64) any {
			r := list(f.call("sysctl_get_current_value", 0, b, 8), str(f, b, 3), f.call("sysctl_get_new_value", 0, b, 8), str(f, b, 3), f.call("sysctl_get_current_value", 0, b, 3), str(f, b, 2), f.call("sysctl_get_current_value", 0, b, 0))
			f.world.Sysctl.Write = false
			return r + list(" ", f.call("sysctl_get_new_value", 0, b, 8))
		}), "3 100 3 200 -7 10 -7 -22"},
		{"set", sysctl(func(f *fake, b uint64) any {
			r := list(f.call("sysctl_set_new_value", 0, b, 2), f.call("sysctl_set_new_value", 0, b, 0), f.call("sysctl_set_new_value", 0, f.buf(4096), 4096), string(f.events[0].Data))
			f.world.Sysctl.Write = false
			return r + list(" ", f.call("sysctl_set_new_value", 0, b, 2))
		}), "0 -22 -7 zz -22"},
	})
}

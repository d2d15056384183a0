package world

import (
	"encoding/binary"

	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
)

// around tells helpers who is current.
func (w *World) around(s *site) {
	t := w.task()
	h := w.hw
	h.Task = helper.Task{
		PID: t.pid, TGID: t.pid, UID: t.uid, GID: t.gid, Comm: t.comm, NSDev: 4, NSIno: pidNamespace, NSPID: t.pid, NSTGID: t.pid,
		Addr: w.mem("task_struct", t.slot).ptr(),
	}
	h.Cgroups = cgroups(t.cg)
	h.Cookie = w.r.ev.Num("cookie", 0)
	h.FuncArgs, h.FuncRet = s.args, uint64(w.r.val)
	h.FuncIP = symbolAddr(kernelText, s.name)
	h.PathName = w.get("path").s
	if w.r.ev.Verb == "sysctl" {
		value, write := w.r.ev.Get("value")
		h.Sysctl = helper.Sysctl{Name: w.r.ev.Text("name", ""), Current: "0\n", New: value, Write: write}
	}
	w.surround()
}

// symbol adds a line to kallsyms.
func (w *World) symbol(name string, addr uint64) {
	for i := range w.hw.Symbols {
		if w.hw.Symbols[i].Name == name {
			return
		}
	}
	w.hw.Symbols = append(w.hw.Symbols, helper.Symbol{Name: name, Addr: addr})
}

// input is what the machine is reset with for a program at a site.
func (w *World) input(p *attached, s *site) vm.Input {
	w.around(s)
	in := vm.Input{CPU: w.r.ev.CPU, Clock: w.st.now, Seed: w.seed(), Tailroom: -1}
	ret := uint64(w.r.val)
	switch p.sec.Type {
	case hook.Kprobe:
		if s.kind == atExit || s.kind == atUserExit {
			in.Ctx = w.registers(nil, ret, w.hw.FuncIP)
		} else {
			in.Ctx = w.registers(s.args, 0, w.hw.FuncIP)
			le.PutUint64(in.Ctx[regsRet:], noRet)
		}
	case hook.Tracepoint, hook.LircMode2, hook.Syscall:
		in.Ctx = append([]byte{}, s.raw...)
	case hook.RawTracepoint, hook.RawTracepointWritable, hook.StructOps:
		in.Ctx = words(s.args)
	case hook.Tracing:
		switch {
		case s.kind == atIter:
			in.Ctx = append([]byte{}, s.raw...)
		case s.kind == atExit:
			in.Ctx = words(append(s.args[:len(s.args):len(s.args)], ret))
		default:
			in.Ctx = words(append(s.args[:len(s.args):len(s.args)], 0))
		}
	case hook.LSM:
		in.Ctx = words(append(s.args[:len(s.args):len(s.args)], 0))
	case hook.PerfEvent:
		b := w.registers(nil, 0, s.num[0])
		in.Ctx = le.AppendUint64(le.AppendUint64(b, s.num[1]), s.num[2])
	case hook.CgroupDevice:
		w.set(&in, "access_type", s.num[0])
		w.set(&in, "major", s.num[1])
		w.set(&in, "minor", s.num[2])
	case hook.CgroupSysctl:
		w.set(&in, "write", flag(w.hw.Sysctl.Write))
	case hook.CgroupSock:
		if w.hw.Own < len(w.hw.Sockets) {
			in.Ctx = helper.SockBytes(&w.hw.Sockets[w.hw.Own])
		}
	default:
		w.netInput(&in, p, s)
	}
	return in
}

func words(args []uint64) []byte {
	b := make([]byte, 0, 8*len(args)+8)
	for _, a := range args {
		b = le.AppendUint64(b, a)
	}
	return b
}

func (w *World) set(in *vm.Input, name string, v uint64) { w.setAt(in, name, 0, v) }

func (w *World) setAt(in *vm.Input, name string, i int, v uint64) {
	in.Start.Set = append(in.Start.Set, hook.Value{Name: name, Index: i, V: v})
}

// netInput is the context and packet of programs about sockets and packets.
func (w *World) netInput(in *vm.Input, p *attached, s *site) {
	n := &w.r.net
	local, peer := n.local, n.peer
	if s.num[0] == ingress && n.cookie != 0 && p.sec.Type != hook.SkSkb {
		local, peer = peer, local // the socket at the other end
	}
	in.Start.Ifindex, in.Start.Queue = n.ifindex, w.cfg.Queue
	if n.cookie != 0 {
		if !w.dry {
			in.Start.Sock = w.m.Sock(w.hw.Own)
		}
	}
	proto := uint64(6)
	if n.udp {
		proto = 17
	}
	if n.proto != 0 {
		proto = uint64(n.proto)
	}
	switch p.sec.Type {
	case hook.XDP, hook.SchedCls, hook.SchedAct, hook.SocketFilter, hook.CgroupSkb, hook.LwtIn, hook.LwtOut, hook.LwtXmit, hook.LwtSeg6local, hook.Netfilter, hook.FlowDissector:
		in.Packet = n.pkt
		if p.sec.Type != hook.XDP && !n.leaves {
			in.Start.Iif = n.ifindex
		}
		for _, a := range w.r.ev.Packet.Attrs {
			if v, ok := number(a.Value); ok {
				w.set(in, a.Name, v)
			}
		}
		if p.sec.Type == hook.FlowDissector {
			keys := w.region("", "bpf_flow_keys", 0, hook.FlowKeysSize).clear()
			l := hook.Struct("bpf_flow_keys")
			b := make([]byte, hook.FlowKeysSize)
			l.Put(b, "nhoff", 0, 14)
			l.Put(b, "thoff", 0, 14)
			if len(n.pkt) >= 14 {
				l.Put(b, "n_proto", 0, uint64(le.Uint16(n.pkt[12:])))
			}
			w.set(in, "flow_keys", keys.raw(b).ptr())
		}
	case hook.SkReuseport:
		in.Packet = n.pkt[n.l4:]
		if len(n.pkt) >= 14 {
			in.Start.Proto = binary.BigEndian.Uint16(n.pkt[12:])
		}
		w.set(in, "ip_protocol", proto)
		w.set(in, "hash", hash(n))
	case hook.SkSkb, hook.SkMsg:
		in.Packet = n.data
		if n.payload < len(n.pkt) {
			in.Packet = n.pkt[n.payload:]
		}
		in.Start.Proto = 0x0800
		w.addresses(in, local, peer)
	case hook.SockOps:
		w.set(in, "op", s.num[0])
		w.setAt(in, "args", 0, s.num[1])
		w.setAt(in, "args", 1, s.num[2])
		if i := w.st.bySock(s.num[3]); i >= 0 {
			k := &w.st.socks[i]
			local, peer = k.local, k.peer
			if !w.dry {
				in.Start.Sock = w.m.Sock(k.slot)
			}
			w.set(in, "state", uint64(k.state))
			w.set(in, "bpf_sock_ops_cb_flags", uint64(k.callbacks))
		}
		w.set(in, "snd_cwnd", 10)
		w.set(in, "srtt_us", 8*250)
		w.set(in, "mss_cache", 1448)
		w.addresses(in, local, peer)
	case hook.CgroupSockAddr:
		at := n.peer
		if p.sec.Attach == hook.CgroupInet4Getsockname || p.sec.Attach == hook.CgroupInet6Getsockname {
			at = n.local
		}
		w.set(in, "user_family", n.family())
		w.ip(in, "user_ip", at)
		w.set(in, "user_port", uint64(swap16(at.port)))
		w.set(in, "family", n.family())
		w.set(in, "type", w.get("type").n)
		w.set(in, "protocol", proto)
	case hook.SkLookup:
		in.Start.Sock = 0
		w.set(in, "family", n.family())
		w.set(in, "protocol", proto)
		w.ip(in, "remote_ip", peer)
		w.ip(in, "local_ip", local)
		w.set(in, "remote_port", uint64(swap16(peer.port)))
		w.set(in, "local_port", uint64(local.port))
		w.set(in, "ingress_ifindex", uint64(n.ifindex))
	case hook.CgroupSockopt:
		in.Packet = optval(w.r.ev)
		w.set(in, "level", w.get("level").n)
		w.set(in, "optname", w.get("optname").n)
	}
}

// ip fills in an address: name4, or the four words of name6.
func (w *World) ip(in *vm.Input, name string, e endpoint) {
	if !w.r.net.v6 {
		w.set(in, name+"4", uint64(e.v4()))
		return
	}
	for i := range 4 {
		w.setAt(in, name+"6", i, uint64(le.Uint32(e.ip[4*i:])))
	}
}

// addresses fills in both ends of a connection. Remote ports are in network
// byte order in the upper half of their word, as a big-endian __u32.
func (w *World) addresses(in *vm.Input, local, peer endpoint) {
	w.set(in, "family", w.r.net.family())
	w.ip(in, "local_ip", local)
	w.ip(in, "remote_ip", peer)
	w.set(in, "local_port", uint64(local.port))
	w.set(in, "remote_port", uint64(swap16(peer.port))<<16)
}

// hash is that of a flow, for sk_reuseport.
func hash(n *flow) uint64 {
	r := rng(uint64(n.peer.v4())<<32 | uint64(n.peer.port)<<16 | uint64(n.local.port))
	return r.next() & 0xffffffff
}

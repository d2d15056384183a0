package world

import (
	"skep/vm/hook"
)

// effect lets what a program returned decide how the event goes on.
func (w *World) effect(p *attached, s *site, f *Firing) {
	r := &w.r
	t, a := p.sec.Type, p.sec.Attach
	ret := int32(f.Ret)
	n := len(r.net.pkt)
	f.Action = hook.Action(t, a, ret)
	f.Meaning = hook.Meaning(t, a, ret, n)
	refuse := func(errno int64) {
		f.Effect = "the " + r.ev.Verb + " fails with " + ErrnoName(int(errno))
		r.by = p.Name
		w.deny(-errno)
	}
	// A packet that is taken out is no error for who sent it.
	take := func(what string) {
		f.Effect = what
		r.text, r.by = what, p.Name
		w.deny(max(r.val, 0))
	}
	switch t {
	case hook.LSM:
		switch {
		case a == hook.LSMCgroup && ret == 0:
			refuse(ePERM)
		case a != hook.LSMCgroup && ret < 0:
			refuse(int64(-ret))
		}
	case hook.Tracing:
		if s.kind == atModify && ret != 0 {
			f.Effect = s.name + " does not run and returns " + dec(int64(ret))
			r.by = p.Name
			if !s.noPass || ret < 0 {
				w.deny(int64(ret))
			}
		}
	case hook.Kprobe:
		w.overridden(s, f, refuse)
	case hook.CgroupSockAddr:
		if ret&1 == 0 {
			refuse(ePERM)
			return
		}
		w.rewritten(f)
	case hook.CgroupSock, hook.CgroupDevice, hook.CgroupSysctl, hook.CgroupSockopt:
		if ret&1 == 0 {
			refuse(ePERM)
			if len(r.frames) == 0 {
				r.failed, r.ret = true, -ePERM
			}
		}
	case hook.XDP, hook.SchedCls, hook.SchedAct:
		packetEffect(t, ret, take)
	case hook.CgroupSkb, hook.Netfilter:
		if ret&1 == 0 {
			if s.num[0] != ingress {
				refuse(ePERM)
			} else {
				take("dropped")
			}
		}
	case hook.LwtIn, hook.LwtOut, hook.LwtXmit, hook.LwtSeg6local:
		if ret == 2 {
			take("dropped")
		}
	case hook.SkLookup:
		if ret == 0 {
			if r.ev.Verb == "connect" {
				refuse(eCONNREFUSED)
			} else {
				take("refused")
			}
			return
		}
		w.steered(p, f)
	case hook.SkReuseport, hook.SkSkb:
		if ret == 0 && a != hook.SkSkbStreamParser {
			take("dropped")
		}
	case hook.SkMsg:
		if ret == 0 {
			refuse(eACCES)
		}
	case hook.SockOps:
		_, b := w.m.Context()
		if i := w.st.bySock(s.num[3]); i >= 0 {
			w.st.changeSock(i, func(k *sock) {
				k.callbacks = uint32(hook.Struct("bpf_sock_ops").Get(b, "bpf_sock_ops_cb_flags", 0))
			})
		}
	case hook.SocketFilter:
		f.Effect = "the socket gets " + dec(int64(min(uint64(uint32(ret)), uint64(max(n-hook.EthernetLen, 0))))) + " bytes"
	}
	// What XDP and tc programs wrote is what later hooks see.
	if !r.denied {
		switch t {
		case hook.XDP, hook.SchedCls, hook.SchedAct, hook.LwtXmit:
			w.changed()
		}
	}
}

// packetEffect is what actions of XDP and traffic control do.
func packetEffect(t hook.ProgType, ret int32, take func(string)) {
	if t == hook.XDP {
		switch ret {
		case 2:
		case 3:
			take("sent back out of the same interface")
		case 4:
			take("redirected")
		default:
			take("dropped")
		}
		return
	}
	switch ret {
	case 2:
		take("dropped")
	case 4, 5, 8:
		take("consumed")
	case 7:
		take("redirected")
	}
}

// changed takes over the packet from the machine.
func (w *World) changed() {
	k, b := w.m.Packet()
	n := &w.r.net
	if k.Limit == 0 || string(b) == string(n.pkt) {
		return
	}
	n.pkt = append([]byte(nil), b...)
	n.dissect()
	w.bindSkb()
}

// rewritten takes over the address that a cgroup program put into its context.
func (w *World) rewritten(f *Firing) {
	n := &w.r.net
	if n.unix != "" || w.r.ev.Verb == "getsockname" || w.r.ev.Verb == "getpeername" {
		return
	}
	l := hook.Struct("bpf_sock_addr")
	_, b := w.m.Context()
	to := n.peer
	to.port = swap16(uint16(l.Get(b, "user_port", 0)))
	if n.v6 {
		for i := range 4 {
			le.PutUint32(to.ip[4*i:], uint32(l.Get(b, "user_ip6", i)))
		}
	} else {
		le.PutUint32(to.ip[:], uint32(l.Get(b, "user_ip4", 0)))
	}
	if to == n.peer {
		return
	}
	n.peer = to
	f.Effect = "the address is now " + to.text(n.v6)
	if i := w.st.bySock(n.cookie); i >= 0 {
		w.st.changeSock(i, func(s *sock) { s.peer = to })
		w.bindSock(n.cookie)
	}
}

// steered finds out which socket an sk_lookup program chose: its address is in
// the context.
func (w *World) steered(p *attached, f *Firing) {
	_, b := w.m.Context()
	at := hook.Struct("bpf_sk_lookup").Get(b, "sk", 0)
	for i := range w.st.socks {
		s := &w.st.socks[i]
		if at != 0 && w.m.Sock(s.slot) == at {
			n := &w.r.net
			n.steered, n.steerer = "the socket on port "+dec(int64(s.local.port)), p.Name
			f.Effect = "the packet goes to " + n.steered
		}
	}
}

// overridden finds out whether a kprobe program made its function return at
// once: bpf_override_return writes the result into the registers, which no
// program can do otherwise.
func (w *World) overridden(s *site, f *Firing, refuse func(int64)) {
	_, b := w.m.Context()
	if s.kind != atEntry || len(b) < regsRet+8 {
		return
	}
	v := int64(le.Uint64(b[regsRet:]))
	switch {
	case uint64(v) == noRet:
	case v < 0 && v > -4096:
		refuse(-v)
	default:
		f.Effect = s.name + " does not run and returns " + dec(v)
		w.deny(v)
	}
}

// regsRet is where bpf_override_return writes in a struct pt_regs, noRet what
// is there when a function begins: some number.
const (
	regsRet = 80
	noRet   = 0xffffffff81a00ac0
)

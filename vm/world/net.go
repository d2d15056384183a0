package world

import (
	"skep/vm/helper"
	"skep/vm/packet"
)

// ephemeral is where ports of sockets begin that nobody bound.
const ephemeral = 40000

// setNet fills in the flow of an event that has one.
func (w *World) setNet() {
	e, n := w.r.ev, &w.r.net
	if e.Verb == "pkt" {
		n.pkt = e.Packet.Data
		n.ifindex = links(&w.cfg)[1].index
		if e.Packet.IfIndex > 0 {
			n.ifindex = uint32(e.Packet.IfIndex)
		}
		n.dissect()
		return
	}
	switch e.Verb {
	case "udp", "send", "recv", "getpeername", "getsockname":
		n.udp = e.Text("type", "udp") == "udp"
	case "bind":
		n.udp = e.Text("type", "tcp") == "udp"
	}
	port := uint64(8080)
	if n.udp {
		port = 9999
	}
	n.peer, n.v6, n.unix, _ = address(e.Text("addr", "127.0.0.1"))
	if n.peer.port == 0 && n.unix == "" {
		n.peer.port = uint16(e.Num("port", port))
	}
	n.local.port = ephemeral + uint16(w.st.sock%20000)
	n.ifindex = loopback
	switch {
	case n.v6 && n.peer.ip[0] == 0:
		n.local.ip[15] = 1
	case n.v6:
		n.local.ip = [16]byte{0xfd, 15: 1}
		n.ifindex = links(&w.cfg)[1].index
	case n.peer.ip[0] == 127:
		n.local.ip = [16]byte{127, 0, 0, 1}
	default:
		n.local.ip = [16]byte{10, 0, 0, 1}
		n.ifindex = links(&w.cfg)[1].index
	}
	if from, ok := e.Get("from"); ok && e.Verb != "accept" && e.Verb != "recv" {
		if at, _, _, ok := address(from); ok {
			if at.port == 0 {
				at.port = n.local.port
			}
			n.local = at
		}
	}
	data := e.Text("data", "skep")
	n.data = []byte(data)
	w.let("type", 1+flag(n.udp))
	w.let("family", n.family())
	w.let("protocol", 6+11*flag(n.udp))
	w.lets("addrlen addr_len", 16)
	w.let("backlog", 4096)
	w.lets("len size", uint64(len(data)))
	if e.Verb == "mmap" {
		w.let("len", e.Num("size", 65536))
		w.lets("prot reqprot", 3) // PROT_READ|PROT_WRITE
		w.let("flags", 0x22)      // MAP_PRIVATE|MAP_ANONYMOUS
		w.let("fd", ^uint64(0))
	}
	w.let("level", e.Num("level", 1))
	w.let("optname", e.Num("name", 0))
	if e.Verb == "setsockopt" || e.Verb == "getsockopt" {
		w.let("optval", w.user(optval(e)))
		w.let("optlen", 4)
	}
}

func flag(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// optval is the value of a socket option: four bytes of a number, or text.
func optval(e *Event) []byte {
	v := e.Text("value", "0")
	if n, ok := number(v); ok {
		return le.AppendUint32(nil, uint32(n))
	}
	return []byte(v)
}

// doNet is what the kernel does with sockets and packets.
func (w *World) doNet(name string) {
	n := &w.r.net
	e := w.r.ev
	switch name {
	case "udp":
		n.udp = n.udp || e.Verb == "udp"
	case "socket":
		i := w.st.addSock(sock{udp: n.udp, v6: n.v6, state: tcpClose, local: n.local, peer: n.peer, uid: w.task().uid, cg: w.task().cg})
		n.cookie = w.st.socks[i].cookie
		w.bindSock(n.cookie)
		w.r.val = firstFD
	case "syn":
		i := w.st.addSock(sock{v6: n.v6, state: tcpSynRecv, local: n.peer, peer: n.local, cg: w.task().cg})
		n.far = w.st.socks[i].cookie
		w.send("S", nil)
		w.r.val = 0
	case "established":
		w.r.text = "connected to " + n.peer.text(n.v6)
	case "send":
		w.st.now += e.Num("us", 10) * 1000
		w.send("PA", n.data)
		w.r.val = int64(len(n.data))
		w.r.text = dec(w.r.val) + " bytes sent to " + n.peer.text(n.v6)
	case "recv":
		w.r.val = int64(len(n.data))
		w.r.text = dec(w.r.val) + " bytes received"
	case "bind":
		if w.st.listener(n.udp, n.peer) >= 0 {
			w.deny(-eADDRINUSE)
			return
		}
		n.local, n.keep = n.peer, true
		n.peer = endpoint{}
		w.st.changeSock(w.st.bySock(n.cookie), func(s *sock) { s.local, s.peer = n.local, n.peer })
		w.bindSock(n.cookie)
		w.r.text = "bound to " + n.local.text(n.v6)
		w.r.val = 0
	case "listen":
		w.r.text = "listens on " + n.local.text(n.v6)
	case "accept":
		n.local = n.peer
		n.peer, _, _, _ = address(e.Text("from", "10.0.0.2:40000"))
		i := w.st.addSock(sock{v6: n.v6, local: n.local, peer: n.peer, state: tcpSynRecv, uid: w.task().uid, cg: w.task().cg})
		n.cookie, n.keep = w.st.socks[i].cookie, true
		w.bindSock(n.cookie)
		w.r.val = firstFD + 1
		w.r.text = "accepted " + n.peer.text(n.v6)
	case "release":
		w.drop(w.get("sk").n)
		if i := w.st.bySock(n.cookie); i >= 0 && !w.dry {
			w.drop(w.m.Sock(w.st.socks[i].slot))
		}
		w.st.release(n.cookie)
		w.st.release(n.far)
		n.cookie, n.far = 0, 0
		w.r.val = 0
	case "arrive":
		n.leaves = false
		w.bindSkb()
	case "deliver":
		w.deliver()
	case "sysctl":
		w.r.text = e.Text("name", "") + " = " + e.Text("value", "0")
	}
}

// newState changes the state of a TCP socket: who is told.
func (w *World) newState(to uint32, cookie uint64) []site {
	i := w.st.bySock(cookie)
	if i < 0 || w.st.socks[i].udp {
		return nil
	}
	from := w.st.socks[i].state
	if from == tcpClose && to > tcpSynRecv && to != tcpListen {
		return nil // it never was established
	}
	w.st.changeSock(i, func(s *sock) { s.state = to })
	w.let("oldstate", uint64(from))
	w.let("newstate", uint64(to))
	w.bindSock(cookie)
	out := w.passes("sock/inet_sock_set_state")
	if w.st.socks[i].callbacks&cbState != 0 {
		out = append(out, w.sockOps(cookie, opState, uint64(from), uint64(to))...)
	}
	return out
}

// BPF_SOCK_OPS_STATE_CB and its flag of bpf_sock_ops_cb_flags_set.
const (
	opState = 10
	cbState = 1 << 2
)

// bindSock writes the kernel's structs of a socket and gives them their names.
func (w *World) bindSock(cookie uint64) {
	i := w.st.bySock(cookie)
	if i < 0 {
		return
	}
	s := &w.st.socks[i]
	n := &w.r.net
	o := w.fillSock(s)
	front := w.mem("socket", s.slot)
	w.lets("sk skaddr", o.ptr())
	w.lets("sock newsock", front.ptr())
	w.let("sport", uint64(s.local.port))
	w.let("dport", uint64(s.peer.port))
	w.letText("saddr", string(s.local.ip[:4]))
	w.letText("daddr", string(s.peer.ip[:4]))
	w.letText("saddr_v6", string(s.local.ip[:]))
	w.letText("daddr_v6", string(s.peer.ip[:]))
	b := n.sockaddr()
	kernel := w.region("", "sockaddr", 0, 128).clear().raw(b).ptr()
	w.lets("uaddr address", kernel)
	user := w.get("u_addr").n
	if user == 0 {
		user = w.user(b)
	}
	w.lets("u_addr uservaddr umyaddr upeer_sockaddr usockaddr", user)
	w.let("msg", w.mem("msghdr", 0).set("msg_name", kernel).preset("msg_namelen=16").ptr())
	w.surround()
}

// surround tells helpers the sockets there are, by slot, and which is that of
// the event.
func (w *World) surround() {
	w.hw.Sockets, w.hw.Own = nil, 0
	for i := range w.st.socks {
		s := &w.st.socks[i]
		for len(w.hw.Sockets) <= s.slot {
			w.hw.Sockets = append(w.hw.Sockets, helper.Socket{})
		}
		w.hw.Sockets[s.slot] = helperSock(s)
		if s.cookie == w.r.net.cookie {
			w.hw.Own = s.slot
		}
	}
}

func helperSock(s *sock) helper.Socket {
	h := helper.Socket{
		Family: afInet, Type: 1, Protocol: 6, Local: s.local.ip, Remote: s.peer.ip, LocalPort: s.local.port, RemotePort: s.peer.port,
		State: s.state, Cookie: s.cookie, UID: s.uid, Cgroups: cgroups(s.cg), RxQueue: -1,
	}
	if s.v6 {
		h.Family = afInet6
	}
	if s.udp {
		h.Type, h.Protocol = 2, 17
	}
	return h
}

// cgroups is the ids of the cgroups that lead to a path, the root's first.
func cgroups(path string) []uint64 {
	out := []uint64{cgroupID("/")}
	for i := 1; i <= len(path); i++ {
		if i == len(path) && i > 1 || i < len(path) && path[i] == '/' {
			out = append(out, cgroupID(path[:i]))
		}
	}
	return out
}

// send makes the packet that leaves.
func (w *World) send(flags string, data []byte) {
	n := &w.r.net
	if n.unix != "" {
		return
	}
	layer, proto := "ipv4", "tcp"
	if n.v6 {
		layer = "ipv6"
	}
	ports := "(sport=" + dec(int64(n.local.port)) + ",dport=" + dec(int64(n.peer.port))
	if n.udp {
		proto = "udp"
	} else {
		ports += ",flags=" + flags
	}
	text := layer + "(src=" + formatIP(&n.local, n.v6) + ",dst=" + formatIP(&n.peer, n.v6) + ") / " + proto + ports + ")"
	if len(data) > 0 {
		text += " / raw(" + hexText(data) + ")"
	}
	pkts, errs := packet.Parse(text)
	if len(errs) > 0 || len(pkts) != 1 {
		return
	}
	n.pkt, n.leaves = pkts[0].Data, true
	n.dissect()
	w.bindSkb()
}

// skbData is how much of a packet the kernel's struct sk_buff points to.
const skbData = 2048

// bindSkb writes the kernel's struct sk_buff of the packet.
func (w *World) bindSkb() {
	n := &w.r.net
	head := w.region("", "packet data", 0, skbData)
	head.clear().raw(n.pkt[:min(len(n.pkt), skbData)])
	var name string
	for _, l := range links(&w.cfg) {
		if l.index == n.ifindex {
			name = l.name
		}
	}
	dev := w.mem("net_device", int(n.ifindex)).text("name", name).set("ifindex", uint64(n.ifindex)).set("mtu", 1500)
	o := w.mem("sk_buff", 0).clear().set("head", head.ptr()).set("data", head.ptr()+14).set("len", uint64(max(len(n.pkt)-14, 0)))
	if len(n.pkt) >= 14 {
		o.set("protocol", uint64(le.Uint16(n.pkt[12:])))
	}
	o.set("mac_header", 0).set("network_header", 14).set("transport_header", uint64(n.l4)).set("tail", uint64(len(n.pkt)))
	o.set("dev", dev.ptr()).set("skb_iif", uint64(n.ifindex)).set("sk", w.get("sk").n)
	w.lets("skb skbaddr", o.ptr())
	w.bind(value{name: "name", s: name, n: w.get("name").n})
	w.let("len", uint64(max(len(n.pkt)-14, 0)))
}

// deliver says where the packet ends.
func (w *World) deliver() {
	n := &w.r.net
	r := &w.r
	if r.ev.Verb != "pkt" {
		return // send said it
	}
	if n.proto == 6 || n.proto == 17 {
		if n.steered != "" {
			r.text, r.by = "delivered to "+n.steered, n.steerer
			return
		}
		if w.st.listener(n.udp, n.local) >= 0 {
			r.text = "delivered to port " + dec(int64(n.local.port))
			return
		}
		r.text = "no socket listens on port " + dec(int64(n.local.port))
		return
	}
	r.text = "passed to the network stack"
}

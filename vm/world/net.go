package world

import (
	"encoding/binary"
	"strconv"
	"strings"

	"skep/vm/helper"
	"skep/vm/packet"
)

// flow is the socket and the packet of an event.
type flow struct {
	udp, v6     bool
	unix        string // path of a unix socket's address
	local, peer endpoint
	cookie      uint64 // of the socket, 0 for none
	keep        bool   // the socket stays after the event
	data        []byte // what is sent or received
	pkt         []byte // from the Ethernet header on
	l4, payload int    // offsets in pkt
	proto       uint8
	ifindex     uint32
	leaves      bool // the packet goes out
}

var le = binary.LittleEndian

func dec(n int64) string { return strconv.FormatInt(n, 10) }

// address reads ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT, or a path.
func address(s string) (e endpoint, v6 bool, unix string, ok bool) {
	if strings.HasPrefix(s, "/") {
		return e, false, s, true
	}
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && (s[0] == '[' || strings.IndexByte(s, ':') == i) {
		host, port = s[:i], s[i+1:]
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return e, false, "", false
		}
		e.port = uint16(n)
	}
	layer, at, n := "ipv4", 14+16, 4
	if strings.IndexByte(host, ':') >= 0 {
		layer, at, n, v6 = "ipv6", 14+24, 16, true
	}
	// The packet language knows addresses.
	pkts, errs := packet.Parse(layer + "(dst=" + host + ")")
	if len(errs) > 0 || len(pkts) != 1 || len(pkts[0].Data) < at+n {
		return e, false, "", false
	}
	copy(e.ip[:n], pkts[0].Data[at:])
	return e, v6, "", true
}

func formatIP(e *endpoint, v6 bool) string {
	if !v6 {
		b := e.ip
		return dec(int64(b[0])) + "." + dec(int64(b[1])) + "." + dec(int64(b[2])) + "." + dec(int64(b[3]))
	}
	s := ""
	for i := 0; i < 16; i += 2 {
		if i > 0 {
			s += ":"
		}
		s += strconv.FormatUint(uint64(binary.BigEndian.Uint16(e.ip[i:])), 16)
	}
	return s
}

func (e *endpoint) text(v6 bool) string {
	h := formatIP(e, v6)
	if v6 {
		h = "[" + h + "]"
	}
	return h + ":" + dec(int64(e.port))
}

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
	n.ifindex = 1
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
	w.let("type", 1+w.flag(n.udp))
	w.let("family", n.family())
	w.let("protocol", 6+11*w.flag(n.udp))
	w.let("addrlen", 16)
	w.let("addr_len", 16)
	w.let("backlog", 4096)
	w.let("len", uint64(len(data)))
	w.let("size", uint64(len(data)))
	if e.Verb == "mmap" {
		w.let("len", e.Num("size", 65536))
		w.let("addr", 0)
		w.let("prot", 3)
		w.let("reqprot", 3)
		w.let("flags", 0x22) // MAP_PRIVATE|MAP_ANONYMOUS
		w.let("fd", ^uint64(0))
	}
	w.let("level", e.Num("level", 1))
	w.let("optname", e.Num("name", 0))
	if e.Verb == "setsockopt" || e.Verb == "getsockopt" {
		w.let("optval", w.user(optval(e)))
		w.let("optlen", 4)
	}
}

func (w *World) flag(b bool) uint64 {
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

func (n *flow) family() uint64 {
	switch {
	case n.unix != "":
		return afUnix
	case n.v6:
		return afInet6
	}
	return afInet
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
		w.bindSock()
		w.r.val = firstFD
	case "syn":
		w.sockState(tcpClose, tcpSynSent)
		w.send("S", nil)
		w.r.val = 0
	case "established":
		w.sockState(tcpSynSent, tcpEstab)
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
		w.bindSock()
		w.r.text = "bound to " + n.local.text(n.v6)
		w.r.val = 0
	case "listen":
		w.sockState(tcpClose, tcpListen)
		w.r.text = "listens on " + n.local.text(n.v6)
	case "accept":
		n.local = n.peer
		n.peer, _, _, _ = address(e.Text("from", "10.0.0.2:40000"))
		i := w.st.addSock(sock{v6: n.v6, local: n.local, peer: n.peer, state: tcpEstab, uid: w.task().uid, cg: w.task().cg})
		n.cookie, n.keep = w.st.socks[i].cookie, true
		w.sockState(3, tcpEstab) // from SYN_RECV
		w.r.val = firstFD + 1
		w.r.text = "accepted " + n.peer.text(n.v6)
	case "release":
		w.st.release(n.cookie)
		n.cookie = 0
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

// sockState changes the state of the event's socket.
func (w *World) sockState(from, to uint32) {
	w.st.changeSock(w.st.bySock(w.r.net.cookie), func(s *sock) { s.state = to })
	w.let("oldstate", uint64(from))
	w.let("newstate", uint64(to))
	w.bindSock()
}

// bindSock writes the kernel's structs of the event's socket and gives them
// their names.
func (w *World) bindSock() {
	i := w.st.bySock(w.r.net.cookie)
	if i < 0 {
		return
	}
	s := &w.st.socks[i]
	n := &w.r.net
	o := w.fillSock(s)
	front := w.mem("socket", s.slot)
	w.let("sk", o.ptr())
	w.let("skaddr", o.ptr())
	w.let("sock", front.ptr())
	w.let("newsock", front.ptr())
	w.let("sport", uint64(s.local.port))
	w.let("dport", uint64(s.peer.port))
	w.letText("saddr", string(s.local.ip[:4]))
	w.letText("daddr", string(s.peer.ip[:4]))
	w.letText("saddr_v6", string(s.local.ip[:]))
	w.letText("daddr_v6", string(s.peer.ip[:]))
	b := n.sockaddr()
	w.let("uaddr", w.region("", "sockaddr", 0, 128).clear().raw(b).ptr())
	w.let("address", w.get("uaddr").n)
	user := w.get("u_addr").n
	if user == 0 {
		user = w.user(b)
	}
	for _, name := range [...]string{"u_addr", "uservaddr", "umyaddr", "upeer_sockaddr", "usockaddr"} {
		w.let(name, user)
	}
	m := w.mem("msghdr", 0).set("msg_name", w.get("uaddr").n).set("msg_namelen", 16)
	w.let("msg", m.ptr())
	w.surround()
}

// sockaddr is the address of the event in the form of the system calls.
func (n *flow) sockaddr() []byte {
	b := le.AppendUint16(nil, uint16(n.family()))
	if n.unix != "" {
		return append(append(b, n.unix...), 0)
	}
	b = binary.BigEndian.AppendUint16(b, n.peer.port)
	if n.v6 {
		b = append(b, 0, 0, 0, 0)
		return append(append(b, n.peer.ip[:]...), 0, 0, 0, 0)
	}
	return append(append(b, n.peer.ip[:4]...), make([]byte, 8)...)
}

// surround tells helpers the sockets there are, that of the event first.
func (w *World) surround() {
	w.hw.Sockets = w.hw.Sockets[:0:0]
	first := w.st.bySock(w.r.net.cookie)
	if first >= 0 {
		w.hw.Sockets = append(w.hw.Sockets, helperSock(&w.st.socks[first]))
	}
	for i := range w.st.socks {
		if i != first {
			w.hw.Sockets = append(w.hw.Sockets, helperSock(&w.st.socks[i]))
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

func hexText(b []byte) string {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

// dissect finds the transport header of the packet and, of an event that has
// no socket of its own, the addresses.
func (n *flow) dissect() {
	b := n.pkt
	n.l4, n.payload, n.proto = len(b), len(b), 0
	if len(b) < 14 {
		return
	}
	own := n.cookie != 0
	switch binary.BigEndian.Uint16(b[12:]) {
	case 0x0800:
		if len(b) < 34 {
			return
		}
		n.proto, n.l4 = b[23], 14+int(b[14]&15)*4
		if !own {
			n.peer, n.local = endpoint{}, endpoint{}
			copy(n.peer.ip[:4], b[26:])
			copy(n.local.ip[:4], b[30:])
		}
	case 0x86dd:
		if len(b) < 54 {
			return
		}
		n.proto, n.l4, n.v6 = b[20], 54, true
		if !own {
			copy(n.peer.ip[:], b[22:])
			copy(n.local.ip[:], b[38:])
		}
	default:
		return
	}
	n.l4 = min(n.l4, len(b))
	n.payload = n.l4
	if n.proto != 6 && n.proto != 17 || n.l4+8 > len(b) {
		return
	}
	if !own {
		n.udp = n.proto == 17
		n.peer.port, n.local.port = binary.BigEndian.Uint16(b[n.l4:]), binary.BigEndian.Uint16(b[n.l4+2:])
	}
	n.payload += 8
	if n.proto == 6 && n.l4+20 <= len(b) {
		n.payload = n.l4 + int(b[n.l4+12]>>4)*4
	}
	n.payload = min(n.payload, len(b))
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
	w.let("skb", o.ptr())
	w.let("skbaddr", o.ptr())
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
		if w.st.listener(n.udp, n.local) >= 0 {
			r.text = "delivered to port " + dec(int64(n.local.port))
			return
		}
		r.text = "no socket listens on port " + dec(int64(n.local.port))
		return
	}
	r.text = "passed to the network stack"
}

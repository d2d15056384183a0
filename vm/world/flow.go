package world

import (
	"encoding/binary"
	"strconv"
	"strings"

	"skep/vm/packet"
)

// flow is the socket and the packet of an event.
type flow struct {
	udp, v6     bool
	unix        string // path of a unix socket's address
	local, peer endpoint
	cookie      uint64 // of the socket, 0 for none
	far         uint64 // of the one at the other end, when it is on this machine too
	keep        bool   // the socket stays after the event
	data        []byte // what is sent or received
	pkt         []byte // from the Ethernet header on
	l4, payload int    // offsets in pkt
	proto       uint8
	ifindex     uint32
	leaves      bool   // the packet goes out
	steered     string // the socket that an sk_lookup program chose, in words
	steerer     string // that program
}

// loopback is the index of lo.
const loopback = 1

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

func (n *flow) family() uint64 {
	switch {
	case n.unix != "":
		return afUnix
	case n.v6:
		return afInet6
	}
	return afInet
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

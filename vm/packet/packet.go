// Package packet makes and reads network packets: a small language in which a
// line is a packet, hex in the usual forms, pcap files in and out, and the
// decoding of headers for people.
//
//	pkts, errs := packet.Parse(`ipv4(ttl=3) / udp(dport=53) / "hello" x3`)
//	for _, p := range pkts {
//		println(packet.Summary(p.Data))
//		for _, f := range packet.Decode(p.Data) { ... }
//	}
//
// Read next: parse.go for the language, decode.go for the fields, pcap.go for
// files.
package packet

import "strconv"

// Packet is one input of a program: bytes from the Ethernet header on, and
// what the kernel knows about them.
type Packet struct {
	Data    []byte
	Time    int64 // nanoseconds; from the start of the input, or since 1970 when read from a file
	CPU     int   // the CPU that sees the packet
	IfIndex int   // the interface it came in on; 0 is not said
	Queue   int   // the receive queue
	WireLen int   // length on the wire, when the data was cut short; 0 is len(Data)
	Line    int   // line of the source, from 1; 0 when not from text
	Attrs   []Attr
}

// Attr is a name and a value that the language passes on to a test, such as
// mark=7 or expect=XDP_DROP.
type Attr struct{ Name, Value string }

// Attr is the value of an attribute.
func (p *Packet) Attr(name string) (string, bool) {
	for _, a := range p.Attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// Error is a mistake in text that describes packets.
type Error struct {
	Line, Col, Len int    // from 1, columns in bytes; Len bytes are wrong
	Word           string // the offending word
	Msg            string // what is wrong
	Hint           string // what to do, or ""
}

func (e Error) Error() string {
	s := strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Col) + ": " + e.Msg
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Limits of one input. What exceeds them is an error, so that memory is
// bounded.
const (
	MaxData    = 65535 // bytes of a packet
	MaxPackets = 100000
	MaxTotal   = 64 << 20 // bytes of all packets together
	MaxSource  = 8 << 20  // bytes of text
	MaxErrors  = 50
	MaxLayers  = 32
)

// Field is one decoded header field, or a part of the packet that is none.
type Field struct {
	Off, Len int    // bytes of the packet; for a field within a byte, the byte
	Bit      uint8  // first bit within Off, from the most significant; with Bits
	Bits     uint8  // width in bits when the field is not whole bytes, else 0
	Layer    string // eth, vlan, arp, ipv4, ipv6, tcp, udp, icmp, icmpv6, gre, dns, payload
	Depth    int    // number of the layer in the packet, from 0
	Name     string // field name, spelt as in the language
	Value    string // for people: 10.0.0.1, 0x0800, SYN|ACK
	Note     string // what stands out: "IPv4", "wrong, should be 0x1c46", "cut short"
}

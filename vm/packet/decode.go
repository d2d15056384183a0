package packet

import (
	"encoding/binary"
	"strconv"
)

// decoder walks the headers of a packet.
type decoder struct {
	b      []byte
	end    int // where the packet ends by its own lengths; the rest is padding
	fields []Field
	layers []place
	ip     int // index in layers of the IP header around, or -1
}

// place is where a header begins and, so far as it is there, ends.
type place struct {
	spec       *spec
	start, end int
	whole      bool // the fixed part is there
}

// Decode takes a packet apart, from the Ethernet header on. The fields are in
// the order of the bytes, and together cover the packet. It takes any bytes: a
// header that the packet ends in has a last field with the note "cut short".
func Decode(b []byte) []Field {
	d := &decoder{b: b, end: len(b), ip: -1}
	d.packet()
	return d.fields
}

func (d *decoder) packet() {
	name, at := "eth", 0
	for name != "" && len(d.layers) < MaxLayers {
		s := specByName(name)
		if s == nil {
			break
		}
		l := place{s, at, min(at+len(s.init), d.end), at+len(s.init) <= d.end}
		d.layers = append(d.layers, l)
		d.header(l)
		if !l.whole {
			d.padding()
			return
		}
		name, at = d.next(len(d.layers) - 1)
	}
	if at < d.end {
		d.add(Field{Off: at, Len: d.end - at, Layer: "payload", Name: "payload", Value: preview(d.b[at:d.end])})
	}
	d.padding()
}

func (d *decoder) add(f Field) {
	f.Depth = len(d.layers) - 1
	if f.Layer == "payload" {
		f.Depth++
	}
	d.fields = append(d.fields, f)
}

// padding is what follows the end that an inner length gives.
func (d *decoder) padding() {
	if d.end < len(d.b) {
		d.add(Field{Off: d.end, Len: len(d.b) - d.end, Layer: "payload", Name: "padding", Value: preview(d.b[d.end:]), Note: "after the length in the IP header"})
	}
}

// header lists the fixed fields of a header.
func (d *decoder) header(l place) {
	hdr := d.b[l.start:l.end]
	shown := 0 // bytes
	for i := range l.spec.fields {
		f := &l.spec.fields[i]
		if f.alias {
			continue
		}
		off, last := f.bit/8, (f.bit+f.bits+7)/8
		if last > len(hdr) {
			break
		}
		shown = last
		out := Field{Off: l.start + off, Len: last - off, Layer: l.spec.name, Name: f.name, Value: f.format(hdr)}
		if f.bit%8 != 0 || f.bits%8 != 0 {
			out.Bit, out.Bits = uint8(f.bit%8), uint8(f.bits)
		}
		if f.bits <= 64 {
			out.Note = d.note(l, f, f.get(hdr))
		}
		d.add(out)
	}
	if !l.whole {
		d.add(Field{Off: l.start + shown, Len: l.end - l.start - shown, Layer: l.spec.name, Name: "...", Note: "cut short: " + itoa(l.end-l.start) + " of " + itoa(len(l.spec.init)) + " bytes"})
	}
}

// note says what a value means, or that it is wrong.
func (d *decoder) note(l place, f *field, v uint64) string {
	if n := nameOf(f.names, v); n != "" {
		return n
	}
	switch {
	case f.name == "csum":
		return d.checkSum(l, uint16(v))
	case f.name == "type" && l.spec.name == "eth" && v < 0x600:
		return "a length: IEEE 802.3"
	case f.name == "version" && l.spec.name == "ipv4" && v != 4, f.name == "version" && l.spec.name == "ipv6" && v != 6:
		return "wrong for " + l.spec.name
	case f.name == "ihl" && v < 5:
		return "wrong: at least 5"
	case f.name == "off" && l.spec.name == "tcp" && v < 5:
		return "wrong: at least 5"
	case f.name == "ihl", f.name == "off" && l.spec.name == "tcp":
		return itoa(int(v)*4) + " bytes"
	case f.name == "len" && l.spec.name == "ipv4" && l.start+int(v) > len(d.b):
		return "longer than the packet by " + itoa(l.start+int(v)-len(d.b))
	case f.name == "len" && l.spec.name == "ipv6" && l.start+40+int(v) > len(d.b):
		return "longer than the packet by " + itoa(l.start+40+int(v)-len(d.b))
	case f.name == "sport" || f.name == "dport":
		return nameOf(portNames, v)
	}
	return ""
}

var portNames = []named{{"ftp", 21}, {"ssh", 22}, {"smtp", 25}, {"dns", 53}, {"dhcp", 67}, {"dhcp", 68}, {"http", 80}, {"ntp", 123}, {"snmp", 161},
	{"https", 443}, {"syslog", 514}, {"mdns", 5353}, {"vxlan", 4789}, {"geneve", 6081}, {"wireguard", 51820}}

// checkSum compares the checksum of a header with the right one.
func (d *decoder) checkSum(l place, got uint16) string {
	var proto uint8
	b := d.b[l.start:d.end]
	switch l.spec.name {
	case "ipv4":
		n := int(b[0]&15) * 4
		if n < 20 || n > len(b) {
			return ""
		}
		b = b[:n]
	case "udp":
		if got == 0 {
			return "none"
		}
		if len(b) < 8 {
			return ""
		}
		if n := int(binary.BigEndian.Uint16(b[4:])); n >= 8 && n <= len(b) {
			b = b[:n]
		}
		proto = 17
	case "tcp":
		proto = 6
	case "icmpv6":
		proto = 58
	}
	sum := uint32(0)
	if proto != 0 {
		if d.ip < 0 || d.ipCut() {
			return ""
		}
		ip := d.layers[d.ip]
		src, dst := addresses(ip.spec.name, d.b[ip.start:])
		sum = PseudoSum(src, dst, proto, len(b))
	} else if l.spec.name == "icmp" && d.ip >= 0 && d.ipCut() {
		return ""
	}
	f := &l.spec.fields[l.spec.field("csum")]
	// Take the field itself out of the sum, without touching the packet.
	at := f.bit / 8
	sum = Sum(Sum(Sum(sum, b[:at]), []byte{0, 0}), b[min(at+2, len(b)):])
	want := Fold(sum)
	if l.spec.name == "udp" && want == 0 {
		want = 0xffff
	}
	if got == want || got == 0xffff && want == 0 {
		return "correct"
	}
	return "wrong, should be " + hexNumber(uint64(want), 4)
}

// ipCut reports whether the IP datagram is a fragment or ends after the packet.
func (d *decoder) ipCut() bool {
	ip := d.layers[d.ip]
	b := d.b[ip.start:]
	if ip.spec.name == "ipv4" {
		return ip.start+int(binary.BigEndian.Uint16(b[2:])) > len(d.b) || binary.BigEndian.Uint16(b[6:])&0x3fff != 0
	}
	if ip.start+40+int(binary.BigEndian.Uint16(b[4:])) > len(d.b) {
		return true
	}
	for _, l := range d.layers[d.ip:] {
		if l.spec.name == "frag" {
			return true
		}
	}
	return false
}

// next lists the variable part of the header at index i and says which header
// follows, and where; "" is a payload.
func (d *decoder) next(i int) (name string, at int) {
	l := d.layers[i]
	hdr := d.b[l.start:]
	at = l.end
	follow := func() string {
		v := l.spec.fields[l.spec.field(l.spec.link)].get(hdr)
		for _, t := range *l.spec.types {
			if t.value == v {
				return t.name
			}
		}
		return ""
	}
	switch l.spec.name {
	case "eth", "vlan":
		return follow(), at
	case "gre":
		n := 0
		for bit := range 3 { // checksum, key and sequence number, 4 bytes each (RFC 2890)
			if hdr[0]&[...]byte{0x80, 0x20, 0x10}[bit] != 0 {
				n += 4
			}
		}
		return follow(), d.options(l, at, n)
	case "ipv4":
		d.ip = i
		length := int(binary.BigEndian.Uint16(hdr[2:]))
		if length >= 20 && l.start+length < d.end {
			d.end = l.start + length
		}
		at = d.options(l, at, int(hdr[0]&15)*4-20)
		if binary.BigEndian.Uint16(hdr[6:])&0x1fff != 0 {
			return "", at // a later fragment has no transport header
		}
		return follow(), at
	case "ipv6":
		d.ip = i
		if length := 40 + int(binary.BigEndian.Uint16(hdr[4:])); length > 40 && l.start+length < d.end {
			d.end = l.start + length
		}
		return follow(), at
	case "hopopts", "dstopts", "routing":
		return follow(), d.options(l, l.start+l.listed(), int(hdr[1])*8+8-l.listed())
	case "frag":
		if binary.BigEndian.Uint16(hdr[2:])&^7 != 0 {
			return "", at
		}
		return follow(), at
	case "tcp":
		at = d.options(l, at, int(hdr[12]>>4)*4-20)
		return "", at
	case "udp":
		if sport, dport := binary.BigEndian.Uint16(hdr), binary.BigEndian.Uint16(hdr[2:]); sport == 53 || dport == 53 || sport == 5353 || dport == 5353 {
			// A question or more, else it is something else on DNS's port.
			if at+12 <= d.end && binary.BigEndian.Uint16(d.b[at+4:])-1 < 8 {
				return "dns", at
			}
		}
		return "", at
	case "icmp":
		switch hdr[0] {
		case 3, 5, 11, 12: // the start of the datagram that it is about
			if at < d.end {
				return "ipv4", at
			}
		}
		return "", at
	case "icmpv6":
		if hdr[0] < 128 && at < d.end {
			return "ipv6", at
		}
		return "", at
	case "dns":
		return "", d.question(l, at)
	}
	return "", at
}

// listed is how many bytes the listed fields of an extension header have.
func (l place) listed() int {
	n := 0
	for i := range l.spec.fields {
		n = max(n, (l.spec.fields[i].bit+l.spec.fields[i].bits)/8)
	}
	return n
}

// options lists n bytes of options, so far as they are there.
func (d *decoder) options(l place, at, n int) int {
	if n <= 0 {
		return at
	}
	note := ""
	end := at + n
	if end > d.end {
		end, note = d.end, "cut short: "+itoa(max(d.end-at, 0))+" of "+itoa(n)+" bytes"
	}
	if end <= at {
		d.add(Field{Off: at, Layer: l.spec.name, Name: "options", Note: note})
		return at
	}
	value := preview(d.b[at:end])
	if l.spec.name == "tcp" {
		value = tcpOptions(d.b[at:end])
	}
	d.add(Field{Off: at, Len: end - at, Layer: l.spec.name, Name: "options", Value: value, Note: note})
	return end
}

// tcpOptions is the options of TCP in tcpdump's words (RFC 9293 section 3.2).
func tcpOptions(b []byte) string {
	out := ""
	for len(b) > 0 {
		kind, n := b[0], 1
		if kind > 1 {
			if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
				return out + "bad"
			}
			n = int(b[1])
		}
		v := uint64(0)
		for _, x := range b[min(2, n):n] {
			v = v<<8 | uint64(x)
		}
		switch {
		case kind == 0:
			return out + "eol"
		case kind == 1:
			out += "nop"
		case kind == 2 && n == 4:
			out += "mss " + strconv.FormatUint(v, 10)
		case kind == 3 && n == 3:
			out += "wscale " + strconv.FormatUint(v, 10)
		case kind == 4 && n == 2:
			out += "sackOK"
		case kind == 8 && n == 10:
			out += "TS val " + strconv.FormatUint(v>>32, 10) + " ecr " + strconv.FormatUint(v&0xffffffff, 10)
		default:
			out += "option " + itoa(int(kind))
		}
		if b = b[n:]; len(b) > 0 {
			out += ","
		}
	}
	return out
}

// question lists the first question of a DNS message.
func (d *decoder) question(l place, at int) int {
	if binary.BigEndian.Uint16(d.b[l.start+4:]) == 0 {
		return at
	}
	name, end, ok := dnsName(d.b[l.start:d.end], at-l.start)
	if !ok || l.start+end+4 > d.end {
		if at < d.end {
			d.add(Field{Off: at, Len: d.end - at, Layer: "dns", Name: "name", Value: name, Note: "cut short"})
		}
		return d.end
	}
	end += l.start
	d.add(Field{Off: at, Len: end - at, Layer: "dns", Name: "name", Value: name})
	v := uint64(binary.BigEndian.Uint16(d.b[end:]))
	d.add(Field{Off: end, Len: 2, Layer: "dns", Name: "type", Value: itoa(int(v)), Note: nameOf(dnsTypes, v)})
	d.add(Field{Off: end + 2, Len: 2, Layer: "dns", Name: "class", Value: itoa(int(binary.BigEndian.Uint16(d.b[end+2:])))})
	return end + 4
}

// dnsName reads the name at msg[at:] and where it ends. A question's name has
// no pointers; with one it ends there.
func dnsName(msg []byte, at int) (name string, end int, ok bool) {
	for at < len(msg) && len(name) < 256 {
		n := int(msg[at])
		at++
		switch {
		case n == 0:
			if name == "" {
				name = "."
			}
			return name, at, true
		case n >= 0xc0:
			return name, min(at+1, len(msg)), at < len(msg)
		case n > 63 || at+n > len(msg):
			return name, at, false
		}
		if name != "" {
			name += "."
		}
		name += printable(msg[at : at+n])
		at += n
	}
	return name, at, false
}

func printable(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		if c < ' ' || c > '~' {
			c = '.'
		}
		out[i] = c
	}
	return string(out)
}

// preview is the start of some bytes: text in quotes when it is text, else hex.
func preview(b []byte) string {
	const most = 32
	text := len(b) > 0
	for _, c := range b[:min(len(b), most)] {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' {
			text = false
		}
	}
	more := ""
	if len(b) > most {
		b, more = b[:most], "..."
	}
	if text {
		return strconv.Quote(string(b)) + more
	}
	out := make([]byte, 0, 3*most)
	for i, c := range b {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out) + more
}

package packet

import (
	"encoding/binary"
	"strconv"
)

// Summary is one line about a packet, in tcpdump's manner:
//
//	IP 10.0.0.1.40000 > 10.0.0.2.80: Flags [S], seq 1, win 64240, length 0
//	ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28
func Summary(b []byte) string {
	d := &decoder{b: b, end: len(b), ip: -1}
	d.packet()
	if len(d.layers) == 0 || !d.layers[0].whole {
		return "cut short: " + itoa(len(b)) + " bytes"
	}
	out := ""
	for i, l := range d.layers {
		if !l.whole {
			return out + l.spec.name + " header cut short, length " + itoa(len(b))
		}
		hdr := b[l.start:]
		switch l.spec.name {
		case "vlan":
			out += "vlan " + itoa(int(binary.BigEndian.Uint16(hdr)&0xfff)) + ", "
		case "arp":
			return out + arpSummary(l, hdr, d.end-l.start)
		case "gre":
			out += "GREv" + itoa(int(hdr[1]&7)) + ", "
		case "ipv4", "ipv6":
			if i+1 < len(d.layers) && d.encapsulated(i+1) {
				src, dst := addresses(l.spec.name, hdr)
				out += ipWord(l) + formatIP(src) + " > " + formatIP(dst) + ": "
				continue
			}
			return out + d.ipSummary(i)
		}
	}
	// Nothing that is known follows.
	eth := b[:14]
	if out != "" {
		return out + "length " + itoa(len(b))
	}
	typ := binary.BigEndian.Uint16(eth[12:])
	if typ < 0x600 {
		return formatMAC(eth[6:12]) + " > " + formatMAC(eth[:6]) + ", 802.3, length " + itoa(len(b))
	}
	name := hexNumber(uint64(typ), 4)
	if n := nameOf(etherNames, uint64(typ)); n != "" {
		name = n + " (" + name + ")"
	}
	return formatMAC(eth[6:12]) + " > " + formatMAC(eth[:6]) + ", ethertype " + name + ", length " + itoa(len(b))
}

// encapsulated reports whether the header at index i is of a packet inside of
// an IP packet, not of an error message about one.
func (d *decoder) encapsulated(i int) bool {
	switch d.layers[i].spec.name {
	case "ipv4", "ipv6", "gre":
		return true
	}
	return false
}

func ipWord(l place) string {
	if l.spec.name == "ipv6" {
		return "IP6 "
	}
	return "IP "
}

func arpSummary(l place, hdr []byte, n int) string {
	sha, spa, tha, tpa := formatMAC(hdr[8:14]), formatIP(hdr[14:18]), formatMAC(hdr[18:24]), formatIP(hdr[24:28])
	switch op := binary.BigEndian.Uint16(hdr[6:]); op {
	case 1:
		return "ARP, Request who-has " + tpa + " tell " + spa + ", length " + itoa(n)
	case 2:
		return "ARP, Reply " + spa + " is-at " + sha + ", length " + itoa(n)
	default:
		return "ARP, op " + itoa(int(op)) + " " + sha + " > " + tha + ", length " + itoa(n)
	}
}

// ipSummary is about the IP packet at index i and what it carries.
func (d *decoder) ipSummary(i int) string {
	l := d.layers[i]
	hdr := d.b[l.start:]
	s, t := addresses(l.spec.name, hdr)
	src, dst := formatIP(s), formatIP(t)
	out := ipWord(l)
	proto, at := uint64(0), 0
	for i++; i < len(d.layers); i++ {
		up := d.layers[i]
		at = up.start
		switch up.spec.name {
		case "hopopts", "dstopts", "routing", "frag":
			continue
		}
		if !up.whole {
			return out + src + " > " + dst + ": " + up.spec.name + " header cut short"
		}
		b := d.b[up.start:d.end]
		switch up.spec.name {
		case "tcp", "udp":
			ports := src + "." + itoa(int(binary.BigEndian.Uint16(b))) + " > " + dst + "." + itoa(int(binary.BigEndian.Uint16(b[2:])))
			if up.spec.name == "tcp" {
				return out + ports + ": " + tcpSummary(b)
			}
			if i+1 < len(d.layers) && d.layers[i+1].whole {
				return out + ports + ": " + d.dnsSummary()
			}
			return out + ports + ": UDP, length " + itoa(max(len(b)-8, 0))
		case "icmp", "icmpv6":
			return out + src + " > " + dst + ": " + icmpSummary(up.spec, b)
		}
	}
	if l.spec.name == "ipv4" {
		proto, at = uint64(hdr[9]), l.start+int(hdr[0]&15)*4
		if off := binary.BigEndian.Uint16(hdr[6:]) & 0x1fff; off != 0 {
			return out + src + " > " + dst + ": fragment at " + itoa(int(off)*8) + ", length " + itoa(max(d.end-at, 0))
		}
	} else {
		proto, at = uint64(hdr[6]), max(at, l.end)
	}
	name := nameOf(protoNames, proto)
	if name == "" {
		name = "proto " + strconv.FormatUint(proto, 10)
	}
	return out + src + " > " + dst + ": " + name + ", length " + itoa(max(d.end-at, 0))
}

// tcpOrder is tcpdump's order of the flags, by their bits.
var tcpOrder = [...]struct {
	bit    uint8
	letter string
}{{1, "S"}, {0, "F"}, {3, "P"}, {2, "R"}, {5, "U"}, {7, "W"}, {6, "E"}, {4, "."}}

func tcpSummary(b []byte) string {
	flags := ""
	for _, f := range tcpOrder {
		if b[13]>>f.bit&1 != 0 {
			flags += f.letter
		}
	}
	if flags == "" {
		flags = "none"
	}
	off := int(b[12]>>4) * 4
	n := max(len(b)-max(off, 20), 0)
	seq := binary.BigEndian.Uint32(b[4:])
	out := "Flags [" + flags + "], seq " + strconv.FormatUint(uint64(seq), 10)
	if n > 0 {
		out += ":" + strconv.FormatUint(uint64(seq+uint32(n)), 10)
	}
	if b[13]&0x10 != 0 {
		out += ", ack " + strconv.FormatUint(uint64(binary.BigEndian.Uint32(b[8:])), 10)
	}
	out += ", win " + itoa(int(binary.BigEndian.Uint16(b[14:])))
	if off > 20 && off <= len(b) {
		out += ", options [" + tcpOptions(b[20:off]) + "]"
	}
	return out + ", length " + itoa(n)
}

func icmpSummary(s *spec, b []byte) string {
	v6 := s.name == "icmpv6"
	out := "ICMP"
	if v6 {
		out = "ICMP6,"
	}
	typ := uint64(b[0])
	name := nameOf(s.fields[0].names, typ)
	if typ == 8 && !v6 || typ == 128 && v6 {
		name = "echo request"
	}
	if typ == 0 && !v6 || typ == 129 && v6 {
		name = "echo reply"
	}
	switch {
	case name == "":
		out += " type " + strconv.FormatUint(typ, 10) + " code " + itoa(int(b[1]))
	case name == "echo request" || name == "echo reply":
		out += " " + name + ", id " + itoa(int(binary.BigEndian.Uint16(b[4:]))) + ", seq " + itoa(int(binary.BigEndian.Uint16(b[6:])))
	default:
		out += " " + name + ", code " + itoa(int(b[1]))
	}
	return out + ", length " + itoa(len(b))
}

// dnsSummary is tcpdump's "1+ A? example.com." from the decoded fields.
func (d *decoder) dnsSummary() string {
	id, flags, name, typ := uint64(0), uint64(0), "", ""
	for _, f := range d.fields {
		if f.Layer != "dns" {
			continue
		}
		switch f.Name {
		case "id":
			id, _ = parseUint(f.Value)
		case "flags":
			flags, _ = parseUint(f.Value)
		case "name":
			name = f.Value
		case "type":
			if typ = f.Note; typ == "" {
				typ = "Type" + f.Value
			}
		}
	}
	out := "DNS " + strconv.FormatUint(id, 10)
	if flags&0x8000 != 0 {
		out += " reply"
	} else if flags&0x100 != 0 {
		out += "+"
	}
	if name != "" {
		if name != "." {
			name += "."
		}
		out += " " + typ + "? " + name
	}
	return out
}

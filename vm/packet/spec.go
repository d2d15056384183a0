package packet

// kind is how a field's value is written.
type kind uint8

const (
	kNum     kind = iota // decimal, or 0x
	kHex                 // the same, shown in hexadecimal
	kMAC                 // 02:00:00:00:00:01
	kIP4                 // 10.0.0.1
	kIP6                 // fd00::1
	kTCP                 // letters of tcpdump: S, SA, F.; or SYN|ACK
	kIPFlags             // DF, MF
)

// field is a field of a header.
type field struct {
	name  string
	bit   int // from the start of the header, most significant first
	bits  int
	kind  kind
	names []named // words for values
	alias bool    // another view of the header's bits: written, not shown
}

type named struct {
	name  string
	value uint64
}

// spec is a kind of header: the language writes it and [Decode] reads it by
// the same row.
type spec struct {
	name   string
	init   string // the fixed part, with defaults
	fields []field
	tail   string // name of the variable part that an argument can give, or ""
	link   string // field that says what follows, or ""
	types  *[]kindOf
}

// kindOf is the number by which a header says that another follows.
type kindOf struct {
	value uint64
	name  string // of the spec
}

// EtherTypes and IP protocols that have a header here.
var (
	etherTypes = []kindOf{{0x0800, "ipv4"}, {0x0806, "arp"}, {0x8100, "vlan"}, {0x88a8, "vlan"}, {0x86dd, "ipv6"}}
	protocols  = []kindOf{{6, "tcp"}, {17, "udp"}, {1, "icmp"}, {58, "icmpv6"}, {47, "gre"}, {4, "ipv4"}, {41, "ipv6"},
		{0, "hopopts"}, {44, "frag"}, {60, "dstopts"}, {43, "routing"}}
)

var (
	etherNames = []named{{"ipv4", 0x0800}, {"arp", 0x0806}, {"vlan", 0x8100}, {"qinq", 0x88a8}, {"ipv6", 0x86dd}, {"lldp", 0x88cc}, {"mpls", 0x8847}, {"pppoe", 0x8864}}
	protoNames = []named{{"icmp", 1}, {"igmp", 2}, {"ipip", 4}, {"tcp", 6}, {"udp", 17}, {"ipv6", 41}, {"routing", 43}, {"frag", 44}, {"gre", 47},
		{"esp", 50}, {"ah", 51}, {"icmpv6", 58}, {"none", 59}, {"dstopts", 60}, {"ospf", 89}, {"sctp", 132}}
	arpNames   = []named{{"request", 1}, {"reply", 2}}
	icmpNames  = []named{{"reply", 0}, {"unreachable", 3}, {"redirect", 5}, {"echo", 8}, {"exceeded", 11}, {"parameter", 12}, {"timestamp", 13}}
	icmp6Names = []named{{"unreachable", 1}, {"toobig", 2}, {"exceeded", 3}, {"parameter", 4}, {"echo", 128}, {"reply", 129},
		{"rs", 133}, {"ra", 134}, {"ns", 135}, {"na", 136}}
	dnsTypes = []named{{"A", 1}, {"NS", 2}, {"CNAME", 5}, {"SOA", 6}, {"PTR", 12}, {"MX", 15}, {"TXT", 16}, {"AAAA", 28}, {"SRV", 33}, {"ANY", 255}}
)

// specs are the headers, with defaults that make a plausible packet: from
// 02:00:00:00:00:01, 10.0.0.1 and fd00::1 to 02:00:00:00:00:02, 10.0.0.2 and
// fd00::2. Lengths, checksums and what follows are filled in when building.
var specs = [...]spec{
	{"eth", "\x02\x00\x00\x00\x00\x02" + "\x02\x00\x00\x00\x00\x01" + "\x88\xb5", []field{
		{name: "dst", bit: 0, bits: 48, kind: kMAC},
		{name: "src", bit: 48, bits: 48, kind: kMAC},
		{name: "type", bit: 96, bits: 16, kind: kHex, names: etherNames},
	}, "", "type", &etherTypes},
	{"vlan", "\x00\x01" + "\x88\xb5", []field{
		{name: "pcp", bit: 0, bits: 3},
		{name: "dei", bit: 3, bits: 1},
		{name: "id", bit: 4, bits: 12},
		{name: "type", bit: 16, bits: 16, kind: kHex, names: etherNames},
	}, "", "type", &etherTypes},
	{"arp", "\x00\x01\x08\x00\x06\x04\x00\x01" + "\x02\x00\x00\x00\x00\x01" + "\x0a\x00\x00\x01" + "\x00\x00\x00\x00\x00\x00" + "\x0a\x00\x00\x02", []field{
		{name: "htype", bit: 0, bits: 16},
		{name: "ptype", bit: 16, bits: 16, kind: kHex, names: etherNames},
		{name: "hlen", bit: 32, bits: 8},
		{name: "plen", bit: 40, bits: 8},
		{name: "op", bit: 48, bits: 16, names: arpNames},
		{name: "sha", bit: 64, bits: 48, kind: kMAC},
		{name: "spa", bit: 112, bits: 32, kind: kIP4},
		{name: "tha", bit: 144, bits: 48, kind: kMAC},
		{name: "tpa", bit: 192, bits: 32, kind: kIP4},
	}, "", "", nil},
	{"ipv4", "\x45\x00\x00\x14\x00\x00\x40\x00\x40\xfd\x00\x00" + "\x0a\x00\x00\x01" + "\x0a\x00\x00\x02", []field{
		{name: "version", bit: 0, bits: 4},
		{name: "ihl", bit: 4, bits: 4},
		{name: "tos", bit: 8, bits: 8, kind: kHex, alias: true},
		{name: "dscp", bit: 8, bits: 6},
		{name: "ecn", bit: 14, bits: 2},
		{name: "len", bit: 16, bits: 16},
		{name: "id", bit: 32, bits: 16, kind: kHex},
		{name: "flags", bit: 48, bits: 3, kind: kIPFlags},
		{name: "frag", bit: 51, bits: 13},
		{name: "ttl", bit: 64, bits: 8},
		{name: "proto", bit: 72, bits: 8, names: protoNames},
		{name: "csum", bit: 80, bits: 16, kind: kHex},
		{name: "src", bit: 96, bits: 32, kind: kIP4},
		{name: "dst", bit: 128, bits: 32, kind: kIP4},
	}, "options", "proto", &protocols},
	{"ipv6", "\x60\x00\x00\x00\x00\x00\xfd\x40" +
		"\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02", []field{
		{name: "version", bit: 0, bits: 4},
		{name: "tc", bit: 4, bits: 8, kind: kHex},
		{name: "flow", bit: 12, bits: 20, kind: kHex},
		{name: "len", bit: 32, bits: 16},
		{name: "next", bit: 48, bits: 8, names: protoNames},
		{name: "proto", bit: 48, bits: 8, names: protoNames, alias: true},
		{name: "hlim", bit: 56, bits: 8},
		{name: "ttl", bit: 56, bits: 8, alias: true},
		{name: "src", bit: 64, bits: 128, kind: kIP6},
		{name: "dst", bit: 192, bits: 128, kind: kIP6},
	}, "", "next", &protocols},
	{"tcp", "\x9c\x40\x00\x50" + "\x00\x00\x00\x01" + "\x00\x00\x00\x00" + "\x50\x02\xfa\xf0\x00\x00\x00\x00", []field{
		{name: "sport", bit: 0, bits: 16},
		{name: "dport", bit: 16, bits: 16},
		{name: "seq", bit: 32, bits: 32},
		{name: "ack", bit: 64, bits: 32},
		{name: "off", bit: 96, bits: 4},
		{name: "res", bit: 100, bits: 4},
		{name: "flags", bit: 104, bits: 8, kind: kTCP},
		{name: "win", bit: 112, bits: 16},
		{name: "csum", bit: 128, bits: 16, kind: kHex},
		{name: "urg", bit: 144, bits: 16},
	}, "options", "", nil},
	{"udp", "\x9c\x40\x00\x35\x00\x08\x00\x00", []field{
		{name: "sport", bit: 0, bits: 16},
		{name: "dport", bit: 16, bits: 16},
		{name: "len", bit: 32, bits: 16},
		{name: "csum", bit: 48, bits: 16, kind: kHex},
	}, "", "", nil},
	{"icmp", "\x08\x00\x00\x00\x00\x01\x00\x01", []field{
		{name: "type", bit: 0, bits: 8, names: icmpNames},
		{name: "code", bit: 8, bits: 8},
		{name: "csum", bit: 16, bits: 16, kind: kHex},
		{name: "id", bit: 32, bits: 16},
		{name: "seq", bit: 48, bits: 16},
	}, "", "", nil},
	{"icmpv6", "\x80\x00\x00\x00\x00\x01\x00\x01", []field{
		{name: "type", bit: 0, bits: 8, names: icmp6Names},
		{name: "code", bit: 8, bits: 8},
		{name: "csum", bit: 16, bits: 16, kind: kHex},
		{name: "id", bit: 32, bits: 16},
		{name: "seq", bit: 48, bits: 16},
	}, "", "", nil},
	{"gre", "\x00\x00\x88\xb5", []field{
		{name: "flags", bit: 0, bits: 16, kind: kHex},
		{name: "type", bit: 16, bits: 16, kind: kHex, names: etherNames},
	}, "", "type", &etherTypes},
	{"hopopts", "\x3b\x00\x01\x04\x00\x00\x00\x00", []field{
		{name: "next", bit: 0, bits: 8, names: protoNames},
		{name: "hlen", bit: 8, bits: 8},
	}, "", "next", &protocols},
	{"dstopts", "\x3b\x00\x01\x04\x00\x00\x00\x00", []field{
		{name: "next", bit: 0, bits: 8, names: protoNames},
		{name: "hlen", bit: 8, bits: 8},
	}, "", "next", &protocols},
	{"routing", "\x3b\x00\x04\x00\x00\x00\x00\x00", []field{
		{name: "next", bit: 0, bits: 8, names: protoNames},
		{name: "hlen", bit: 8, bits: 8},
		{name: "type", bit: 16, bits: 8},
		{name: "left", bit: 24, bits: 8},
	}, "", "next", &protocols},
	{"frag", "\x3b\x00\x00\x00\x00\x00\x00\x01", []field{
		{name: "next", bit: 0, bits: 8, names: protoNames},
		{name: "res", bit: 8, bits: 8},
		{name: "off", bit: 16, bits: 13},
		{name: "more", bit: 31, bits: 1},
		{name: "id", bit: 32, bits: 32, kind: kHex},
	}, "", "next", &protocols},
	{"dns", "\x00\x01\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", []field{
		{name: "id", bit: 0, bits: 16, kind: kHex},
		{name: "flags", bit: 16, bits: 16, kind: kHex},
		{name: "qd", bit: 32, bits: 16},
		{name: "an", bit: 48, bits: 16},
		{name: "ns", bit: 64, bits: 16},
		{name: "ar", bit: 80, bits: 16},
	}, "name", "", nil},
}

func specByName(name string) *spec {
	for i := range specs {
		if specs[i].name == name {
			return &specs[i]
		}
	}
	return nil
}

// field finds a field's index by its name, or -1.
func (s *spec) field(name string) int {
	for i := range s.fields {
		if s.fields[i].name == name {
			return i
		}
	}
	return -1
}

// get reads up to 64 bits of a header that is long enough.
func (f *field) get(b []byte) uint64 {
	v := uint64(0)
	for i := f.bit / 8; i*8 < f.bit+f.bits; i++ {
		v = v<<8 | uint64(b[i])
	}
	if end := (f.bit + f.bits) % 8; end != 0 {
		v >>= 8 - end
	}
	if f.bits < 64 {
		v &= 1<<f.bits - 1
	}
	return v
}

// set writes up to 64 bits.
func (f *field) set(b []byte, v uint64) {
	for n := range f.bits {
		at := f.bit + f.bits - 1 - n
		mask := byte(0x80) >> (at % 8)
		if v>>n&1 != 0 {
			b[at/8] |= mask
		} else {
			b[at/8] &^= mask
		}
	}
}

// bytes are the bytes of a field that is whole bytes.
func (f *field) bytes(b []byte) []byte { return b[f.bit/8 : (f.bit+f.bits)/8] }

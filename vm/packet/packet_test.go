package packet

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"math/rand"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parseOne(t *testing.T, src string) Packet {
	t.Helper()
	pkts, errs := Parse(src)
	if len(errs) > 0 || len(pkts) != 1 {
		t.Fatalf("%q: %d packets, %v", src, len(pkts), errs)
	}
	return pkts[0]
}

// testdata/packets.txt has source, bytes and summary of a packet in three
// lines. UPDATE=1 rewrites the bytes and the summaries.
func TestPackets(t *testing.T) {
	const name = "testdata/packets.txt"
	f, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	lines := bufio.NewScanner(strings.NewReader(string(f)))
	n := 0
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "\t") {
			continue
		}
		got.WriteString(line + "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		p := parseOne(t, line)
		got.WriteString("\t" + hex.EncodeToString(p.Data) + "\n\t" + Summary(p.Data) + "\n")
		for _, field := range Decode(p.Data) {
			if field.Name == "csum" && strings.HasPrefix(field.Note, "wrong") && !strings.Contains(line, "csum=") {
				t.Errorf("%q: %s checksum %s is %s", line, field.Layer, field.Value, field.Note)
			}
		}
		if s := Format(p.Data); strings.HasPrefix(s, "hex:") && !strings.HasPrefix(line, "hex:") {
			t.Errorf("%q: formatted as %s", line, s)
		}
	}
	if n < 20 {
		t.Errorf("only %d packets", n)
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(name, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(string(f), got.String()); d != "" {
		t.Error(d)
	}
}

// An IPv4 header with a known checksum, from RFC 1071's field of examples: the
// one that textbooks use.
func TestChecksum(t *testing.T) {
	b, _ := hex.DecodeString("45000073000040004011b861c0a80001c0a800c7")
	if got := Checksum(b); got != 0 {
		t.Errorf("over the right checksum: %#04x", got)
	}
	b[10], b[11] = 0, 0
	if got := Checksum(b); got != 0xb861 {
		t.Errorf("got %#04x, want 0xb861", got)
	}
	// RFC 1071 section 3.
	if got := ^Checksum([]byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); got != 0xddf2 {
		t.Errorf("got %#04x, want 0xddf2", got)
	}
	if got := ^Checksum([]byte{0x01}); got != 0x0100 {
		t.Errorf("odd: %#04x", got)
	}
	// A sum of a megabyte does not overflow.
	if got := ^Checksum(make([]byte, 1<<20)); got != 0 {
		t.Errorf("zeros: %#04x", got)
	}
	big := make([]byte, 1<<20)
	for i := range big {
		big[i] = 0xff
	}
	if got := Checksum(big); got != 0 {
		t.Errorf("ones: %#04x", got)
	}
}

func TestSettings(t *testing.T) {
	pkts, errs := Parse(`
# three packets
udp / "a" x2 t=+10ms cpu=1 ifindex=3 queue=2 expect=XDP_DROP note="a b"
udp t=1s   // absolute
udp
hex: 00 01 02 x2 t=+1us
`)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want := []Packet{
		{Time: 10e6, CPU: 1, IfIndex: 3, Queue: 2, Line: 3, Attrs: []Attr{{"expect", "XDP_DROP"}, {"note", "a b"}}},
		{Time: 20e6, CPU: 1, IfIndex: 3, Queue: 2, Line: 3, Attrs: []Attr{{"expect", "XDP_DROP"}, {"note", "a b"}}},
		{Time: 1e9, Line: 4}, {Time: 1e9, Line: 5}, {Time: 1e9 + 1000, Line: 6}, {Time: 1e9 + 2000, Line: 6},
	}
	for i := range pkts {
		pkts[i].Data = nil
	}
	if d := cmp.Diff(want, pkts); d != "" {
		t.Error(d)
	}
	if v, ok := want[0].Attr("expect"); !ok || v != "XDP_DROP" {
		t.Errorf("attr %q %v", v, ok)
	}
}

// Errors say where, what and what to do. ^word^ marks the place.
func TestErrors(t *testing.T) {
	tests := []struct{ src, want string }{
		{"^ipv5^ / udp", "unknown layer `ipv5`; did you mean `ipv4`?"},
		{"^foobar^", "unknown layer `foobar`; they are eth vlan arp ipv4 ipv6 tcp udp icmp icmpv6 gre dns raw zeros and a string"},
		{"ipv4(ttl=^300^)", "ttl has 8 bits; it is at most 255"},
		{"ipv4(^tll^=3)", "ipv4 has no field `tll`; did you mean `ttl`?"},
		{"ipv4(src=^10.0.0^)", "expected an IPv4 address; as in 10.0.0.1"},
		{"ipv6(src=^10.0.0.1^)", "expected an IPv6 address; as in fd00::1"},
		{"eth(dst=^02:00^)", "expected an Ethernet address; as in 02:00:00:00:00:01"},
		{"tcp(flags=^Q^)", "expected TCP flags; letters as in SA, or SYN|ACK"},
		{"ipv4(proto=^tpc^)", "expected a number or a name; did you mean `tcp`?"},
		{"ipv4(ttl^^", "expected `=` after ttl"},
		{"ipv4(ttl=3^^", "expected `,` or `)`"},
		{"udp / ^^", "expected a layer; as in ipv4(ttl=3), or a payload in quotes"},
		{"udp / ^\"abc^", "the string is not closed; end it with \""},
		{"udp / \"^\\q^\"", "unknown escape; they are \\n \\r \\t \\0 \\\\ \\\" and \\x41"},
		{"arp / ^udp^", "udp does not follow arp; put other bytes in raw(...)"},
		{"eth / ^tcp^", "tcp does not follow eth; there is a layer between, or say eth(type=...)"},
		{"udp ^tcp^", "expected `/` and a layer, or a setting; settings are x3, t=+10ms, cpu=1, ifindex=2 and name=value"},
		{"udp t=^5^", "expected a time; as in t=5ms, or t=+10us after the packet before"},
		{"udp ^x0^", "a packet is repeated 1 to 100000 times"},
		{"udp / ^zeros^(65535)", "a packet has at most 65535 bytes; this one has 65577"},
		{"raw(^123^)", "expected pairs of hex digits"},
		{"udp cpu=^-1^", "expected a number from 0 on"},
	}
	for _, tt := range tests {
		before, rest, _ := strings.Cut(tt.src, "^")
		word, after, _ := strings.Cut(rest, "^")
		pkts, errs := Parse("udp\n" + before + word + after + "\nudp")
		if len(errs) != 1 || len(pkts) != 2 {
			t.Errorf("%q: %d packets, %v", tt.src, len(pkts), errs)
			continue
		}
		want := "2:" + itoa(len(before)+1) + ": " + tt.want
		if errs[0].Error() != want || errs[0].Len != len(word) {
			t.Errorf("%q:\n got %v (%d)\nwant %v (%d)", tt.src, errs[0], errs[0].Len, want, len(word))
		}
	}
}

// A value in a field comes back as it was written.
func TestFieldRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewSource(1))
	for range 3000 {
		s := &specs[rnd.Intn(len(specs))]
		f := &s.fields[rnd.Intn(len(s.fields))]
		hdr := make([]byte, len(s.init))
		rnd.Read(hdr)
		other := append([]byte(nil), s.init...)
		v := f.format(hdr)
		if msg, hint := f.parse(other, v); msg != "" {
			t.Fatalf("%s.%s=%s: %s; %s", s.name, f.name, v, msg, hint)
		}
		if got := f.format(other); got != v {
			t.Fatalf("%s.%s: %s came back as %s", s.name, f.name, v, got)
		}
	}
}

// Packets built from random fields are decoded to the same, and written back
// in the language.
func TestFormatRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewSource(2))
	stacks := [...]string{"eth", "eth/vlan/ipv4/tcp", "eth/vlan/vlan/ipv6/udp", "eth/arp", "eth/ipv4/icmp", "eth/ipv6/icmpv6", "eth/ipv6/hopopts/frag/udp",
		"eth/ipv4/gre/ipv4/udp/dns", "eth/ipv4/ipv6/tcp", "eth/ipv6/routing/dstopts/tcp", "ipv4", "tcp", "eth/ipv4/udp"}
	inHex := 0
	const rounds = 2000
	for range rounds {
		var src []string
		for _, name := range strings.Split(stacks[rnd.Intn(len(stacks))], "/") {
			s := specByName(name)
			var args []string
			for i := range s.fields {
				f := &s.fields[i]
				if filledIn(s, f) && rnd.Intn(30) > 0 || rnd.Intn(3) > 0 || f.alias || f.name == "version" || f.name == "hlen" {
					continue
				}
				hdr := make([]byte, len(s.init))
				rnd.Read(hdr)
				args = append(args, f.name+"="+f.format(hdr))
			}
			src = append(src, name+"("+strings.Join(args, ",")+")")
		}
		if rnd.Intn(2) == 0 {
			payload := make([]byte, rnd.Intn(100))
			rnd.Read(payload)
			src = append(src, "raw("+hex.EncodeToString(payload)+")")
		}
		line := strings.Join(src, " / ")
		p := parseOne(t, line)
		text := Format(p.Data)
		if strings.HasPrefix(text, "hex:") {
			inHex++
		}
		if back := parseOne(t, text); string(back.Data) != string(p.Data) {
			t.Fatalf("%s\n%s:\n got %x\nwant %x", line, text, back.Data, p.Data)
		}
		checkDecode(t, p.Data)
	}
	if inHex > rounds/10 {
		t.Errorf("%d of %d packets are written in hex", inHex, rounds)
	}
	t.Logf("%d of %d packets are written in hex", inHex, rounds)
}

// checkDecode holds that fields are in order and cover the packet.
func checkDecode(t *testing.T, b []byte) {
	t.Helper()
	end := 0
	for _, f := range Decode(b) {
		if f.Off < 0 || f.Len < 0 || f.Off+f.Len > len(b) || f.Off > end || f.Off+f.Len < end && f.Len > 0 && f.Bits == 0 {
			t.Fatalf("%x: field %+v after byte %d", b, f, end)
		}
		if f.Layer == "" || f.Name == "" {
			t.Fatalf("%x: field %+v has no name", b, f)
		}
		end = max(end, f.Off+f.Len)
	}
	if end != len(b) {
		t.Fatalf("%x: the fields end at %d of %d", b, end, len(b))
	}
}

// Every way of cutting a packet short is marked.
func TestDecodeCut(t *testing.T) {
	for _, src := range []string{"tcp(options=020405b4) / \"x\"", "vlan / ipv6 / udp / dns(name=example.com)", "arp", "icmp(type=3) / raw(45)", "ipv6 / hopopts / icmpv6"} {
		b := parseOne(t, src).Data
		for n := range b {
			checkDecode(t, b[:n])
			Summary(b[:n])
		}
	}
	fields := Decode(parseOne(t, "tcp").Data[:40])
	if last := fields[len(fields)-1]; last.Note != "cut short: 6 of 20 bytes" {
		t.Errorf("%+v", last)
	}
	b := parseOne(t, "udp / \"hello\"").Data
	b[24] ^= 1
	for _, f := range Decode(b) {
		if f.Layer == "ipv4" && f.Name == "csum" && !strings.HasPrefix(f.Note, "wrong, should be 0x") {
			t.Errorf("%+v", f)
		}
	}
	// Padding after the IP packet is no payload.
	b = append(parseOne(t, "udp / \"hello\"").Data, 0, 0, 0)
	if fields := Decode(b); fields[len(fields)-1].Name != "padding" {
		t.Errorf("%+v", fields[len(fields)-1])
	}
}

func TestHex(t *testing.T) {
	want, _ := hex.DecodeString("0200000000020200000000010800450000210000400040112e")
	want = append(want, []byte("ABCDEFGH  |IJ")...)
	var plain, tcpdump, xxd, od, c []string
	for off := 0; off < len(want); off += 16 {
		row := want[off:min(off+16, len(want))]
		p, words, pairs := "", "", ""
		for i, x := range row {
			h := hex.EncodeToString([]byte{x})
			p += " " + h
			pairs += " " + h
			if i%2 == 0 {
				words += " "
			}
			words += h
		}
		o := hex.EncodeToString(binary.BigEndian.AppendUint32(nil, uint32(off)))
		plain = append(plain, p)
		tcpdump = append(tcpdump, "\t0x"+o[4:]+": "+words)
		xxd = append(xxd, o+":"+words+"  "+printable(row))
		od = append(od, o[2:]+pairs)
		c = append(c, "0x"+strings.ReplaceAll(strings.TrimSpace(p), " ", ", 0x")+",")
	}
	forms := []struct{ name, text string }{
		{"plain", strings.Join(plain, "\n")},
		{"one", hex.EncodeToString(want)},
		{"colons", strings.ReplaceAll(strings.TrimSpace(plain[0]), " ", ":") + "\n" + plain[1] + "\n" + plain[2]},
		{"hexdump", string(AppendHex(nil, want))},
		{"tcpdump", "12:00:00.1 IP 10.0.0.1.5 > 10.0.0.2.6: UDP, length 5\n" + strings.Join(tcpdump, "\n")},
		{"xxd", strings.Join(xxd, "\n")},
		{"od", strings.Join(od, "\n") + "\n" + hex.EncodeToString([]byte{0, 0, byte(len(want))})},
		{"C", strings.Join(c, "\n")},
	}
	for _, f := range forms {
		src := f.text + "\n\n" + f.text + "\n"
		pkts, errs := ParseHex(src)
		if len(errs) > 0 || len(pkts) != 2 {
			t.Errorf("%s: %d packets, %v\n%s", f.name, len(pkts), errs, src)
			continue
		}
		for _, p := range pkts {
			if string(p.Data) != string(want) {
				t.Errorf("%s:\n got %x\nwant %x\n%s", f.name, p.Data, want, src)
			}
		}
	}
	bad := []struct{ src, want string }{
		{"00 1", "1:4: expected pairs of hex digits; a byte has two"},
		{"00 zz", "1:4: expected hex digits"},
		{"00000000  00 01\n*\n00000020", "2:1: this line stands for lines that repeat the one above; print them all: hexdump -v, od -v"},
		{"00000000  00 01\n00000010  02", "2:1: this line is at 16, but 2 bytes came before it; is a line missing?"},
	}
	for _, tt := range bad {
		pkts, errs := ParseHex(tt.src + "\n\n0102")
		if len(errs) != 1 || errs[0].Error() != tt.want || len(pkts) != 1 {
			t.Errorf("%q: %d packets, %v, want %s", tt.src, len(pkts), errs, tt.want)
		}
	}
}

package packet

import (
	"encoding/binary"
	"math/rand"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func somePackets(rnd *rand.Rand, n int) []Packet {
	pkts := make([]Packet, n)
	for i := range pkts {
		pkts[i] = Packet{Data: make([]byte, 1+rnd.Intn(200)), Time: int64(i)*1e9 + int64(rnd.Intn(1e9))}
		rnd.Read(pkts[i].Data)
		if rnd.Intn(4) == 0 {
			pkts[i].WireLen = len(pkts[i].Data) + 100
		}
	}
	return pkts
}

func TestPcapRoundTrip(t *testing.T) {
	want := somePackets(rand.New(rand.NewSource(1)), 50)
	file := AppendPcap(nil, want)
	got, err := ReadPcap(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// A file that is cut anywhere gives the packets before the cut, and says where.
	for n := range len(file) {
		got, err := ReadPcap(file[:n])
		end := 24
		whole := 0
		for _, p := range want {
			if end+16+len(p.Data) > n {
				break
			}
			end += 16 + len(p.Data)
			whole++
		}
		if len(got) != whole || (err == nil) != (end == n) {
			t.Fatalf("cut at %d: %d packets of %d, %v", n, len(got), whole, err)
		}
		if err != nil && n >= 24 && err.(*PcapError).Offset != end {
			t.Fatalf("cut at %d: %v, want byte %d", n, err, end)
		}
	}
}

// classic makes a file by hand.
func classic(order binary.AppendByteOrder, magic uint32, link uint32, data ...string) []byte {
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(b, 65535)
	b = order.AppendUint32(b, link)
	for i, d := range data {
		b = order.AppendUint32(b, uint32(100+i))
		b = order.AppendUint32(b, 123456)
		b = order.AppendUint32(b, uint32(len(d)))
		b = order.AppendUint32(b, uint32(len(d)))
		b = append(b, d...)
	}
	return b
}

func TestPcapForms(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	eth := strings.Repeat("x", 20)
	tests := []struct {
		name string
		file []byte
		data string
		time int64
	}{
		{"little, micro", classic(le, 0xa1b2c3d4, 1, eth), eth, 100e9 + 123456000},
		{"big, micro", classic(be, 0xa1b2c3d4, 1, eth), eth, 100e9 + 123456000},
		{"little, nano", classic(le, 0xa1b23c4d, 1, eth), eth, 100e9 + 123456},
		{"big, nano", classic(be, 0xa1b23c4d, 1, eth), eth, 100e9 + 123456},
		{"raw IPv4", classic(le, 0xa1b2c3d4, 101, "\x45\x00"), "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00\x45\x00", 100e9 + 123456000},
		{"raw IPv6", classic(le, 0xa1b2c3d4, 229, "\x60\x00"), "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x86\xdd\x60\x00", 100e9 + 123456000},
		{"ng, little", ngFile(le, eth), eth, 1700000000123456789},
		{"ng, big", ngFile(be, eth), eth, 1700000000123456789},
	}
	for _, tt := range tests {
		pkts, err := ReadPcap(tt.file)
		if err != nil || len(pkts) != 1 {
			t.Errorf("%s: %d packets, %v", tt.name, len(pkts), err)
			continue
		}
		if string(pkts[0].Data) != tt.data || pkts[0].Time != tt.time {
			t.Errorf("%s: %q at %d, want %q at %d", tt.name, pkts[0].Data, pkts[0].Time, tt.data, tt.time)
		}
	}
	bad := []struct{ name, file, want string }{
		{"empty", "", "pcap: byte 0: no pcap file: 0 bytes"},
		{"ELF", "\x7fELF............", "pcap: byte 0: no pcap file: it begins with 0x7f454c46"},
		{"Wi-Fi", string(classic(le, 0xa1b2c3d4, 105, eth)), "pcap: byte 20: link type 105 is not Ethernet (1) or raw IP (101)"},
		{"huge", string(append(classic(le, 0xa1b2c3d4, 1, eth), 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0)), "pcap: byte 60, packet 2: the packet has 2147483647 bytes, at most 65535 are read"},
	}
	for _, tt := range bad {
		_, err := ReadPcap([]byte(tt.file))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

// ngFile is a section, an interface with nanoseconds, a block that is not
// known and a packet.
func ngFile(order binary.AppendByteOrder, data string) []byte {
	var out []byte
	block := func(typ uint32, body []byte) {
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
		out = order.AppendUint32(out, typ)
		out = order.AppendUint32(out, uint32(len(body)+12))
		out = append(out, body...)
		out = order.AppendUint32(out, uint32(len(body)+12))
	}
	b := order.AppendUint32(nil, 0x1a2b3c4d)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0)
	block(ngSection, append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))
	b = order.AppendUint16(nil, 1)
	b = order.AppendUint16(b, 0)
	b = order.AppendUint32(b, 0)
	b = order.AppendUint16(b, 9)
	b = order.AppendUint16(b, 1)
	b = append(b, 9, 0, 0, 0)
	block(ngInterface, append(b, 0, 0, 0, 0))
	block(0xbad, []byte("something"))
	const at = 1700000000123456789
	b = order.AppendUint32(nil, 0)
	b = order.AppendUint32(b, at>>32)
	b = order.AppendUint32(b, at&0xffffffff)
	b = order.AppendUint32(b, uint32(len(data)))
	b = order.AppendUint32(b, uint32(len(data)))
	block(ngEnhanced, append(b, data...))
	return out
}

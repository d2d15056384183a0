package packet

import (
	"encoding/binary"
	"runtime"
	"strconv"
)

// Link types of pcap files (https://www.tcpdump.org/linktypes.html).
const (
	linkEthernet = 1
	linkRaw      = 101
	linkIPv4     = 228
	linkIPv6     = 229
)

// PcapError is a file that cannot be read on.
type PcapError struct {
	Offset int // bytes into the file
	Packet int // number of the packet, from 1; 0 is before the first
	Msg    string
}

func (e *PcapError) Error() string {
	s := "pcap: byte " + strconv.Itoa(e.Offset)
	if e.Packet > 0 {
		s += ", packet " + strconv.Itoa(e.Packet)
	}
	return s + ": " + e.Msg
}

// ReadPcap reads a pcap file, of either byte order and with micro- or
// nanoseconds, or a pcapng file. Packets without an Ethernet header (raw IP)
// get one, since programs expect it. With an error, a *[PcapError], it returns
// the packets before the mistake. The data of the packets is copied.
func ReadPcap(b []byte) ([]Packet, error) {
	if len(b) < 4 {
		return nil, &PcapError{0, 0, "no pcap file: " + itoa(len(b)) + " bytes"}
	}
	r := &pcapReader{b: b, order: binary.LittleEndian}
	switch magic := binary.LittleEndian.Uint32(b); magic {
	case 0xa1b2c3d4, 0xa1b23c4d:
		r.nano = magic == 0xa1b23c4d
	case 0xd4c3b2a1, 0x4d3cb2a1:
		r.order, r.nano = binary.BigEndian, magic == 0x4d3cb2a1
	case ngSection:
		err := r.pcapng()
		return r.pkts, err
	default:
		return nil, &PcapError{0, 0, "no pcap file: it begins with " + hexNumber(uint64(binary.BigEndian.Uint32(b)), 8)}
	}
	err := r.classic()
	return r.pkts, err
}

type pcapReader struct {
	b     []byte
	at    int
	order binary.ByteOrder
	nano  bool
	pkts  []Packet
	total int
	links []ngLink // interfaces of a pcapng section
}

func (r *pcapReader) fail(msg string) error {
	return &PcapError{r.at, len(r.pkts) + 1, msg}
}

func (r *pcapReader) u32(at int) uint32 { return r.order.Uint32(r.b[at:]) }

func (r *pcapReader) classic() error {
	if len(r.b) < 24 {
		return &PcapError{len(r.b), 0, "the file header is cut short: " + itoa(len(r.b)) + " of 24 bytes"}
	}
	link := int(r.u32(20) & 0xffff) // the upper half says whether frames have a checksum
	if msg := checkLink(link); msg != "" {
		return &PcapError{20, 0, msg}
	}
	for r.at = 24; r.at < len(r.b); {
		if len(r.b)-r.at < 16 {
			return r.fail("the packet header is cut short: " + itoa(len(r.b)-r.at) + " of 16 bytes")
		}
		sec, frac := int64(r.u32(r.at)), int64(r.u32(r.at+4))
		if !r.nano {
			frac *= 1000
		}
		n, wire := r.u32(r.at+8), r.u32(r.at+12)
		if n > MaxData+14 {
			return r.fail("the packet has " + strconv.FormatUint(uint64(n), 10) + " bytes, at most " + itoa(MaxData) + " are read")
		}
		if len(r.b)-r.at-16 < int(n) {
			return r.fail("the packet is cut short: " + itoa(len(r.b)-r.at-16) + " of " + itoa(int(n)) + " bytes")
		}
		p := Packet{Time: sec*1e9 + frac}
		if err := r.add(p, link, r.b[r.at+16:r.at+16+int(n)], wire); err != nil {
			return err
		}
		r.at += 16 + int(n)
	}
	return nil
}

func checkLink(link int) string {
	switch link {
	case linkEthernet, linkRaw, linkIPv4, linkIPv6, 12, 14: // 12 and 14 are raw IP of the BSDs
		return ""
	}
	return "link type " + itoa(link) + " is not Ethernet (1) or raw IP (101)"
}

// add keeps a packet, with an Ethernet header in front when it has none.
func (r *pcapReader) add(p Packet, link int, data []byte, wire uint32) error {
	if len(r.pkts)&1023 == 1023 {
		runtime.Gosched()
	}
	front := ""
	if link != linkEthernet {
		front = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00"
		if len(data) > 0 && data[0]>>4 == 6 {
			front = "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x86\xdd"
		}
	}
	n := len(front) + len(data)
	if n > MaxData {
		return r.fail("the packet has " + itoa(n) + " bytes, at most " + itoa(MaxData) + " are read")
	}
	if len(r.pkts) >= MaxPackets || r.total+n > MaxTotal {
		return r.fail("the file has more than " + itoa(MaxPackets) + " packets or " + itoa(MaxTotal>>20) + " MiB")
	}
	p.Data = append(append(make([]byte, 0, n), front...), data...)
	// A length on the wire beyond any frame is a broken file's.
	if on := uint64(len(front)) + uint64(wire); on > uint64(n) && on < 1<<24 {
		p.WireLen = int(on)
	}
	r.total += n
	r.pkts = append(r.pkts, p)
	return nil
}

// AppendPcap appends a pcap file with the packets: little endian, nanoseconds,
// Ethernet. Times must not be negative; they wrap in 2106.
func AppendPcap(dst []byte, pkts []Packet) []byte {
	le := binary.LittleEndian
	dst = le.AppendUint32(dst, 0xa1b23c4d)
	dst = le.AppendUint16(dst, 2)
	dst = le.AppendUint16(dst, 4)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	dst = le.AppendUint32(dst, 262144)
	dst = le.AppendUint32(dst, linkEthernet)
	for i := range pkts {
		p := &pkts[i]
		dst = le.AppendUint32(dst, uint32(p.Time/1e9))
		dst = le.AppendUint32(dst, uint32(p.Time%1e9))
		dst = le.AppendUint32(dst, uint32(len(p.Data)))
		dst = le.AppendUint32(dst, uint32(max(p.WireLen, len(p.Data))))
		dst = append(dst, p.Data...)
	}
	return dst
}

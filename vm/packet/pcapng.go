package packet

import (
	"encoding/binary"
	"math/bits"
	"strconv"
)

// Block types of pcapng (draft-ietf-opsawg-pcapng section 4).
const (
	ngSection   = 0x0a0d0d0a
	ngInterface = 1
	ngOldPacket = 2
	ngSimple    = 3
	ngEnhanced  = 6

	maxInterfaces = 256
)

// ngLink is an interface of a section.
type ngLink struct {
	link int
	snap uint32
	// One second has units ticks; they are powers of ten or of two.
	units  uint64
	offset int64 // seconds
}

// pcapng reads blocks; those that hold no packets are read over.
func (r *pcapReader) pcapng() error {
	for r.at < len(r.b) {
		if len(r.b)-r.at < 12 {
			return r.fail("the block is cut short: " + itoa(len(r.b)-r.at) + " bytes")
		}
		typ := r.u32(r.at)
		if typ == ngSection { // the same in both byte orders, which it sets
			switch binary.LittleEndian.Uint32(r.b[r.at+8:]) {
			case 0x1a2b3c4d:
				r.order = binary.LittleEndian
			case 0x4d3c2b1a:
				r.order = binary.BigEndian
			default:
				return r.fail("the section header has no byte-order magic")
			}
			r.links = r.links[:0]
		}
		n := r.u32(r.at + 4)
		switch {
		case n < 12 || n%4 != 0:
			return r.fail("the block has a length of " + strconv.FormatUint(uint64(n), 10))
		case uint64(n) > uint64(len(r.b)-r.at):
			return r.fail("the block is cut short: " + itoa(len(r.b)-r.at) + " of " + strconv.FormatUint(uint64(n), 10) + " bytes")
		case r.u32(r.at+int(n)-4) != n:
			return r.fail("the block ends with another length than it begins with")
		}
		body := r.b[r.at+8 : r.at+int(n)-4]
		var err error
		switch typ {
		case ngInterface:
			err = r.ngInterface(body)
		case ngEnhanced:
			err = r.ngPacket(body, 0)
		case ngOldPacket:
			err = r.ngPacket(body, 16)
		case ngSimple:
			err = r.ngSimple(body)
		}
		if err != nil {
			return err
		}
		r.at += int(n)
	}
	return nil
}

func (r *pcapReader) ngInterface(b []byte) error {
	if len(b) < 8 {
		return r.fail("the interface block has " + itoa(len(b)) + " of 8 bytes")
	}
	if len(r.links) == maxInterfaces {
		return r.fail("the section has more than " + itoa(maxInterfaces) + " interfaces")
	}
	l := ngLink{link: int(r.order.Uint16(b)), snap: r.order.Uint32(b[4:]), units: 1e6}
	for o := b[8:]; len(o) >= 4; {
		code, n := r.order.Uint16(o), int(r.order.Uint16(o[2:]))
		if code == 0 || n > len(o)-4 {
			break
		}
		v := o[4 : 4+n]
		switch {
		case code == 9 && n == 1: // if_tsresol
			exp := int(v[0] & 0x7f)
			if v[0]&0x80 != 0 {
				if exp > 63 {
					return r.fail("the interface has a time unit of 2^-" + itoa(exp))
				}
				l.units = 1 << exp
				break
			}
			if exp > 19 {
				return r.fail("the interface has a time unit of 10^-" + itoa(exp))
			}
			for l.units = 1; exp > 0; exp-- {
				l.units *= 10
			}
		case code == 14 && n == 8: // if_tsoffset
			l.offset = int64(r.order.Uint64(v))
		}
		o = o[4+min((n+3)&^3, len(o)-4):]
	}
	r.links = append(r.links, l)
	return nil
}

// ngPacket reads an enhanced packet block, or the older form of it in which
// the interface has ifBits bits.
func (r *pcapReader) ngPacket(b []byte, ifBits int) error {
	if len(b) < 20 {
		return r.fail("the packet block has " + itoa(len(b)) + " of 20 bytes")
	}
	n := int(r.order.Uint32(b))
	if ifBits == 16 {
		n = int(r.order.Uint16(b))
	}
	if n < 0 || n >= len(r.links) {
		return r.fail("the packet is of interface " + itoa(n) + ", the section has " + itoa(len(r.links)))
	}
	l := &r.links[n]
	if msg := checkLink(l.link); msg != "" {
		return r.fail(msg)
	}
	captured, wire := r.order.Uint32(b[12:]), r.order.Uint32(b[16:])
	if uint64(captured) > uint64(len(b)-20) {
		return r.fail("the packet is cut short: " + itoa(len(b)-20) + " of " + strconv.FormatUint(uint64(captured), 10) + " bytes")
	}
	ticks := uint64(r.order.Uint32(b[4:]))<<32 | uint64(r.order.Uint32(b[8:]))
	hi, lo := bits.Mul64(ticks%l.units, 1e9)
	nanos, _ := bits.Div64(hi, lo, l.units)
	t := (int64(ticks/l.units)+l.offset)*1e9 + int64(nanos)
	return r.add(Packet{Time: t, IfIndex: n + 1}, l.link, b[20:20+captured], wire)
}

// ngSimple reads a packet of the first interface without a time.
func (r *pcapReader) ngSimple(b []byte) error {
	if len(b) < 4 || len(r.links) == 0 {
		return r.fail("the simple packet block has no length or no interface")
	}
	l := &r.links[0]
	if msg := checkLink(l.link); msg != "" {
		return r.fail(msg)
	}
	wire := r.order.Uint32(b)
	n := wire
	if l.snap != 0 {
		n = min(n, l.snap)
	}
	if uint64(n) > uint64(len(b)-4) {
		return r.fail("the packet is cut short: " + itoa(len(b)-4) + " of " + strconv.FormatUint(uint64(n), 10) + " bytes")
	}
	return r.add(Packet{IfIndex: 1}, l.link, b[4:4+n], wire)
}

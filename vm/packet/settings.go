package packet

import (
	"strconv"
	"strings"
)

// settings reads what follows a packet.
func (p *parser) settings(pkt *Packet) (times int, step int64, ok bool) {
	times, pkt.Time = 1, p.time
	for {
		p.blanks()
		start := p.at
		if p.at == len(p.line) {
			return times, step, true
		}
		name := p.word()
		end := p.at
		if p.peek() != '=' {
			if len(name) > 1 && name[0] == 'x' {
				if n, err := strconv.Atoi(name[1:]); err == nil {
					if n < 1 || n > MaxPackets {
						return 0, 0, p.fail(start, end, "a packet is repeated 1 to "+itoa(MaxPackets)+" times", "")
					}
					times = n
					continue
				}
			}
			return 0, 0, p.fail(start, max(end, start+1), "expected `/` and a layer, or a setting", "settings are x3, t=+10ms, cpu=1, ifindex=2 and name=value")
		}
		p.at++
		vstart := p.at
		var v string
		if p.peek() == '"' {
			b, ok := p.str()
			if !ok {
				return 0, 0, false
			}
			v = string(b)
		} else {
			v = p.value()
		}
		switch name {
		case "t":
			d, relative, ok := duration(v)
			if !ok {
				return 0, 0, p.fail(vstart, p.at, "expected a time", "as in t=5ms, or t=+10us after the packet before")
			}
			pkt.Time = d
			if relative {
				pkt.Time, step = p.time+d, d
			}
		case "cpu", "ifindex", "queue":
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 || n > 1<<20 {
				return 0, 0, p.fail(vstart, p.at, "expected a number from 0 on", "")
			}
			switch name {
			case "cpu":
				pkt.CPU = n
			case "ifindex":
				pkt.IfIndex = n
			default:
				pkt.Queue = n
			}
		case "":
			return 0, 0, p.fail(start, p.at, "expected the name of a setting before `=`", "")
		default:
			if len(pkt.Attrs) == MaxLayers {
				return 0, 0, p.fail(start, p.at, "a packet has at most "+itoa(MaxLayers)+" attributes", "")
			}
			pkt.Attrs = append(pkt.Attrs, Attr{name, v})
		}
	}
}

// duration reads "10ms" or "+10ms" as nanoseconds.
func duration(s string) (ns int64, relative, ok bool) {
	if strings.HasPrefix(s, "+") {
		s, relative = s[1:], true
	}
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	v, err := strconv.ParseInt(s[:n], 10, 64)
	scale := int64(0)
	switch s[n:] {
	case "ns":
		scale = 1
	case "us", "µs":
		scale = 1000
	case "ms":
		scale = 1000000
	case "s":
		scale = 1000000000
	case "":
		if v == 0 {
			scale = 1
		}
	}
	const limit = 1 << 62
	if err != nil || scale == 0 || v > limit/scale {
		return 0, false, false
	}
	return v * scale, relative, true
}

// add appends a packet so many times.
func (p *parser) add(pkt Packet, times int, step int64) bool {
	for n := range times {
		if len(p.pkts) >= MaxPackets || p.total+len(pkt.Data) > MaxTotal {
			p.fail(0, len(p.line), "there are too many packets", "at most "+itoa(MaxPackets)+", and "+itoa(MaxTotal>>20)+" MiB")
			p.full = true
			return false
		}
		if n > 0 {
			pkt.Time += step
			pkt.Data = append([]byte(nil), pkt.Data...)
			pkt.Attrs = append([]Attr(nil), pkt.Attrs...)
		}
		p.time = pkt.Time
		p.total += len(pkt.Data)
		p.pkts = append(p.pkts, pkt)
	}
	return true
}

package packet

import (
	"runtime"
	"strings"
)

// ParseHex reads packets in hex, in whichever form the text has:
//
//	02 00 00 00 00 02 ...               pairs of digits; also 0x02, and "\x02"
//	00000000  02 00 00 00 ...  |....|   hexdump -C, xxd, od -Ax -tx1, Wireshark
//		0x0000:  0200 0000 0002 ...     tcpdump -xx
//
// A blank line, an offset of zero, and in tcpdump's form any other line ends a
// packet. With errors it returns the packets of the parts that are right.
func ParseHex(src string) ([]Packet, []Error) {
	p := &parser{}
	if len(src) > MaxSource {
		p.errs = append(p.errs, Error{Line: 1, Col: 1, Msg: "the text is longer than " + itoa(MaxSource) + " bytes"})
		return nil, p.errs
	}
	h := hexParser{parser: p, tcpdump: isTcpdump(src)}
	for p.ln = 1; len(src) > 0 && !p.full; p.ln++ {
		if p.ln&1023 == 0 {
			runtime.Gosched()
		}
		line := src
		if i := strings.IndexByte(src, '\n'); i >= 0 {
			line, src = src[:i], src[i+1:]
		} else {
			src = ""
		}
		p.line, p.at = strings.TrimSuffix(line, "\r"), 0
		h.hexLine()
	}
	h.flush()
	return p.pkts, p.errs
}

// isTcpdump reports whether a line begins with tcpdump's first offset.
func isTcpdump(src string) bool {
	for {
		i := strings.Index(src, "0x0000:")
		if i < 0 {
			return false
		}
		if before := strings.TrimRight(src[:i], " \t"); before == "" || before[len(before)-1] == '\n' {
			return true
		}
		src = src[i+1:]
	}
}

type hexParser struct {
	*parser
	tcpdump bool
	data    []byte // of the packet so far
	first   int    // line in which it begins
	bad     bool   // it had an error
}

// flush ends a packet.
func (h *hexParser) flush() {
	if len(h.data) > 0 && !h.bad {
		h.add(Packet{Data: h.data, Line: h.first}, 1, 0)
	}
	h.data, h.bad = nil, false
}

func (h *hexParser) hexLine() {
	for h.at < len(h.line) && (h.line[h.at] == ' ' || h.line[h.at] == '\t') {
		h.at++
	}
	rest := h.line[h.at:]
	switch {
	case rest == "":
		h.flush()
		return
	case rest[0] == '#' || strings.HasPrefix(rest, "//"):
		return
	case strings.TrimSpace(rest) == "*":
		h.bad = true
		h.fail(h.at, h.at+1, "this line stands for lines that repeat the one above", "print them all: hexdump -v, od -v")
		return
	}
	offset, n := h.offset(rest)
	if h.tcpdump && (n == 0 || !strings.HasPrefix(rest, "0x")) {
		h.flush() // the line of tcpdump about the packet
		return
	}
	if n > 0 {
		if offset == 0 {
			h.flush()
		} else if offset != len(h.data) && !h.bad {
			h.bad = true
			h.fail(h.at, h.at+n, "this line is at "+itoa(offset)+", but "+itoa(len(h.data))+" bytes came before it", "is a line missing?")
		}
	}
	if len(h.data) == 0 && !h.bad {
		h.first = h.ln
	}
	end := len(h.line)
	if n > 0 && rest[n-1] != ':' && strings.HasSuffix(strings.TrimRight(rest, " "), "|") {
		end = h.at + strings.IndexByte(rest, '|') // the text column of hexdump -C
	}
	h.at += n
	if !h.bytes(end, n > 0 && end == len(h.line)) {
		h.bad = true
	}
}

// offset reads the offset at the start of a line and returns how long it is,
// with what ends it; 0 when the line has none.
func (h *hexParser) offset(s string) (offset, length int) {
	digitsAt := 0
	if strings.HasPrefix(s, "0x") {
		digitsAt = 2
	}
	n := digitsAt
	for n < len(s) && n < 18 && hexDigit(s[n]) <= 15 {
		offset = min(offset<<4|int(hexDigit(s[n])), 1<<30)
		n++
	}
	width := n - digitsAt
	if width < 4 || width > 8 {
		return 0, 0
	}
	switch tail := s[n:]; {
	case strings.HasPrefix(tail, ":"):
		return offset, n + 1
	case digitsAt > 0:
		return 0, 0
	case strings.HasPrefix(tail, "  "):
		return offset, n
	case tail == "" && offset == len(h.data) && offset > 0:
		return offset, n // the last line of hexdump and od
	case width >= 6 && len(tail) >= 3 && tail[0] == ' ' && hexDigit(tail[1]) <= 15 && hexDigit(tail[2]) <= 15 && (len(tail) == 3 || tail[3] == ' '):
		return offset, n // od -Ax -tx1
	}
	return 0, 0
}

// bytes reads pairs of digits up to end. With column, two blanks after the
// first word end them: a text column follows.
func (h *hexParser) bytes(end int, column bool) bool {
	words, pairs := 0, true
	for h.at < end {
		start := h.at
		for h.at < end && strings.IndexByte(" \t,;:{}\"\\", h.line[h.at]) >= 0 {
			h.at++
		}
		// There is one blank between groups; between pairs some have two in the middle.
		if column && words > 0 && h.at-start >= 2 && !(h.at-start == 2 && words == 8 && pairs) {
			return true
		}
		start = h.at
		for h.at < end && isWord(h.line[h.at]) {
			h.at++
		}
		word := h.line[start:h.at]
		if h.at == start {
			if h.at == end {
				return true
			}
			if h.line[h.at] == '#' {
				return true
			}
			h.fail(start, start+1, "expected hex digits", "")
			return false
		}
		if len(word) > 2 && word[0] == '0' && word[1]|0x20 == 'x' {
			word = word[2:]
		} else if len(word) > 1 && word[0] == 'x' {
			word = word[1:]
		}
		if len(word)%2 != 0 {
			h.fail(start, h.at, "expected pairs of hex digits", "a byte has two")
			return false
		}
		for i := 0; i < len(word); i += 2 {
			hi, lo := hexDigit(word[i]), hexDigit(word[i+1])
			if hi > 15 || lo > 15 {
				h.fail(start, h.at, "expected hex digits", "")
				return false
			}
			h.data = append(h.data, hi<<4|lo)
		}
		if len(h.data) > MaxData {
			h.fail(start, h.at, "a packet has at most "+itoa(MaxData)+" bytes", "a blank line ends a packet")
			return false
		}
		words++
		pairs = pairs && len(word) == 2
	}
	return true
}

// AppendHex appends bytes as hexdump -C prints them, which [ParseHex] reads.
func AppendHex(dst, b []byte) []byte {
	for off := 0; off < len(b); off += 16 {
		for shift := 28; shift >= 0; shift -= 4 {
			dst = append(dst, digits[off>>shift&15])
		}
		row := b[off:min(off+16, len(b))]
		for i := range 16 {
			if i%8 == 0 {
				dst = append(dst, ' ')
			}
			if i < len(row) {
				dst = append(dst, ' ', digits[row[i]>>4], digits[row[i]&15])
			} else {
				dst = append(dst, "   "...)
			}
		}
		dst = append(append(append(dst, "  |"...), printable(row)...), "|\n"...)
	}
	return dst
}

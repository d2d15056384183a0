package packet

import (
	"strconv"
	"strings"
)

// tcpFlags are the letters of tcpdump and the names of RFC 9293, from the
// lowest bit.
var tcpFlags = [8]struct {
	letter byte
	name   string
}{{'F', "FIN"}, {'S', "SYN"}, {'R', "RST"}, {'P', "PSH"}, {'A', "ACK"}, {'U', "URG"}, {'E', "ECE"}, {'W', "CWR"}}

// ipFlags are the flags of IPv4, from the lowest bit.
var ipFlags = [3]string{"MF", "DF", "RF"}

// parse writes a value into its field of a header. It returns what is wrong
// and what to do about it.
func (f *field) parse(hdr []byte, s string) (msg, hint string) {
	switch f.kind {
	case kMAC:
		if !parseMAC(f.bytes(hdr), s) {
			return "expected an Ethernet address", "as in 02:00:00:00:00:01"
		}
		return "", ""
	case kIP4, kIP6:
		if !parseIP(f.bytes(hdr), s) {
			if f.kind == kIP4 {
				return "expected an IPv4 address", "as in 10.0.0.1"
			}
			return "expected an IPv6 address", "as in fd00::1"
		}
		return "", ""
	case kTCP, kIPFlags:
		if v, ok := f.parseFlags(s); ok {
			f.set(hdr, v)
			return "", ""
		}
	}
	for _, n := range f.names {
		if strings.EqualFold(n.name, s) {
			f.set(hdr, n.value)
			return "", ""
		}
	}
	v, err := parseUint(s)
	if err {
		msg = "expected a number"
		switch {
		case f.kind == kTCP:
			msg, hint = "expected TCP flags", "letters as in SA, or SYN|ACK"
		case f.kind == kIPFlags:
			msg, hint = "expected IPv4 flags", "DF, MF or 0"
		case len(f.names) > 0:
			msg = "expected a number or a name"
			hint = didYouMean(s, func(yield func(string) bool) {
				for _, n := range f.names {
					if !yield(n.name) {
						return
					}
				}
			})
		}
		return msg, hint
	}
	if f.bits < 64 && v>>f.bits != 0 {
		return f.name + " has " + itoa(f.bits) + " bits", "it is at most " + strconv.FormatUint(1<<f.bits-1, 10)
	}
	f.set(hdr, v)
	return "", ""
}

func (f *field) parseFlags(s string) (v uint64, ok bool) {
	if f.kind == kIPFlags {
		for _, word := range strings.Split(s, "|") {
			n := -1
			for i, name := range ipFlags {
				if strings.EqualFold(name, word) {
					n = i
				}
			}
			if n < 0 {
				return 0, false
			}
			v |= 1 << n
		}
		return v, true
	}
	if s == "" {
		return 0, false
	}
	for _, word := range strings.Split(s, "|") {
		n := -1
		for i := range tcpFlags {
			if strings.EqualFold(tcpFlags[i].name, word) {
				n = i
			}
		}
		if n >= 0 {
			v |= 1 << n
			continue
		}
		for i := range len(word) {
			n = -1
			for k := range tcpFlags {
				if word[i] == tcpFlags[k].letter || word[i] == '.' && tcpFlags[k].letter == 'A' || word[i] == 'C' && tcpFlags[k].letter == 'W' {
					n = k
				}
			}
			if n < 0 {
				return 0, false
			}
			v |= 1 << n
		}
	}
	return v, true
}

// format is the value of a field for people, as [Parse] reads it.
func (f *field) format(hdr []byte) string {
	switch f.kind {
	case kMAC:
		return formatMAC(f.bytes(hdr))
	case kIP4, kIP6:
		return formatIP(f.bytes(hdr))
	}
	v := f.get(hdr)
	switch f.kind {
	case kTCP:
		var names []string
		for i := range tcpFlags {
			if v>>i&1 != 0 {
				names = append(names, tcpFlags[i].name)
			}
		}
		if len(names) > 0 {
			return strings.Join(names, "|")
		}
	case kIPFlags:
		var names []string
		for i := range ipFlags {
			if v>>i&1 != 0 {
				names = append(names, ipFlags[i])
			}
		}
		if len(names) > 0 {
			return strings.Join(names, "|")
		}
	case kHex:
		return hexNumber(v, (f.bits+3)/4)
	}
	return strconv.FormatUint(v, 10)
}

// name is the word for a value, or "".
func nameOf(names []named, v uint64) string {
	for _, n := range names {
		if n.value == v {
			return n.name
		}
	}
	return ""
}

func parseMAC(dst []byte, s string) bool {
	if strings.EqualFold(s, "broadcast") {
		for i := range dst {
			dst[i] = 0xff
		}
		return true
	}
	if len(s) != 17 {
		return false
	}
	var mac [6]byte
	for i := range mac {
		hi, lo := hexDigit(s[i*3]), hexDigit(s[i*3+1])
		if hi > 15 || lo > 15 || i < 5 && s[i*3+2] != ':' && s[i*3+2] != '-' {
			return false
		}
		mac[i] = hi<<4 | lo
	}
	copy(dst, mac[:])
	return true
}

func formatMAC(b []byte) string {
	out := make([]byte, 0, 17)
	for i, x := range b {
		if i > 0 {
			out = append(out, ':')
		}
		out = append(out, digits[x>>4], digits[x&15])
	}
	return string(out)
}

const digits = "0123456789abcdef"

// hexDigit is the value of a digit, or more than 15.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

func hexNumber(v uint64, width int) string {
	out := make([]byte, 2, 18)
	out[0], out[1] = '0', 'x'
	for i := width - 1; i >= 0; i-- {
		out = append(out, digits[v>>(4*i)&15])
	}
	return string(out)
}

func parseUint(s string) (uint64, bool) {
	var v uint64
	var err error
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
		v, err = strconv.ParseUint(s[2:], 16, 64)
	} else {
		v, err = strconv.ParseUint(s, 10, 64)
	}
	return v, err != nil
}

func itoa(n int) string { return strconv.Itoa(n) }

// didYouMean is a hint with the nearest of some names, or "".
func didYouMean(word string, names func(yield func(string) bool)) string {
	best, limit := "", min(len(word)/3+1, 3)
	names(func(n string) bool {
		if d := distance(word, n); d <= limit && (best == "" || d < limit) && d < len(word) {
			best, limit = n, d
		}
		return true
	})
	if best == "" {
		return ""
	}
	return "did you mean `" + best + "`?"
}

// distance is the number of inserted, removed and changed bytes between two
// short words, with a swap of neighbours counted once.
func distance(a, b string) int {
	if len(a) > 32 || len(b) > 32 {
		return 99
	}
	var rows [3][33]int
	prev2, prev, cur := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			d := prev[j-1]
			if a[i-1] != b[j-1] {
				d++
			}
			d = min(d, prev[j]+1, cur[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, prev2[j-2]+1)
			}
			cur[j] = d
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}

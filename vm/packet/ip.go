package packet

import (
	"strconv"
	"strings"
)

// Why not net/netip: it brings the packages unique and weak into the engine,
// 28 KB after brotli, for two functions.

// parseIP reads an address of len(dst) bytes, 4 or 16, in the forms of RFC
// 791 and RFC 4291 section 2.2. Zones are refused.
func parseIP(dst []byte, s string) bool {
	if len(dst) == 4 {
		return parseIP4(dst, s)
	}
	clear(dst)
	head, tail, gap := strings.Cut(s, "::")
	n, ok := parseGroups(dst, head)
	if !ok || gap && strings.Contains(head, ".") { // an IPv4 address comes last
		return false
	}
	if !gap {
		return n == 16
	}
	var rest [16]byte
	m, ok := parseGroups(rest[:], tail)
	if !ok || n+m > 14 || strings.Contains(tail, "::") { // :: stands for at least one group
		return false
	}
	copy(dst[16-m:], rest[:m])
	return true
}

// parseGroups reads groups of hex digits separated by colons, the last of
// which may be an IPv4 address, and returns how many bytes they are.
func parseGroups(dst []byte, s string) (n int, ok bool) {
	if s == "" {
		return 0, true
	}
	groups := strings.Split(s, ":")
	for i, g := range groups {
		if i == len(groups)-1 && strings.Contains(g, ".") {
			if n+4 > len(dst) || !parseIP4(dst[n:n+4], g) {
				return 0, false
			}
			return n + 4, true
		}
		v, err := strconv.ParseUint(g, 16, 16)
		if err != nil || len(g) > 4 || n+2 > len(dst) {
			return 0, false
		}
		dst[n], dst[n+1] = byte(v>>8), byte(v)
		n += 2
	}
	return n, true
}

func parseIP4(dst []byte, s string) bool {
	for i := range 4 {
		part, rest, more := strings.Cut(s, ".")
		v, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(part) > 1 && part[0] == '0' || more != (i < 3) {
			return false
		}
		dst[i], s = byte(v), rest
	}
	return true
}

// formatIP is the inverse of parseIP, IPv6 as RFC 5952 recommends it.
func formatIP(b []byte) string {
	switch len(b) {
	case 4:
		return string(appendIP4(nil, b))
	case 16:
	default:
		return ""
	}
	var out []byte
	group := func(i int) uint64 { return uint64(b[2*i])<<8 | uint64(b[2*i+1]) }
	// The longest run of at least two zero groups becomes "::".
	start, end := 8, 8
	for i := 0; i < 8; i++ {
		j := i
		for j < 8 && group(j) == 0 {
			j++
		}
		if j-i >= 2 && j-i > end-start {
			start, end = i, j
		}
		i = max(i, j-1)
	}
	mapped := start == 0 && end == 5 && group(5) == 0xffff // ::ffff:192.0.2.1
	for i := 0; i < 8; i++ {
		switch {
		case i == start:
			out = append(out, ':', ':')
			i = end - 1
			continue
		case i > 0 && i != end:
			out = append(out, ':')
		}
		if mapped && i == 6 {
			return string(appendIP4(out, b[12:]))
		}
		out = strconv.AppendUint(out, group(i), 16)
	}
	return string(out)
}

func appendIP4(out, b []byte) []byte {
	for i, c := range b {
		if i > 0 {
			out = append(out, '.')
		}
		out = strconv.AppendUint(out, uint64(c), 10)
	}
	return out
}

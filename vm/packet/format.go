package packet

import "strings"

// Format writes bytes in the language of [Parse], so that a packet from a file
// can be edited. It says only what differs from what Parse fills in; what the
// language cannot say is "hex:". Parse(Format(b)) always gives b back.
func Format(b []byte) string {
	if len(b) == 0 {
		return "zeros(0)"
	}
	for _, all := range [...]bool{false, true} {
		if s := format(b, all); s != "" {
			if pkts, errs := Parse(s); len(errs) == 0 && len(pkts) == 1 && string(pkts[0].Data) == string(b) {
				return s
			}
		}
	}
	return "hex: " + spaced(b)
}

func spaced(b []byte) string {
	out := make([]byte, 0, 3*len(b))
	for i, c := range b {
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, digits[c>>4], digits[c&15])
	}
	return string(out)
}

// filledIn are the fields that Parse works out.
func filledIn(s *spec, f *field) bool {
	switch f.name {
	case "len", "csum", "ihl":
		return true
	case "off":
		return s.name == "tcp"
	}
	return f.name == s.link
}

// format writes the layers, with all those fields too when asked.
func format(b []byte, all bool) string {
	d := &decoder{b: b, end: len(b), ip: -1}
	d.packet()
	var out []string
	at := 0
	for i, l := range d.layers {
		if !l.whole || l.start != at {
			break // the rest is a payload
		}
		if i > 0 && (d.layers[i-1].spec.name == "icmp" || d.layers[i-1].spec.name == "icmpv6") {
			break // the datagram that an error is about
		}
		end := min(l.end+tailLen(l, b), d.end)
		if i+1 < len(d.layers) {
			end = d.layers[i+1].start
		}
		s := formatLayer(l, b[l.start:l.end], all, i+1 < len(d.layers))
		switch tail := b[l.end:end]; {
		case len(tail) == 0:
		case l.spec.tail == "options":
			s = withArg(s, "options="+strings.ReplaceAll(spaced(tail), " ", ""))
		default:
			// A variable part that the language has no words for.
			s += " / " + formatPayload(tail)
		}
		out = append(out, s)
		at = end
	}
	if at < len(b) {
		out = append(out, formatPayload(b[at:]))
	}
	return strings.Join(out, " / ")
}

// tailLen is how long the options of the last header are.
func tailLen(l place, b []byte) int {
	switch l.spec.name {
	case "ipv4":
		return max(int(b[l.start]&15)*4-20, 0)
	case "tcp":
		return max(int(b[l.start+12]>>4)*4-20, 0)
	}
	return 0
}

func formatLayer(l place, hdr []byte, all, followed bool) string {
	init := []byte(l.spec.init)
	var args []string
	for i := range l.spec.fields {
		f := &l.spec.fields[i]
		if f.alias {
			continue
		}
		auto := filledIn(l.spec, f) && (f.name != l.spec.link || followed)
		if auto && !all || !auto && f.format(hdr) == f.format(init) {
			continue
		}
		v := f.format(hdr)
		if f.bits <= 64 {
			if n := nameOf(f.names, f.get(hdr)); n != "" {
				v = n
			}
		}
		args = append(args, f.name+"="+v)
	}
	if len(args) == 0 {
		return l.spec.name
	}
	return l.spec.name + "(" + strings.Join(args, ", ") + ")"
}

func withArg(s, arg string) string {
	if strings.HasSuffix(s, ")") {
		return s[:len(s)-1] + ", " + arg + ")"
	}
	return s + "(" + arg + ")"
}

func formatPayload(b []byte) string {
	zero := true
	for _, c := range b {
		zero = zero && c == 0
	}
	if zero && len(b) > 4 {
		return "zeros(" + itoa(len(b)) + ")"
	}
	out := []byte{'"'}
	for _, c := range b {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, '\\', 'n')
		case c == '\r':
			out = append(out, '\\', 'r')
		case c >= ' ' && c <= '~':
			out = append(out, c)
		default:
			return "raw(" + spaced(b) + ")"
		}
	}
	return string(append(out, '"'))
}

package helper

import "strconv"

const maxPrint = 1024 // MAX_BPRINTF_BUF

// format is the printf of programs (bpf_bprintf_prepare, bstr_printf): %d %i
// %u %x %X %c %s %p and the kernel's %pks, %pus, %pi4, %pI4, %pi6, %pI6, %pB,
// with flags, width and the l and ll sizes. False is EINVAL: a character,
// conversion or number of arguments that the kernel refuses.
func format(e Env, fmt string, args []uint64) (string, bool) {
	var out []byte
	next := 0
	for i := 0; i < len(fmt); i++ {
		ch := fmt[i]
		if ch < 0x20 && (ch < '\t' || ch > '\r') || ch == 0x7f {
			return "", false
		}
		if ch != '%' {
			out = append(out, ch)
			continue
		}
		i++
		if i == len(fmt) {
			return "", false
		}
		if fmt[i] == '%' {
			out = append(out, '%')
			continue
		}
		if next >= len(args) {
			return "", false
		}
		arg := args[next]
		next++
		s := spec{}
		i = s.parse(fmt, i)
		if i >= len(fmt) {
			return "", false
		}
		var ok bool
		switch fmt[i] {
		case 'p':
			out, i, ok = s.pointer(e, out, fmt, i, arg)
		case 's':
			ok = ends(fmt, i+1)
			out = s.pad(out, probeString(e, Kernel, arg))
		case 'c':
			ok = true
			out = s.pad(out, string([]byte{byte(arg)}))
		default:
			out, i, ok = s.number(out, fmt, i, arg)
		}
		if !ok {
			return "", false
		}
	}
	return string(out[:min(len(out), maxPrint-1)]), true
}

// spec is what stands between % and the conversion.
type spec struct {
	left, plus, space, zero bool
	width                   int
}

func (s *spec) parse(fmt string, i int) int {
	for ; i < len(fmt); i++ {
		switch fmt[i] {
		case '0':
			s.zero = true
		case '+':
			s.plus = true
		case '-':
			s.left = true
		case ' ':
			s.space = true
		default:
			for ; i < len(fmt) && fmt[i] >= '0' && fmt[i] <= '9'; i++ {
				s.width = min(s.width*10+int(fmt[i]-'0'), maxPrint)
			}
			return i
		}
	}
	return i
}

func (s *spec) pad(out []byte, text string) []byte {
	fill := func(b byte) {
		for n := s.width - len(text); n > 0; n-- {
			out = append(out, b)
		}
	}
	switch {
	case s.left:
		out = append(out, text...)
		fill(' ')
	case s.zero:
		if text != "" && (text[0] == '-' || text[0] == '+' || text[0] == ' ') {
			out = append(out, text[0])
			text = text[1:]
			s.width--
		}
		fill('0')
		out = append(out, text...)
	default:
		fill(' ')
		out = append(out, text...)
	}
	return out
}

func (s *spec) number(out []byte, fmt string, i int, arg uint64) ([]byte, int, bool) {
	wide := false
	for n := 0; n < 2 && i < len(fmt) && fmt[i] == 'l'; n++ {
		wide = true
		i++
	}
	if i >= len(fmt) {
		return nil, i, false
	}
	if !wide {
		arg = uint64(uint32(arg))
	}
	var text string
	switch fmt[i] {
	case 'd', 'i':
		v := int64(arg)
		if !wide {
			v = int64(int32(arg))
		}
		text = strconv.FormatInt(v, 10)
		switch {
		case v < 0:
		case s.plus:
			text = "+" + text
		case s.space:
			text = " " + text
		}
	case 'u':
		text = strconv.FormatUint(arg, 10)
	case 'x':
		text = strconv.FormatUint(arg, 16)
	case 'X':
		text = upper(strconv.FormatUint(arg, 16))
	default:
		return nil, i, false
	}
	return s.pad(out, text), i, true
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'a' && c <= 'f' {
			b[i] = c - 'a' + 'A'
		}
	}
	return string(b)
}

// pointer is %p and its extensions; i is at the p.
func (s *spec) pointer(e Env, out []byte, fmt string, i int, arg uint64) ([]byte, int, bool) {
	at := func(n int) byte {
		if i+n < len(fmt) {
			return fmt[i+n]
		}
		return 0
	}
	switch c := at(1); {
	case (c == 'k' || c == 'u') && at(2) == 's':
		space := Kernel
		if c == 'u' {
			space = User
		}
		return s.pad(out, probeString(e, space, arg)), i + 2, ends(fmt, i+3)
	case c == 'i' || c == 'I':
		n := map4or6(at(2))
		if n == 0 {
			return nil, i, false
		}
		var b [16]byte
		if !e.Probe(Kernel, arg, b[:n]) {
			clear(b[:]) // as the kernel does
		}
		return s.pad(out, address(b[:n], c == 'I')), i + 2, true
	case ends(fmt, i+1):
		return s.pad(out, hex16(arg)), i, true
	case c == 'K' || c == 'x' || c == 's' || c == 'S':
		return s.pad(out, hex16(arg)), i + 1, true
	case c == 'B':
		return s.pad(out, "0x"+strconv.FormatUint(arg, 16)), i + 1, true
	}
	return nil, i, false
}

// ends reports whether no letter or digit follows at i.
func ends(fmt string, i int) bool {
	if i >= len(fmt) {
		return true
	}
	c := fmt[i]
	return c == ' ' || c >= '\t' && c <= '\r' || punct(c)
}

func map4or6(c byte) int {
	switch c {
	case '4':
		return 4
	case '6':
		return 16
	}
	return 0
}

func punct(c byte) bool {
	return c > ' ' && c < 0x7f && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
}

func hex16(v uint64) string {
	s := strconv.FormatUint(v, 16)
	return "0000000000000000"[:16-len(s)] + s
}

// address prints an IP address: %pI4 1.2.3.4, %pi4 001.002.003.004, %pI6 with
// colons, %pi6 without.
func address(b []byte, colons bool) string {
	var out []byte
	if len(b) == 4 {
		for i, x := range b {
			if i > 0 {
				out = append(out, '.')
			}
			d := strconv.Itoa(int(x))
			if !colons {
				d = "000"[:3-len(d)] + d
			}
			out = append(out, d...)
		}
		return string(out)
	}
	const hex = "0123456789abcdef"
	for i, x := range b {
		if colons && i > 0 && i%2 == 0 {
			out = append(out, ':')
		}
		out = append(out, hex[x>>4], hex[x&15])
	}
	return string(out)
}

// probeString reads a string of simulated kernel or user memory, cut at the
// size of the kernel's buffer.
func probeString(e Env, space Space, addr uint64) string {
	var out []byte
	var b [1]byte
	for len(out) < 512 && e.Probe(space, addr+uint64(len(out)), b[:]) && b[0] != 0 {
		out = append(out, b[0])
	}
	return string(out)
}

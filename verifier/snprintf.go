package verifier

// checkSnprintf checks the constant format of bpf_snprintf
// (check_bpf_snprintf_call).
func (e *env) checkSnprintf() errno {
	regs := e.regs()
	n := regs[5].VarOff.Value
	if n%8 != 0 {
		return einval
	}
	r := &regs[3]
	m := e.mapOf(r.mapHandle())
	off := int(r.Off) + int(r.VarOff.Value)
	var format []byte
	if off >= 0 && off < len(m.Data) {
		format = m.Data[off:]
	}
	for i, c := range format {
		if c == 0 {
			format = format[:i]
			break
		}
	}
	if err := checkFormat(format, int(n/8)); err != 0 {
		e.logs("Invalid format string\n")
		return err
	}
	return 0
}

// checkFormat is what bpf_bprintf_prepare accepts with that many arguments.
func checkFormat(f []byte, args int) errno {
	used := 0
	at := func(i int) byte {
		if i < len(f) {
			return f[i]
		}
		return 0
	}
	for i := 0; i < len(f); i++ {
		c := f[i]
		if c < 0x80 && !printable(c) && !isSpace(c) {
			return einval
		}
		if c != '%' {
			continue
		}
		if at(i+1) == '%' {
			i++
			continue
		}
		if used >= args {
			return einval
		}
		i++
		if at(i) >= 0x80 {
			return einval
		}
		// Width and flags.
		for c := at(i); c == '0' || c == '+' || c == '-' || c == ' '; c = at(i) {
			i++
		}
		for c := at(i); c >= '1' && c <= '9'; {
			for c = at(i); c >= '0' && c <= '9'; c = at(i) {
				i++
			}
		}
		switch at(i) {
		case 'p':
			switch at(i + 1) {
			case 'k', 'u':
				if at(i+2) != 's' || !endsSpec(at(i+3)) {
					return einval
				}
				i += 2
			case 'K', 'x', 's', 'S', 'B':
				i++
			case 'i', 'I':
				if c := at(i + 2); c != '4' && c != '6' {
					return einval
				}
				i += 2
			default:
				if !endsSpec(at(i + 1)) {
					return einval
				}
			}
		case 's':
			if !endsSpec(at(i + 1)) {
				return einval
			}
		case 'c':
		case 'l':
			i++
			if at(i) == 'l' {
				i++
			}
			if !intVerb(at(i)) {
				return einval
			}
		default:
			if !intVerb(at(i)) {
				return einval
			}
		}
		used++
	}
	return 0
}

// endsSpec reports whether c may follow a string's or pointer's specifier.
func endsSpec(c byte) bool { return c == 0 || isSpace(c) || punct(c) }

func printable(c byte) bool { return c >= 0x20 && c < 0x7f }

func punct(c byte) bool {
	return printable(c) && c != ' ' && !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z')
}

func intVerb(c byte) bool {
	switch c {
	case 'i', 'd', 'u', 'x', 'X':
		return true
	}
	return false
}

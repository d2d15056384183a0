package packet

import "strings"

// hexUntil reads pairs of hex digits, with or without blanks and colons, up to
// a byte that ends them (a bracket always does) or, with 0, to a setting.
func (p *parser) hexUntil(end byte) ([]byte, bool) {
	var out []byte
	for p.at < len(p.line) {
		c := p.line[p.at]
		switch {
		case c == ' ' || c == '\t' || c == ':' || c == '_':
			p.at++
			continue
		case c == '#' || c == ')' || c == ',' || c == end:
			return out, true
		}
		start := p.at
		word := p.word()
		if end == 0 && len(out) > 0 && (p.peek() == '=' || len(word) > 1 && word[0] == 'x') {
			p.at = start
			return out, true
		}
		word = strings.TrimPrefix(strings.TrimPrefix(word, "0x"), "0X")
		if word == "" || len(word)%2 != 0 {
			return nil, p.fail(start, max(p.at, start+1), "expected pairs of hex digits", "")
		}
		for i := 0; i < len(word); i += 2 {
			hi, lo := hexDigit(word[i]), hexDigit(word[i+1])
			if hi > 15 || lo > 15 {
				return nil, p.fail(start, p.at, "expected hex digits", "")
			}
			out = append(out, hi<<4|lo)
		}
		if len(out) > MaxData {
			return nil, p.fail(start, p.at, "a packet has at most "+itoa(MaxData)+" bytes", "")
		}
	}
	return out, true
}

// str reads a string in double quotes with \n \r \t \0 \\ \" and \xNN.
func (p *parser) str() ([]byte, bool) {
	start := p.at
	var out []byte
	for p.at++; p.at < len(p.line); p.at++ {
		c := p.line[p.at]
		switch c {
		case '"':
			p.at++
			return out, true
		case '\\':
			p.at++
			switch p.peek() {
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case '0':
				c = 0
			case '\\', '"':
				c = p.peek()
			case 'x':
				hi, lo := byte(255), byte(255)
				if p.at+2 < len(p.line) {
					hi, lo = hexDigit(p.line[p.at+1]), hexDigit(p.line[p.at+2])
				}
				if hi > 15 || lo > 15 {
					return nil, p.fail(p.at-1, p.at+3, "expected two hex digits after \\x", "")
				}
				c = hi<<4 | lo
				p.at += 2
			default:
				return nil, p.fail(p.at-1, p.at+1, "unknown escape", `they are \n \r \t \0 \\ \" and \x41`)
			}
		}
		out = append(out, c)
	}
	return nil, p.fail(start, len(p.line), "the string is not closed", `end it with "`)
}

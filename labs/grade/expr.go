package grade

import (
	"strconv"
	"strings"
)

// comparison is LEFT OP RIGHT.
type comparison struct {
	left, right sum
	op          string
	star        string // the map whose every entry is meant, "" for none
	text        string // as written
}

// sum is terms added and subtracted.
type sum []part

type part struct {
	minus bool
	term  term
}

type termKind uint8

const (
	termNumber termKind = iota
	termText
	termName // a counter, or a list of lines
	termCall // name(args)
	termCell // name[key]@cpuN.field
)

type term struct {
	kind  termKind
	name  string
	num   int64
	text  string
	args  []sum
	key   key
	cpu   int // -1: all of them, added up
	field string
}

// key is the bytes of a map key, or "every entry".
type key struct {
	star  bool
	parts []keyPart
}

// keyPart is a number or text with its size; size 0 takes the key's own.
type keyPart struct {
	num  uint64
	text string
	str  bool
	big  bool // network byte order
	size int
	raw  []byte
	call *term // arg(1, uid): the number or text is this
}

// bytes makes the key of a map whose keys have size bytes; ok is false when
// the parts do not fill it.
func (k key) bytes(size int) (b []byte, ok bool) {
	for _, p := range k.parts {
		n := p.size
		if n == 0 {
			n = size - len(b)
		}
		if n < 0 || n > 512 {
			return nil, false
		}
		switch {
		case p.raw != nil:
			b = append(b, p.raw...)
		case p.str:
			if len(p.text) > n {
				return nil, false
			}
			b = append(append(b, p.text...), make([]byte, n-len(p.text))...)
		default:
			for i := range n {
				shift := 8 * i
				if p.big {
					shift = 8 * (n - 1 - i)
				}
				if shift < 64 {
					b = append(b, byte(p.num>>shift))
				} else {
					b = append(b, 0)
				}
			}
		}
	}
	return b, len(b) == size
}

// parser reads one expression. Columns are bytes from 1 in the line.
type parser struct {
	line string
	at   int
	deep int
}

// bad is where and what of an expression that cannot be read.
type bad struct {
	col int
	msg string
}

func (p *parser) fail(msg string) *bad { return &bad{p.at + 1, msg} }

func (p *parser) space() {
	for p.at < len(p.line) && (p.line[p.at] == ' ' || p.line[p.at] == '\t') {
		p.at++
	}
}

func (p *parser) eat(s string) bool {
	p.space()
	if strings.HasPrefix(p.line[p.at:], s) {
		p.at += len(s)
		return true
	}
	return false
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func (p *parser) word() string {
	p.space()
	from := p.at
	if p.at+1 < len(p.line) && p.line[p.at] == '.' && p.line[p.at+1]|0x20 >= 'a' && p.line[p.at+1]|0x20 <= 'z' {
		p.at++ // .bss, .rodata.x: a map of global variables
	}
	for p.at < len(p.line) && wordByte(p.line[p.at]) {
		p.at++
	}
	return p.line[from:p.at]
}

var operators = [...]string{"==", "!=", "<=", ">=", "~=", "<", ">"}

func (p *parser) comparison() (c comparison, b *bad) {
	from := p.at
	if c.left, b = p.sum(); b != nil {
		return c, b
	}
	for _, op := range operators {
		if p.eat(op) {
			c.op = op
			break
		}
	}
	if c.op == "" {
		return c, p.fail("a comparison is needed here: one of == != < <= > >= ~=")
	}
	if c.right, b = p.sum(); b != nil {
		return c, b
	}
	c.text = strings.TrimSpace(p.line[from:p.at])
	for _, s := range []sum{c.left, c.right} {
		for _, t := range s {
			if t.term.kind == termCell && t.term.key.star {
				if c.star != "" && c.star != t.term.name {
					return c, p.fail("only one map can be meant with [*] in a comparison")
				}
				c.star = t.term.name
			}
		}
	}
	return c, nil
}

func (p *parser) sum() (sum, *bad) {
	var s sum
	minus := p.eat("-")
	for {
		t, b := p.term()
		if b != nil {
			return nil, b
		}
		s = append(s, part{minus, t})
		switch {
		case p.eat("+"):
			minus = false
		case p.eat("-"):
			minus = true
		default:
			return s, nil
		}
	}
}

func (p *parser) term() (term, *bad) {
	p.space()
	if p.at >= len(p.line) {
		return term{}, p.fail("a value is missing: a number, \"text\", a map such as counts[u32 1], or a counter such as insns_processed")
	}
	if p.line[p.at] == '"' {
		s, b := p.quoted()
		return term{kind: termText, text: s}, b
	}
	from := p.at
	w := p.word()
	if w == "" {
		return term{}, p.fail("a value cannot begin with " + strconv.Quote(p.line[p.at:p.at+1]))
	}
	if w[0] >= '0' && w[0] <= '9' {
		n, err := parseInt(w)
		if err != nil {
			p.at = from
			return term{}, p.fail(strconv.Quote(w) + " is not a number")
		}
		return term{kind: termNumber, num: n}, nil
	}
	if w == "map" { // "map counts[...]" reads well and means the same
		if next := p.word(); next != "" {
			w = next
		}
	}
	switch {
	case p.eat("("):
		return p.call(w)
	case p.at < len(p.line) && p.line[p.at] == '[':
		p.at++
		return p.cell(w)
	}
	if n, ok := constant(w); ok {
		return term{kind: termNumber, num: n}, nil
	}
	if !isName(w) {
		p.at = from
		return term{}, p.fail("unknown name " + strconv.Quote(w) + "; a map needs a key: " + w + "[...], or len(" + w + ")")
	}
	return term{kind: termName, name: w}, nil
}

func (p *parser) call(name string) (term, *bad) {
	t := term{kind: termCall, name: name}
	f := function(name)
	if f == nil {
		return t, p.fail("unknown function " + strconv.Quote(name) + "; there are len, sum, min, max, events, fired, ret, result, steps, packet, printk, arg, lost_updates")
	}
	if p.deep++; p.deep > 8 {
		return t, p.fail("functions are nested too deep")
	}
	defer func() { p.deep-- }()
	for !p.eat(")") {
		if len(t.args) > 0 && !p.eat(",") {
			return t, p.fail("a , or ) is missing")
		}
		if f.named && len(t.args) == f.nameAt {
			from := p.at
			w := p.word()
			if w == "" || w[0] >= '0' && w[0] <= '9' {
				p.at = from
				if !f.nameOptional {
					return t, p.fail(name + " takes a name: " + f.form)
				}
			} else {
				t.args = append(t.args, sum{{term: term{kind: termText, text: w}}})
				continue
			}
		}
		s, b := p.sum()
		if b != nil {
			return t, b
		}
		t.args = append(t.args, s)
	}
	if len(t.args) < f.min || len(t.args) > f.max {
		return t, p.fail(name + " is written " + f.form)
	}
	return t, nil
}

// cell reads what follows the [ of name[key]@cpuN.field.
func (p *parser) cell(name string) (term, *bad) {
	t := term{kind: termCell, name: name, cpu: -1}
	if p.eat("*") {
		t.key.star = true
	} else {
		for {
			k, b := p.keyPart()
			if b != nil {
				return t, b
			}
			t.key.parts = append(t.key.parts, k)
			if !p.eat(",") {
				break
			}
		}
	}
	if !p.eat("]") {
		return t, p.fail("a ] is missing after the key")
	}
	if strings.HasPrefix(p.line[p.at:], "@cpu") {
		p.at += len("@cpu")
		n, err := strconv.Atoi(p.word())
		if err != nil || n < 0 || n > 255 {
			return t, p.fail("a CPU is written @cpu0")
		}
		t.cpu = n
	}
	if p.at < len(p.line) && p.line[p.at] == '.' {
		p.at++
		if t.field = p.word(); t.field == "" {
			return t, p.fail("the name of a field is missing")
		}
	}
	return t, nil
}

// sizes of the typed parts of a key.
var keyTypes = [...]struct {
	name string
	size int
	big  bool
}{
	{"u8", 1, false}, {"u16", 2, false}, {"u32", 4, false}, {"u64", 8, false},
	{"be16", 2, true}, {"be32", 4, true}, {"be64", 8, true},
}

func (p *parser) keyPart() (keyPart, *bad) {
	var k keyPart
	p.space()
	if p.at < len(p.line) && p.line[p.at] == '"' {
		s, b := p.quoted()
		return keyPart{text: s, str: true}, b
	}
	from := p.at
	w := p.word()
	switch w {
	case "ip":
		p.space()
		at := p.at
		for p.at < len(p.line) && (p.line[p.at] == '.' || p.line[p.at] >= '0' && p.line[p.at] <= '9') {
			p.at++
		}
		raw := parseIP(p.line[at:p.at])
		if raw == nil {
			p.at = at
			return k, p.fail("an address is written ip 192.0.2.1")
		}
		return keyPart{raw: raw, size: 4}, nil
	case "hex":
		raw, ok := decodeHex(p.word())
		if !ok || len(raw) == 0 {
			return k, p.fail("bytes are written hex 0a1b2c")
		}
		return keyPart{raw: raw, size: len(raw)}, nil
	}
	for _, kt := range keyTypes {
		if kt.name == w {
			k.size, k.big = kt.size, kt.big
			p.space()
			from = p.at
			w = ""
		}
	}
	neg := false
	if w == "" {
		neg = p.eat("-")
		w = p.word()
	}
	if w == "arg" && p.eat("(") {
		t, b := p.call(w)
		k.call = &t
		return k, b
	}
	n, err := parseInt(w)
	if err != nil {
		if c, ok := constant(w); ok {
			n, err = c, nil
		}
	}
	if err != nil {
		p.at = from
		return k, p.fail("a key is written as a number, u32 1000, \"text\", ip 192.0.2.1, hex 0a1b, u32 arg(1, uid), several with commas, or *")
	}
	if neg {
		n = -n
	}
	k.num = uint64(n)
	return k, nil
}

func (p *parser) quoted() (string, *bad) {
	rest := p.line[p.at:]
	lit, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return "", p.fail("the text that begins here has no end: a \" is missing")
	}
	s, err := strconv.Unquote(lit)
	if err != nil {
		return "", p.fail("the text is not well formed")
	}
	p.at += len(lit)
	return s, nil
}

// parseInt takes every 64-bit number, signed or not: values are compared as
// what a signed 64-bit register holds.
func parseInt(w string) (int64, error) {
	if n, err := strconv.ParseInt(w, 0, 64); err == nil {
		return n, nil
	}
	n, err := strconv.ParseUint(w, 0, 64)
	return int64(n), err
}

func parseIP(s string) []byte {
	var b []byte
	for _, f := range strings.Split(s, ".") {
		n, err := strconv.ParseUint(f, 10, 8)
		if err != nil {
			return nil
		}
		b = append(b, byte(n))
	}
	if len(b) != 4 {
		return nil
	}
	return b
}

package packet

import (
	"runtime"
	"strconv"
	"strings"
)

// Parse reads packets in the language of this package, one a line:
//
//	line    = packet { setting } | "hex:" digits { setting }
//	packet  = layer { "/" layer }
//	layer   = NAME [ "(" field "=" VALUE { "," field "=" VALUE } ")" ]
//	        | STRING | "raw(" HEX ")" | "zeros(" N ")"
//	setting = "x" N             so many times
//	        | "t=" TIME         when: 5ms; with "+", after the packet before it
//	        | "cpu=" N | "ifindex=" N | "queue=" N
//	        | NAME "=" VALUE    kept for a test, see [Attr]
//
// Layers are eth, vlan, arp, ipv4, ipv6, tcp, udp, icmp, icmpv6, gre, dns, and
// the IPv6 extensions hopopts, routing, dstopts and frag; their fields are in
// spec.go. Everything has a default: a packet that begins above Ethernet gets
// the layers below it, and lengths, checksums and the numbers of what follows
// are filled in unless they are given. "#" and "//" start a comment.
//
//	udp(dport=53) / "hello"
//	eth(dst=broadcast) / arp(op=request, tpa=10.0.0.9)
//	ipv4(src=10.0.0.7, ttl=1) / tcp(dport=80, flags=SA) x3 t=+10ms cpu=1
//
// With errors it returns the packets of the lines that are right.
func Parse(src string) ([]Packet, []Error) {
	p := &parser{}
	if len(src) > MaxSource {
		p.errs = append(p.errs, Error{Line: 1, Col: 1, Msg: "the text is longer than " + itoa(MaxSource) + " bytes"})
		return nil, p.errs
	}
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
		p.packet()
	}
	return p.pkts, p.errs
}

type parser struct {
	line  string
	ln    int // number of the line
	at    int // next byte
	time  int64
	total int // bytes of all packets
	pkts  []Packet
	errs  []Error
	full  bool // a limit is reached
}

// layer is a header or a payload on its way to bytes.
type layer struct {
	spec *spec  // nil for a payload
	data []byte // header, or payload
	tail []byte // variable part of the header
	set  uint32 // fields that the text gives
	col  int    // where it is, and
	len  int    // how long, for errors
}

func (l *layer) has(name string) bool {
	n := l.spec.field(name)
	return n >= 0 && l.set>>n&1 != 0
}

// fail records an error about line[from:to].
func (p *parser) fail(from, to int, msg, hint string) bool {
	if len(p.errs) >= MaxErrors {
		p.full = true
		return false
	}
	from = min(from, len(p.line))
	to = min(max(from, to), len(p.line))
	p.errs = append(p.errs, Error{p.ln, from + 1, to - from, p.line[from:to], msg, hint})
	return false
}

// blanks skips blanks and a comment.
func (p *parser) blanks() {
	for p.at < len(p.line) && (p.line[p.at] == ' ' || p.line[p.at] == '\t') {
		p.at++
	}
	if strings.HasPrefix(p.line[p.at:], "#") || strings.HasPrefix(p.line[p.at:], "//") {
		p.at = len(p.line)
	}
}

func (p *parser) peek() byte {
	if p.at < len(p.line) {
		return p.line[p.at]
	}
	return 0
}

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// word reads letters, digits and underscores.
func (p *parser) word() string {
	start := p.at
	for p.at < len(p.line) && isWord(p.line[p.at]) {
		p.at++
	}
	return p.line[start:p.at]
}

// packet reads a line.
func (p *parser) packet() bool {
	p.blanks()
	if p.at == len(p.line) {
		return true
	}
	var layers []layer
	if rest := p.line[p.at:]; strings.HasPrefix(rest, "hex:") {
		p.at += len("hex:")
		start := p.at
		data, ok := p.hexUntil(0)
		if !ok {
			return false
		}
		if len(data) == 0 {
			return p.fail(start, start, "expected bytes in hex", "as in hex: 02 00 00 00 00 02")
		}
		layers = []layer{{data: data}}
	} else {
		for {
			p.blanks()
			if len(layers) == MaxLayers {
				return p.fail(p.at, p.at+1, "a packet has at most "+itoa(MaxLayers)+" layers", "")
			}
			l, ok := p.layer()
			if !ok {
				return false
			}
			layers = append(layers, l)
			p.blanks()
			if p.peek() != '/' {
				break
			}
			p.at++
		}
	}
	pkt := Packet{Line: p.ln}
	times, step, ok := p.settings(&pkt)
	if !ok {
		return false
	}
	data, ok := p.build(layers)
	if !ok {
		return false
	}
	pkt.Data = data
	return p.add(pkt, times, step)
}

// layer reads a layer with its fields.
func (p *parser) layer() (l layer, ok bool) {
	start := p.at
	l.col = start
	if p.peek() == '"' {
		l.data, ok = p.str()
		l.len = p.at - start
		return l, ok
	}
	name := p.word()
	l.len = len(name)
	switch {
	case name == "":
		return l, p.fail(start, start+1, "expected a layer", "as in ipv4(ttl=3), or a payload in quotes")
	case name == "raw" || name == "hex":
		if !p.open(name) {
			return l, false
		}
		if l.data, ok = p.hexUntil(')'); !ok {
			return l, false
		}
		return l, p.close()
	case name == "zeros":
		if !p.open(name) {
			return l, false
		}
		from := p.at
		n, err := strconv.Atoi(strings.TrimSpace(p.value()))
		if err != nil || n < 0 || n > MaxData {
			return l, p.fail(from, p.at, "expected a number of bytes, at most "+itoa(MaxData), "as in zeros(100)")
		}
		l.data = make([]byte, n)
		return l, p.close()
	}
	if name == "ip" || name == "ip6" || name == "icmp6" { // tcpdump's words
		name = map3(name, "ip", "ipv4", "ip6", "ipv6", "icmp6", "icmpv6")
	}
	l.spec = specByName(name)
	if l.spec == nil {
		hint := didYouMean(name, layerNames)
		if hint == "" {
			hint = "they are eth vlan arp ipv4 ipv6 tcp udp icmp icmpv6 gre dns raw zeros and a string"
		}
		return l, p.fail(start, p.at, "unknown layer `"+name+"`", hint)
	}
	l.data = []byte(l.spec.init)
	if p.blanks(); p.peek() != '(' {
		return l, true
	}
	p.at++
	if p.blanks(); p.peek() == ')' {
		p.at++
		return l, true
	}
	for {
		if !p.field(&l) {
			return l, false
		}
		if p.blanks(); p.peek() == ',' {
			p.at++
			continue
		}
		return l, p.close()
	}
}

func map3(s string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == s {
			return pairs[i+1]
		}
	}
	return s
}

func layerNames(yield func(string) bool) {
	for i := range specs {
		if !yield(specs[i].name) {
			return
		}
	}
	_ = yield("raw") && yield("zeros")
}

func (p *parser) open(name string) bool {
	if p.blanks(); p.peek() != '(' {
		return p.fail(p.at, p.at+1, "expected `(` after "+name, "")
	}
	p.at++
	return true
}

func (p *parser) close() bool {
	if p.blanks(); p.peek() != ')' {
		return p.fail(p.at, p.at+1, "expected `,` or `)`", "")
	}
	p.at++
	return true
}

// value reads up to a blank, a comma, a bracket or the end. A value in quotes
// loses them.
func (p *parser) value() string {
	start := p.at
	for p.at < len(p.line) {
		switch p.line[p.at] {
		case ' ', '\t', ',', ')', '(':
			return p.line[start:p.at]
		}
		p.at++
	}
	return p.line[start:p.at]
}

// field reads "ttl=3" into the layer.
func (p *parser) field(l *layer) bool {
	p.blanks()
	start := p.at
	name := p.word()
	end := p.at
	if name == "" {
		return p.fail(start, start+1, "expected a field of "+l.spec.name, "as in "+l.spec.name+"("+l.spec.fields[0].name+"=...)")
	}
	n := l.spec.field(name)
	if n < 0 && name != l.spec.tail && !(l.spec.name == "dns" && name == "type") {
		hint := didYouMean(name, func(yield func(string) bool) {
			for i := range l.spec.fields {
				if !yield(l.spec.fields[i].name) {
					return
				}
			}
		})
		if hint == "" {
			hint = l.spec.name + " has"
			for i := range l.spec.fields {
				hint += " " + l.spec.fields[i].name
			}
		}
		return p.fail(start, end, l.spec.name+" has no field `"+name+"`", hint)
	}
	if p.blanks(); p.peek() != '=' {
		return p.fail(p.at, p.at+1, "expected `=` after "+name, "")
	}
	p.at++
	p.blanks()
	start = p.at
	if n < 0 {
		return p.tail(l, name)
	}
	v := p.value()
	if msg, hint := l.spec.fields[n].parse(l.data, v); msg != "" {
		return p.fail(start, p.at, msg, hint)
	}
	l.set |= 1 << n
	return true
}

// tail reads the variable part of a header: options in hex, or a DNS name.
func (p *parser) tail(l *layer, name string) bool {
	start := p.at
	if l.spec.name == "dns" {
		v := p.value()
		if name == "type" {
			t := uint64(0)
			for _, n := range dnsTypes {
				if strings.EqualFold(n.name, v) {
					t = n.value
				}
			}
			if t == 0 {
				var bad bool
				if t, bad = parseUint(v); bad || t > 0xffff {
					return p.fail(start, p.at, "expected a DNS type", "as in A, AAAA or MX")
				}
			}
			if len(l.tail) < 5 {
				return p.fail(start, p.at, "the name comes before the type", "dns(name=example.com, type=AAAA)")
			}
			l.tail[len(l.tail)-4], l.tail[len(l.tail)-3] = byte(t>>8), byte(t)
			return true
		}
		l.tail = l.tail[:0]
		if v = strings.TrimSuffix(v, "."); v != "" {
			for _, label := range strings.Split(v, ".") {
				if label == "" || len(label) > 63 || len(l.tail) > 250 {
					return p.fail(start, p.at, "`"+v+"` is no DNS name", "labels have 1 to 63 bytes, a name 255")
				}
				l.tail = append(append(l.tail, byte(len(label))), label...)
			}
		}
		l.tail = append(l.tail, 0, 0, 1, 0, 1)
		l.data[5] = 1 // qd
		return true
	}
	opts, ok := p.hexUntil(',')
	if !ok {
		return false
	}
	if len(opts) > 40 {
		return p.fail(start, p.at, "a header has at most 40 bytes of options", "")
	}
	for len(opts)%4 != 0 {
		opts = append(opts, 0)
	}
	l.tail = opts
	return true
}

package world

import (
	"strconv"
	"strings"

	"skep/vm/packet"
)

// Parse reads a list of events, one a line. With errors the events are those
// of the lines that are right.
func Parse(text string) ([]Event, []Error) {
	if len(text) > MaxSource {
		return nil, []Error{{Line: 1, Col: 1, Len: 1, Msg: "the list of events is longer than 1 MiB"}}
	}
	var p parser
	total := 0
	for line := range strings.SplitSeq(text, "\n") {
		p.no++
		p.line, p.at = line, 0
		e, ok := p.event()
		if len(p.errs) >= maxErrors {
			break
		}
		if !ok {
			continue
		}
		for i := range e {
			if total += max(e[i].Count, 1); total > MaxEvents {
				p.fail(0, len(line), "there are more than 100,000 events", "repeat fewer times")
				return p.events, p.errs
			}
		}
		p.events = append(p.events, e...)
	}
	return p.events, p.errs
}

type parser struct {
	events []Event
	errs   []Error
	line   string
	no     int // of the line, from 1
	at     int
}

func (p *parser) fail(from, to int, msg, hint string) bool {
	to = min(max(to, from+1), max(len(p.line), from+1))
	e := Error{Line: p.no, Col: from + 1, Len: to - from, Msg: msg, Hint: hint}
	if to <= len(p.line) {
		e.Word = p.line[from:to]
	}
	p.errs = append(p.errs, e)
	return false
}

func (p *parser) blanks() {
	for p.at < len(p.line) && (p.line[p.at] == ' ' || p.line[p.at] == '\t' || p.line[p.at] == '\r') {
		p.at++
	}
}

// end says whether nothing but a comment is left.
func (p *parser) end() bool {
	p.blanks()
	return p.at >= len(p.line) || p.line[p.at] == '#'
}

func (p *parser) eat(c byte) bool {
	if p.at < len(p.line) && p.line[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) word() string {
	from := p.at
	for p.at < len(p.line) && wordByte(p.line[p.at]) {
		p.at++
	}
	return p.line[from:p.at]
}

// event reads a line: one event, or those that a line of the packet language
// makes.
func (p *parser) event() ([]Event, bool) {
	if p.end() {
		return nil, false
	}
	e := Event{Line: p.no, Count: 1}
	start := p.at
	verb := p.word()
	if verb == "cpu" {
		p.blanks()
		from := p.at
		n, colon := strings.CutSuffix(p.word(), ":")
		if p.blanks(); !colon {
			colon = p.eat(':')
		}
		cpu, err := strconv.ParseUint(n, 10, 8)
		if err != nil || !colon {
			return nil, p.fail(from, p.at, "expected the number of a CPU and a colon", "as in: cpu 1: exec path=/bin/true")
		}
		e.CPU = uint32(cpu)
		p.blanks()
		start = p.at
		verb = p.word()
	}
	v := verbOf(verb)
	if v == nil {
		return nil, p.fail(start, p.at, "there is no event "+strconv.Quote(verb), suggestVerb(verb))
	}
	e.Verb = v.Name
	if v.Name == "pkt" {
		return p.packets(e)
	}
	if v.call && !p.call(&e, v) {
		return nil, false
	}
	if !p.args(&e, v) {
		return nil, false
	}
	return []Event{e}, true
}

// packets reads the rest of the line as packets.
func (p *parser) packets(e Event) ([]Event, bool) {
	p.blanks()
	from := p.at
	text := strings.TrimRight(p.line[from:], " \t\r")
	pkts, errs := packet.Parse(text)
	if len(errs) > 0 {
		if hex, bad := packet.ParseHex(text); len(bad) == 0 && len(hex) > 0 {
			pkts, errs = hex, nil
		}
	}
	for _, err := range errs {
		err.Line, err.Col = p.no, err.Col+from
		p.errs = append(p.errs, err)
	}
	if len(errs) > 0 {
		return nil, false
	}
	if len(pkts) == 0 {
		return nil, p.fail(from, from+1, "expected a packet", "as in: pkt ipv4 / icmp")
	}
	var out []Event
	for i := range pkts {
		e.Packet = pkts[i]
		e.source = packet.Format(pkts[i].Data)
		if pkts[i].CPU > 0 {
			e.CPU = uint32(pkts[i].CPU)
		}
		for _, a := range pkts[i].Attrs {
			e.source += " " + a.Name + "=" + a.Value
		}
		out = append(out, e)
	}
	return out, true
}

// call reads NAME(value, ...).
func (p *parser) call(e *Event, v *Verb) bool {
	p.blanks()
	from := p.at
	name := p.word()
	if name == "" || !p.eat('(') {
		return p.fail(from, p.at, "expected a function and its arguments in parentheses", "as in: "+v.Example)
	}
	e.Args = append(e.Args, Arg{Name: "fn", Value: name})
	for {
		if p.blanks(); p.eat(')') {
			return true
		}
		if len(e.Call) > 0 && !p.eat(',') {
			return p.fail(p.at, p.at+1, "expected `,` or `)`", "")
		}
		p.blanks()
		a, ok := p.value("")
		if !ok {
			return false
		}
		if len(e.Call) >= 12 {
			return p.fail(p.at, p.at+1, "a function has at most 12 arguments", "")
		}
		e.Call = append(e.Call, a)
	}
}

// args reads values and the repetition.
func (p *parser) args(e *Event, v *Verb) bool {
	free := v.positional()
	if v.call {
		free = free[1:]
	}
	for !p.end() {
		from := p.at
		if n, ok := p.times(); ok {
			if e.Count = n; n < 1 || n > MaxEvents {
				return p.fail(from, p.at, "an event can be repeated 1 to 100,000 times", "")
			}
			continue
		}
		name := p.word()
		if name != "" && p.eat('=') {
			if !v.takes(name) {
				return p.fail(from, p.at-1, v.Name+" has no argument "+strconv.Quote(name), "it has"+known(v))
			}
		} else {
			p.at = from
			for len(free) > 0 && has(e.Args, free[0]) {
				free = free[1:]
			}
			if len(free) == 0 {
				if p.word(); p.at == from {
					p.at++
				}
				return p.fail(from, p.at, "expected name=value", v.Name+" has"+known(v))
			}
			name = free[0]
		}
		if has(e.Args, name) {
			return p.fail(from, p.at, name+" is given twice", "")
		}
		at := p.at
		a, ok := p.value(name)
		if !ok {
			return false
		}
		if _, num := number(a.Value); isNumeric(name) && !a.Random && (!num || a.Quoted) {
			return p.fail(at, p.at, name+" must be a number", "as 1000, 0x10 or rand(1000..1010)")
		}
		if _, _, _, ok := address(a.Value); !ok && (name == "addr" || name == "from") {
			return p.fail(at, p.at, name+" must be an address", "as 10.0.0.2:443, [fd00::2]:443 or the path of a socket")
		}
		if len(e.Args) >= maxArgs {
			return p.fail(from, p.at, "an event has at most 32 arguments", "")
		}
		e.Args = append(e.Args, a)
	}
	return true
}

func has(args []Arg, name string) bool {
	for i := range args {
		if args[i].Name == name {
			return true
		}
	}
	return false
}

// times reads x3.
func (p *parser) times() (int, bool) {
	from := p.at
	w := p.word()
	if len(w) > 1 && w[0] == 'x' && (p.at >= len(p.line) || p.line[p.at] != '=') {
		if n, err := strconv.Atoi(w[1:]); err == nil {
			return n, true
		}
	}
	p.at = from
	return 0, false
}

// value reads a word, a quoted text or rand(LO..HI).
func (p *parser) value(name string) (Arg, bool) {
	a := Arg{Name: name}
	from := p.at
	if p.at < len(p.line) && p.line[p.at] == '"' {
		text, n := unquote(p.line[p.at:])
		if n == 0 {
			return a, p.fail(from, len(p.line), "the text in quotes has no end, or an unknown escape", `write a " behind it; inside, \" \\ \n \t \0 and \x41`)
		}
		p.at += n
		a.Quoted, a.Value = true, text
		return a, true
	}
	w := p.word()
	if w == "rand" && p.eat('(') {
		lo, hi, ok := strings.Cut(p.word(), "..")
		var errLo, errHi error
		a.Lo, errLo = strconv.ParseInt(lo, 0, 64)
		a.Hi, errHi = strconv.ParseInt(hi, 0, 64)
		if !ok || errLo != nil || errHi != nil || a.Lo > a.Hi || !p.eat(')') {
			return a, p.fail(from, p.at, "expected a range of numbers", "as in uid=rand(1000..1010)")
		}
		a.Random = true
		return a, true
	}
	if w == "" {
		return a, p.fail(p.at, p.at+1, "expected a value", `a word, a number, rand(1..9), or text in quotes`)
	}
	a.Value = w
	return a, true
}

// known lists the arguments of a verb for a hint.
func known(v *Verb) string {
	s := ""
	for _, list := range [...]string{v.Args, common} {
		for w := range strings.FieldsSeq(list) {
			if w != "|" {
				s += " " + w
			}
		}
	}
	return s
}

// suggestVerb names the verb that begins alike, or all.
func suggestVerb(word string) string {
	for i := range verbs {
		if n := verbs[i].Name; len(word) > 1 && (strings.HasPrefix(n, word[:2]) || strings.HasPrefix(word, n)) {
			return "did you mean " + n + "?"
		}
	}
	s := "events are"
	for i := range verbs {
		s += " " + verbs[i].Name
	}
	return s
}

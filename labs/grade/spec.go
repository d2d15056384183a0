package grade

import (
	"strconv"
	"strings"
)

// Kind is what a rule is about.
type Kind uint8

const (
	Verify Kind = iota // the verdict
	Check              // the state after the trace, or after one event
	Never              // must not hold after any event
	Always             // must hold after every event
	Race               // the state that the worst order of CPUs leaves; simulator only
	Limit              // a budget; like Check, and worth nothing unless it says so
)

// Rule is a line of a grade block.
type Rule struct {
	Kind   Kind
	Line   int // of the block, from 1
	Text   string
	Weight int
	Badge  string // won when the rule holds
	Why    string // what to tell who fails it
	After  int    // Check: after this event, from 1; 0: at the end

	cmp    comparison
	accept bool // Verify
	want   []condition
	on     condition // the privilege or kernel that the verdict is of
}

// condition is key=value or key~=value of a verify rule.
type condition struct {
	key, val string
	contains bool
}

// Case is a hidden case: a trace of its own, with one rule.
type Case struct {
	Events string // in the event language, one a line
	Line   int
	Spec   *Spec
}

// Spec is a grade block.
type Spec struct {
	Rules  []Rule
	Hidden []Case
}

// Error says where a block cannot be read and what to write.
type Error struct {
	Line, Col int // from 1
	Msg       string
}

func (e *Error) Error() string {
	return strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Col) + ": " + e.Msg
}

// maxRules bounds a block.
const maxRules = 256

// Parse reads a grade block. All errors are returned, not only the first.
func Parse(block string) (*Spec, []Error) {
	s := &Spec{}
	var errs []Error
	for i, line := range strings.Split(block, "\n") {
		line = strings.TrimRight(stripComment(line), " \t\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if len(s.Rules)+len(s.Hidden) >= maxRules {
			return s, append(errs, Error{i + 1, 1, "a block has at most 256 rules"})
		}
		if b := s.line(line, i+1); b != nil {
			errs = append(errs, Error{i + 1, b.col, b.msg})
		}
	}
	return s, errs
}

// stripComment cuts # and what follows, outside of quotes.
func stripComment(line string) string {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && quoted:
			i++
		case line[i] == '"':
			quoted = !quoted
		case line[i] == '#' && !quoted && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t'):
			return line[:i]
		}
	}
	return line
}

// prefixes are the words that begin a rule of another kind than Check.
var prefixes = [...]struct {
	word string
	kind Kind
}{{"never:", Never}, {"always:", Always}, {"race:", Race}, {"limit:", Limit}}

func (s *Spec) line(line string, n int) *bad {
	p := &parser{line: line}
	r := Rule{Kind: Check, Line: n, Weight: 1}
	switch {
	case p.eat("verify:"):
		return s.verify(p, r)
	case p.eat("hidden:"):
		return s.hidden(p, r)
	case p.eat("after "):
		i, err := strconv.Atoi(p.word())
		if err != nil || i < 1 || !p.eat(":") {
			return p.fail("this is written after 2: RULE, with the event's number from 1")
		}
		r.After = i
	default:
		for _, pre := range prefixes {
			if p.eat(pre.word) {
				r.Kind = pre.kind
				if r.Kind == Limit {
					r.Weight = 0
				}
				break
			}
		}
	}
	var b *bad
	if r.cmp, b = p.comparison(); b != nil {
		return b
	}
	r.Text = r.cmp.text
	if b := p.attributes(&r); b != nil {
		return b
	}
	s.Rules = append(s.Rules, r)
	return nil
}

// attributes reads weight=3 badge=lean why="...".
func (p *parser) attributes(r *Rule) *bad {
	for {
		p.space()
		if p.at == len(p.line) {
			return nil
		}
		from := p.at
		k := p.word()
		if !p.eat("=") {
			p.at = from
			return p.fail("the rule has an end here; behind it only weight=, badge= and why=\"...\" may stand")
		}
		v, b := p.attrValue()
		if b != nil {
			return b
		}
		switch k {
		case "weight":
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 || n > 1000 {
				return p.fail("a weight is a number from 0 to 1000")
			}
			r.Weight = n
		case "badge":
			r.Badge = v
		case "why":
			r.Why = v
		default:
			p.at = from
			return p.fail("unknown attribute " + strconv.Quote(k) + "; there are weight, badge and why")
		}
	}
}

func (p *parser) attrValue() (string, *bad) {
	if p.at < len(p.line) && p.line[p.at] == '"' {
		return p.quoted()
	}
	from := p.at
	for p.at < len(p.line) && p.line[p.at] != ' ' && p.line[p.at] != '\t' {
		p.at++
	}
	if from == p.at {
		return "", p.fail("a value is missing")
	}
	return p.line[from:p.at], nil
}

// verifyKeys are what a verify rule may ask of the verdict.
var verifyKeys = [...]string{"class", "message", "line", "errno", "kernel", "privilege", "weight", "badge", "why"}

func (s *Spec) verify(p *parser, r Rule) *bad {
	r.Kind = Verify
	p.space()
	from := p.at
	switch p.word() {
	case "accept":
		r.accept = true
	case "reject":
	default:
		p.at = from
		return p.fail("a verdict is accept or reject")
	}
	for p.space(); p.at < len(p.line); p.space() {
		at := p.at
		c := condition{key: p.word()}
		known := false
		for _, k := range verifyKeys {
			known = known || k == c.key
		}
		if !known {
			p.at = at
			return p.fail("unknown condition; there are class=, message~=, line~=, errno=, kernel=, privilege=, weight=, badge=, why=")
		}
		switch {
		case p.eat("~="):
			c.contains = true
		case p.eat("="):
		default:
			return p.fail("a = or ~= is missing")
		}
		var b *bad
		if c.val, b = p.attrValue(); b != nil {
			return b
		}
		switch c.key {
		case "weight", "badge", "why":
			if r.Text == "" {
				r.Text = strings.TrimSpace(p.line[:at]) // attributes are not part of it
			}
		}
		switch c.key {
		case "weight":
			w, err := strconv.Atoi(c.val)
			if err != nil || w < 0 || w > 1000 {
				return p.fail("a weight is a number from 0 to 1000")
			}
			r.Weight = w
		case "badge":
			r.Badge = c.val
		case "why":
			r.Why = c.val
		case "kernel", "privilege":
			r.on = c
		default:
			if r.accept {
				p.at = at
				return p.fail("an accepted program has no " + c.key)
			}
			if c.key == "class" && !isClass(c.val) {
				p.at = at
				return p.fail("unknown class " + strconv.Quote(c.val) + " of rejections; null-deref, pkt-oob, uninit-reg, unbounded and map-oob are some")
			}
			r.want = append(r.want, c)
		}
	}
	if r.Text == "" {
		r.Text = strings.TrimSpace(p.line)
	}
	s.Rules = append(s.Rules, r)
	return nil
}

func (s *Spec) hidden(p *parser, r Rule) *bad {
	p.space()
	events, _, ok := strings.Cut(p.line[p.at:], "=>")
	if !ok || strings.TrimSpace(events) == "" {
		return p.fail("a hidden case is written EVENTS => RULE, events with ; between them")
	}
	p.at += len(events) + len("=>")
	var b *bad
	if r.cmp, b = p.comparison(); b != nil {
		return b
	}
	r.Text = r.cmp.text
	if b := p.attributes(&r); b != nil {
		return b
	}
	list := strings.Split(events, ";")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	s.Hidden = append(s.Hidden, Case{Events: strings.Join(list, "\n"), Line: r.Line, Spec: &Spec{Rules: []Rule{r}}})
	return nil
}

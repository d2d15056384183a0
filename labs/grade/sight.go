package grade

// Sight is what the value of a rule is made of: where to look for the step at
// which it went wrong.
type Sight uint8

const (
	SeesMaps   Sight = 1 << iota // values, entries, records
	SeesReturn                   // what a program returned, or user space saw of it
	SeesPrint                    // lines that were written
)

// Sees says what a comparison is about, 0 for a verdict and for rules about
// counters.
func (r *Rule) Sees() Sight {
	if r.Kind == Verify || r.Kind == Race {
		return 0
	}
	return r.cmp.left.sees() | r.cmp.right.sees()
}

func (s sum) sees() Sight {
	var out Sight
	for i := range s {
		t := &s[i].term
		switch {
		case t.kind == termCell:
			out |= SeesMaps
		case t.kind == termName && t.name == "ret", t.kind == termCall && (t.name == "ret" || t.name == "result"):
			out |= SeesReturn
		case t.kind == termName && t.name == "printk", t.kind == termCall && t.name == "printk":
			out |= SeesPrint
		case t.kind == termCall && len(t.args) > 0 && (t.name == "sum" || t.name == "min" || t.name == "max" || t.name == "len"):
			out |= SeesMaps
		}
	}
	return out
}

// Look is the value of a rule's left side on maps as they are, in words: it
// changes when what the rule is about does. The history is that of the judge.
func (j *Judge) Look(r *Rule, maps []Map) string {
	if r.cmp.star != "" {
		return j.compare(r, maps, nil).Got
	}
	e := &eval{maps: maps, history: j.history, event: -1, blind: j.Blind}
	v, msg := e.sum(r.cmp.left)
	if msg != "" {
		return msg
	}
	return v.String()
}

// Lost is the map whose lost updates a race rule speaks of, "" for other rules.
func (r *Rule) Lost() string {
	if r.Kind != Race {
		return ""
	}
	for i := range r.cmp.left {
		if t := &r.cmp.left[i].term; t.kind == termCall && t.name == "lost_updates" {
			return t.args[0][0].term.text
		}
	}
	return ""
}

// Budget is a rule that holds something that is counted below a bound.
type Budget struct {
	Counts string // "steps", or a counter's name: "insns", "insns_processed"
	Event  int    // of steps, from 0
	Most   uint64 // that would have been right
}

// Budget says what budget a comparison sets; ok is false when it sets none.
func (j *Judge) Budget(r *Rule) (b Budget, ok bool) {
	left := r.cmp.left
	if r.Kind == Verify || r.Kind == Race || len(left) != 1 || left[0].minus {
		return b, false
	}
	e := &eval{history: j.history, event: -1}
	switch t := &left[0].term; {
	case t.kind == termName && isCounter(t.name):
		b.Counts = t.name
	case t.kind == termCall && t.name == "steps":
		at, msg := e.sum(t.args[0])
		if msg != "" || at.num < 1 {
			return b, false
		}
		b.Counts, b.Event = t.name, int(at.num-1)
	default:
		return b, false
	}
	bound, msg := e.sum(r.cmp.right)
	switch {
	case msg != "" || bound.num < 0:
		return b, false
	case r.cmp.op == "<" && bound.num > 0:
		bound.num--
	case r.cmp.op != "<=" && r.cmp.op != "==":
		return b, false
	}
	b.Most = uint64(bound.num)
	return b, true
}

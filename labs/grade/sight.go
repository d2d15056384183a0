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

package grade

import (
	"strconv"
	"strings"
)

// State is how a rule came out.
type State uint8

const (
	Failed State = iota
	Passed
	Skipped // not decidable here: a race on a real kernel, a feature that our verifier does not cover
)

// Finding is what came of a rule.
type Finding struct {
	Rule     *Rule
	State    State
	Expected string // "== 4"
	Got      string // "3", or why there is nothing
	Event    int    // the event of the trace where it went wrong, -1: none in particular
	// Step is where in Scene it went wrong, -1: nowhere.
	Step  int64
	Scene Scene
	Place string // of InProgram: the source line, as in Verdict.Line
	Order *Order // of InOrder
}

// Scene is where a failed rule can be looked at, and what its step counts.
type Scene uint8

const (
	// InRun: the step of the run behind the instruction that made it so, or at
	// which the event's first program began.
	InRun Scene = iota
	// InVerdict: the slot that the verifier refuses.
	InVerdict
	// InWalk: the step of the verifier's walk, from 0, in its order.
	InWalk
	// InOrder: the instruction of an order of CPUs behind which an update is
	// lost, from 1.
	InOrder
	// InProgram: the slot of an instruction.
	InProgram
)

// Order is an order of the instructions of two CPUs.
type Order struct {
	Events [2]int // that run on CPU 0 and 1, as indexes into the trace
	Turns  []Turn
}

// Turn is a CPU's turn: it makes Steps instructions.
type Turn struct {
	CPU   uint32
	Steps uint64
}

// Report is a finding for each rule, in order.
type Report struct {
	Findings      []Finding
	Points, Total int // weights of the passed rules, of all that were decided
	Skipped       int
}

// Passed says whether every decided rule with a weight holds.
func (r *Report) Passed() bool { return r.Points == r.Total }

// Blind is what the world that a judge is told of does not show: rules that
// need it are skipped.
type Blind struct {
	CPUs    bool // which CPU a value is of
	Steps   bool // how many instructions ran
	Returns bool // what programs returned, and which ran
}

// Judge holds a spec against what it is told, in the order of happening.
type Judge struct {
	Blind Blind

	spec     *Spec
	verdicts []Verdict
	history  []Event
	broken   []*Finding // of Never, Always and After rules: decided during the trace
}

// Begin starts a grading. The spec is only read.
func (s *Spec) Begin() *Judge {
	return &Judge{spec: s, broken: make([]*Finding, len(s.Rules))}
}

// Verdict adds what a verifier said. Of several, a rule means the first that
// its kernel= or privilege= fits.
func (j *Judge) Verdict(v Verdict) { j.verdicts = append(j.verdicts, v) }

// Event adds what came of the next event of the trace, and the maps after it.
// The maps are only read during the call.
func (j *Judge) Event(ev Event, maps []Map) {
	j.history = append(j.history, ev)
	for i := range j.spec.Rules {
		r := &j.spec.Rules[i]
		if j.broken[i] != nil {
			continue
		}
		switch {
		case r.Kind == Never || r.Kind == Always:
			f := j.compare(r, maps, nil)
			if f.State == Failed {
				f.Event = len(j.history) - 1
				j.broken[i] = &f
			}
		case r.After == len(j.history):
			f := j.compare(r, maps, nil)
			j.broken[i] = &f
		}
	}
}

// End judges the rules about the end and gives the report.
func (j *Judge) End(final Final) *Report {
	rep := &Report{}
	for i := range j.spec.Rules {
		r := &j.spec.Rules[i]
		f := Finding{Rule: r, State: Passed, Event: -1}
		switch {
		case r.Kind == Verify:
			f = j.verdict(r)
		case j.broken[i] != nil:
			f = *j.broken[i]
		case r.After > 0:
			f.State, f.Expected, f.Got = Failed, r.Text, "the trace ended before event "+strconv.Itoa(r.After)
		case r.Kind == Never || r.Kind == Always:
			if final.Stopped != "" {
				f.State, f.Expected, f.Got = Failed, r.Text, final.Stopped
			}
		case final.Maps == nil && final.Stopped != "":
			f.State, f.Expected, f.Got = Failed, r.Text, final.Stopped
		case r.Kind == Race && final.LostUpdates == nil:
			f.State, f.Expected, f.Got = Skipped, r.Text, "the orders of the CPUs can be tried in the simulator only"
		default:
			f = j.compare(r, final.Maps, final.LostUpdates)
			if f.State == Failed && final.Stopped != "" {
				f.Got += "; " + final.Stopped
			}
		}
		f.Rule = r
		f.Step = j.step(f.Event)
		rep.add(f)
	}
	return rep
}

func (rep *Report) add(f Finding) {
	rep.Findings = append(rep.Findings, f)
	switch f.State {
	case Skipped:
		rep.Skipped++
		return
	case Passed:
		rep.Points += f.Rule.Weight
	}
	rep.Total += f.Rule.Weight
}

func (j *Judge) step(event int) int64 {
	if event < 0 || event >= len(j.history) || len(j.history[event].Fired) == 0 {
		return -1
	}
	return int64(j.history[event].Fired[0].First)
}

// compare evaluates a comparison on the maps as they are.
func (j *Judge) compare(r *Rule, maps []Map, lost map[string]int) Finding {
	e := &eval{maps: maps, history: j.history, lost: lost, event: -1, blind: j.Blind}
	for i := range j.verdicts {
		if j.verdicts[i].Undecided == "" {
			e.counters = &j.verdicts[i].Counters
			break
		}
	}
	c := &r.cmp
	if c.star == "" {
		return e.once(r, nil)
	}
	m := e.mapNamed(c.star)
	if m == nil {
		return Finding{State: Failed, Expected: c.text, Got: noMap(c.star), Event: -1}
	}
	f := Finding{State: Passed, Event: -1}
	for i := range m.Entries {
		if f = e.once(r, &m.Entries[i]); f.State == Failed {
			f.Got += " for key " + keyText(&m.Entries[i])
			return f
		}
	}
	return f
}

func (e *eval) once(r *Rule, star *Entry) Finding {
	c := &r.cmp
	e.star = star
	f := Finding{Event: -1, Expected: c.op + " "}
	right, msg := e.sum(c.right)
	if msg != "" && !e.unseen {
		f.Expected, f.Got = c.text, msg
		return f
	}
	f.Expected += right.String()
	e.event = -1
	left, msg := e.sum(c.left)
	f.Event = e.event
	if e.unseen {
		return Finding{State: Skipped, Expected: c.text, Got: "a real kernel does not show it", Event: -1}
	}
	if msg != "" {
		f.Got = msg
		if r.Kind == Never { // what it speaks of is not there yet
			f.State = Passed
		}
		return f
	}
	f.Got = left.String()
	ok := holds(left, c.op, right)
	if r.Kind == Never {
		ok, f.Expected = !ok, "never "+f.Expected
	}
	if ok {
		f.State = Passed
	}
	return f
}

func keyText(entry *Entry) string {
	v := scalar(entry.Key, false)
	return v.printed()
}

func (j *Judge) verdict(r *Rule) Finding {
	f := Finding{Event: -1, Expected: strings.TrimSpace(strings.TrimPrefix(r.Text, "verify:"))}
	v := j.verdictFor(r)
	switch {
	case v == nil:
		f.State, f.Got = Skipped, "this kernel or privilege was not asked"
		return f
	case v.Undecided != "":
		f.State, f.Got = Skipped, "not decided: "+v.Undecided
		return f
	case v.Accepted:
		f.Got = "accepted"
	default:
		f.Got = "rejected: " + v.Message
	}
	ok := v.Accepted == r.accept
	for _, c := range r.want {
		has := v.field(c.key)
		if c.contains {
			ok = ok && strings.Contains(has, c.val)
		} else {
			ok = ok && has == c.val
		}
		if !v.Accepted && (c.key == "class" || c.key == "line") {
			f.Got += " (" + c.key + " " + has + ")"
		}
	}
	if ok {
		f.State = Passed
	}
	return f
}

func (j *Judge) verdictFor(r *Rule) *Verdict {
	for i := range j.verdicts {
		v := &j.verdicts[i]
		switch r.on.key {
		case "kernel":
			if v.Kernel != r.on.val {
				continue
			}
		case "privilege":
			if v.Privilege != r.on.val {
				continue
			}
		}
		return v
	}
	return nil
}

func (v *Verdict) field(key string) string {
	switch key {
	case "class":
		return v.Class
	case "message":
		return v.Message
	case "line":
		return v.Line
	case "errno":
		for _, n := range names {
			if n.name[0] == 'E' && n.n == int64(v.Errno) {
				return n.name
			}
		}
	}
	return ""
}

package trace

import (
	"slices"
	"strconv"
	"strings"
)

// Origin is a link of the chain of changes that made a value, the youngest
// first.
type Origin struct {
	Step   int
	Change *Change
	// Arrived says that Step is the first of a path, and that the one that
	// queued the path made the change.
	Arrived bool
	Of      int // index of the link that asks for this one, -1 for the first
}

// patience is how many steps back a change is looked for.
const patience = 200_000

// Origins is where the content of a place before a step comes from, across
// spills, calls and linked registers: at most limit links. web/src/trace has
// the same.
func (t *Trace) Origins(step int, loc Loc, limit int) (out []Origin) {
	type ask struct {
		step   int
		loc    Loc
		behind bool // what the step itself did counts
		of     int
	}
	type key struct {
		step    int
		loc     uint32
		arrived bool
	}
	seen := map[key]bool{}
	for asks := []ask{{step: step, loc: loc, of: -1}}; len(asks) > 0 && len(out) < limit; {
		a := asks[0]
		asks = asks[1:]
		o := t.lastChange(a.step, a.loc, a.behind)
		if o.Change == nil || seen[key{o.Step, o.Change.Loc, o.Arrived}] {
			continue
		}
		seen[key{o.Step, o.Change.Loc, o.Arrived}] = true
		o.Of = a.of
		out = append(out, o)
		at := o.Step
		if o.Arrived { // the operands are those before the instruction that queued the path
			if at = -1; t.Paths[t.PathOf(o.Step)].Parent >= 0 {
				at = int(t.Paths[t.PathOf(o.Step)].At)
			}
		}
		if at < 0 || o.Change.Reason == ReasonWhatIf {
			continue
		}
		if o.Change.refines() && !slices.Contains(o.Change.From, o.Change.Loc) {
			asks = append(asks, ask{at, Loc(o.Change.Loc), false, len(out) - 1})
		}
		for _, from := range o.Change.From {
			asks = append(asks, ask{at, Loc(from), false, len(out) - 1})
		}
	}
	return out
}

// refines reports whether the old value is a part of the new one.
func (c *Change) refines() bool {
	switch c.Reason {
	case ReasonAlu, ReasonBranchTrue, ReasonBranchFalse, ReasonLink, ReasonNull, ReasonNotNull, ReasonPacket, ReasonTie, ReasonStore:
		return true
	}
	return false
}

// lastChange is the last of a place at or before a step, marks aside.
func (t *Trace) lastChange(step int, loc Loc, behind bool) Origin {
	find := func(list []Change, marks bool) *Change {
		for i := range list {
			if c := &list[i]; c.Loc == uint32(loc) && (marks || c.Reason != ReasonMark) {
				return c
			}
		}
		return nil
	}
	for n := 0; step >= 0 && n < patience; n++ {
		s := t.Step(step)
		if s == nil {
			break
		}
		if behind {
			if c := find(s.After.Changes, false); c != nil {
				return Origin{Step: step, Change: c}
			}
		}
		p := &t.Paths[t.PathOf(step)]
		starts := int(p.First) == step
		if c := find(s.Before.Changes, true); c != nil && (c.Reason == ReasonWhatIf || starts && p.Parent < 0) {
			return Origin{Step: step, Change: c, Arrived: true}
		}
		if c := find(s.Arrived, false); c != nil {
			return Origin{Step: step, Change: c, Arrived: true}
		}
		// A path goes on from the state before the step that queued it.
		behind = !starts
		switch {
		case !starts:
			step--
		case p.Parent >= 0:
			step = int(p.At)
		default:
			step = -1
		}
	}
	return Origin{}
}

// At is the step whose instruction made the change.
func (o *Origin) At(t *Trace) int {
	if p := &t.Paths[t.PathOf(o.Step)]; o.Arrived && p.Parent >= 0 && int(p.First) == o.Step {
		return int(p.At)
	}
	return o.Step
}

// Why says in a sentence without its end why a place changed, at the
// instruction of the given text. web/src/trace/text.ts has the same.
func (c *Change) Why(insn string) string {
	why := c.why(insn)
	if how := c.Deduction.Words(); how != "" {
		why += ": " + how
	}
	return why
}

func (c *Change) why(insn string) string {
	var places []string
	for _, l := range c.From {
		places = append(places, Loc(l).String())
	}
	from, num := strings.Join(places, " and "), strconv.FormatInt(c.Num, 10)
	other := num
	if from != "" {
		other = from
	}
	name := "the function"
	if _, callee, ok := strings.Cut(insn, " call "); ok && !strings.HasPrefix(callee, "pc") {
		name, _, _ = strings.Cut(callee, "#")
	}
	switch c.Reason {
	case ReasonEntry:
		return "given by the kernel when the function is entered"
	case ReasonConst:
		return "the constant " + num
	case ReasonCopy:
		return "a copy of " + from
	case ReasonAlu:
		return "arithmetic with " + other
	case ReasonLoad:
		return "a load of " + count(c.Num) + through(from) + ": nothing is known but the width"
	case ReasonCtx:
		return "the context field at offset " + num
	case ReasonFill:
		return "loaded from " + from + ", where a register was spilled"
	case ReasonStackRead:
		return count(c.Num) + " of stack at " + from
	case ReasonSpill, ReasonStore:
		if from == "" {
			return "the constant " + num + " was stored here"
		}
		return from + " was stored here"
	case ReasonBranchTrue:
		return "the comparison with " + other + " is true on this path"
	case ReasonBranchFalse:
		return "the comparison with " + other + " is false on this path"
	case ReasonLink:
		return "the same number as " + from + " (or at a fixed distance), which the comparison narrowed"
	case ReasonNull:
		return from + " was compared with NULL, and is NULL on this path"
	case ReasonNotNull:
		return from + " was compared with NULL, and is not NULL on this path"
	case ReasonPacket:
		if c.Num < 0 {
			return from + " was compared with the end of the packet, and is not before it"
		}
		return from + " was compared with the end of the packet: " + count(c.Num) + " are there"
	case ReasonRet:
		return "returned by " + name
	case ReasonClobber:
		return "a call does not keep r1 to r5"
	case ReasonLost:
		return name + " made the pointer stale, or released what it points to"
	case ReasonHelperWrite:
		return name + " wrote here, or may have"
	case ReasonArg:
		return "argument: " + from
	case ReasonResult:
		return "returned by the function"
	case ReasonWiden:
		return "forgotten, so that the loop comes to an end"
	case ReasonTie:
		return "given an id, so that a copy of it is known to be the same number"
	case ReasonMark:
		return "only its marks changed"
	case ReasonWhatIf:
		return "set by hand: what if"
	}
	return ""
}

func through(from string) string {
	if from == "" {
		return ""
	}
	return " through " + from
}

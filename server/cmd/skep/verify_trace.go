package main

import (
	"strconv"
	"strings"

	"skep/verifier"
	"skep/verifier/trace"
	"skep/wasm/verdict"
)

// traceLimit bounds the bytes of steps: of more the oldest are left out.
const traceLimit = 256 << 20

// traceHelp says what --trace prints.
const traceHelp = `print JSON lines instead of the log: of each program a line
  {"program","type","privilege","verdict","errno","message","processed","checkpoints","paths":[{"kind","end","parent","at","insn","first","steps"}],"dropped"}
and before it a line for each step, an arrival at an instruction, in the kernel's order:
  {"step","path","insn","text","source","kind","checkpoint","covered_by","state","changes":[{"place","value","reason","from","num","deduction"}],"checks":[{"words","failed"}],"no_facts"}
state is that behind the instruction, in the log's words; kind is checked, pruned or stopped`

// traceLine is a step as --trace prints it.
type traceLine struct {
	Step       int           `json:"step"`
	Path       int           `json:"path"`
	Insn       int           `json:"insn"`
	Text       string        `json:"text"`
	Source     string        `json:"source,omitempty"`
	Kind       string        `json:"kind"`
	Checkpoint bool          `json:"checkpoint,omitempty"`
	CoveredBy  *int          `json:"covered_by,omitempty"` // step of the checkpoint
	State      string        `json:"state"`
	Changes    []traceChange `json:"changes,omitempty"`
	Checks     []traceCheck  `json:"checks,omitempty"`
	NoFacts    []string      `json:"no_facts,omitempty"`
}

type traceChange struct {
	Place  string   `json:"place"`
	Value  string   `json:"value"`
	Reason string   `json:"reason"`
	From   []string `json:"from,omitempty"`
	Num    int64    `json:"num,omitempty"`
	// How the limits followed, when it is not what the instruction says itself.
	Deduction string `json:"deduction,omitempty"`
}

type traceCheck struct {
	Words  string `json:"words"`
	Failed bool   `json:"failed,omitempty"`
}

type tracePath struct {
	Kind   string `json:"kind"`
	End    string `json:"end"`
	Parent int    `json:"parent"`
	At     uint32 `json:"at"`
	Insn   uint32 `json:"insn"`
	First  uint32 `json:"first"`
	Steps  uint32 `json:"steps"`
}

type traceSummary struct {
	Program     string      `json:"program"`
	Type        string      `json:"type"`
	Privilege   string      `json:"privilege"`
	Verdict     string      `json:"verdict"`
	Errno       uint32      `json:"errno,omitempty"`
	Message     string      `json:"message,omitempty"`
	Feature     string      `json:"feature,omitempty"`
	Processed   uint32      `json:"processed"`
	Checkpoints int         `json:"checkpoints"`
	Paths       []tracePath `json:"paths"`
	Dropped     uint32      `json:"dropped,omitempty"`
}

// traced is a verification with its trace.
type traced struct {
	*trace.Trace
	res     *verifier.Result
	printer *verifier.Printer
	texts   map[int]string
}

// recordTrace verifies a program and keeps each step.
func recordTrace(name string, l *verdict.Loaded, cfg verifier.Config) (*traced, error) {
	rec := trace.NewRecorder(l.Program, traceLimit)
	cfg.Tracer = rec
	res, err := verifier.Verify(l.Program, cfg)
	if err != nil {
		return nil, err
	}
	raw := rec.Bytes(trace.Describe(name, l.Program, &cfg, l.TraceLines()), res, func(handle, id uint32) string {
		return verifier.TypeName(l.Program, cfg.KernelBTF, handle, id)
	})
	tr, err := trace.Parse(raw)
	if err != nil {
		return nil, err
	}
	t := &traced{Trace: tr, res: res, printer: tr.Printer(), texts: map[int]string{}}
	for _, i := range tr.Program.Insns {
		t.texts[int(i.Slot)] = i.Text
	}
	return t, nil
}

func (t *traced) line(step int) traceLine {
	s := t.Step(step)
	l := traceLine{
		Step: step, Path: t.PathOf(step), Insn: t.Insn(step), Text: t.texts[t.Insn(step)], Source: t.source(t.Insn(step)),
		Kind: s.Kind.String(), Checkpoint: s.Checkpoint, State: t.state(t.After(step)),
	}
	if len(s.Covered) > 0 {
		at := int(t.Checkpoints[s.Covered[0].Checkpoint].Step)
		l.CoveredBy = &at
	}
	changes := s.Arrived
	changes = append(changes[:len(changes):len(changes)], s.After.Changes...)
	for i := range changes {
		if c := &changes[i]; c.Reason != trace.ReasonMark {
			l.Changes = append(l.Changes, t.change(step, c))
		}
	}
	for i := range s.Checks {
		l.Checks = append(l.Checks, traceCheck{s.Checks[i].Words(), s.Checks[i].Failed})
	}
	for i := range s.NoFacts {
		n := &s.NoFacts[i]
		l.NoFacts = append(l.NoFacts, n.Words())
	}
	return l
}

func (t *traced) change(step int, c *trace.Change) traceChange {
	loc := trace.Loc(c.Loc)
	out := traceChange{Place: loc.String(), Reason: c.Reason.String(), Num: c.Num}
	if c.Deduction != trace.DeductionDirect {
		out.Deduction = c.Deduction.String()
	}
	for _, from := range c.From {
		out.From = append(out.From, trace.Loc(from).String())
	}
	if r := loc.Reg(); r >= 0 {
		v := c.Reg.Verifier()
		v.SetLive(0)
		out.Value = t.printer.Value(loc.Frame(), &v)
	} else if s := t.After(step); s != nil && loc.Frame() < len(s.Frames) {
		out.Value = placeIn(t.frame(s, loc.Frame()), loc.Slot())
	}
	return out
}

// placeIn finds a slot in the words of a frame: " fp-8_w=mmmmmmmm".
func placeIn(frame string, slot int) string {
	_, rest, ok := strings.Cut(frame, " fp"+strconv.Itoa(-8*(slot+1)))
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, "=")
	depth := 0
	for i, c := range rest {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ' ' && depth == 0:
			return rest[:i]
		}
	}
	return rest
}

func (t *traced) frame(s *trace.State, i int) string {
	return strings.TrimSuffix(string(s.AppendFrame(nil, t.printer, i)), "\n")
}

// state is the current frame in the log's words.
func (t *traced) state(s *trace.State) string {
	if s == nil || len(s.Frames) == 0 {
		return ""
	}
	return strings.TrimPrefix(t.frame(s, len(s.Frames)-1), " ")
}

// source is "file:line: text" of an instruction, "" when it is not known.
func (t *traced) source(insn int) string {
	l := t.sourceLine(insn)
	if l == nil {
		return ""
	}
	return l.File + ":" + strconv.Itoa(int(l.Line)) + ": " + l.Text
}

func (t *traced) sourceLine(insn int) (found *trace.LineText) {
	for i := range t.Program.Lines {
		if l := &t.Program.Lines[i]; int(l.Slot) <= insn {
			found = l
		}
	}
	return found
}

func (t *traced) summary() traceSummary {
	o := &t.Outcome
	s := traceSummary{
		Program: t.Program.Name, Type: t.Program.Type, Privilege: t.Program.Privilege, Verdict: o.Verdict, Errno: o.Errno,
		Message: o.Message, Feature: o.Feature, Processed: o.Processed, Checkpoints: len(t.Checkpoints), Dropped: o.Dropped,
	}
	for i := range t.Paths {
		p := &t.Paths[i]
		s.Paths = append(s.Paths, tracePath{p.Kind.String(), p.End.String(), int(p.Parent), p.At, p.Insn, p.First, p.Steps})
	}
	return s
}

// printTrace prints the steps and then what they came to.
func (sh *shell) printTrace(t *traced) {
	for step := range t.Steps() {
		if t.Step(step) != nil {
			sh.out.Write(marshal(t.line(step)))
		}
	}
	sh.out.Write(marshal(t.summary()))
}

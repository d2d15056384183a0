package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"os"
	"regexp"
	"strconv"
	"strings"

	"skep/verifier"
	"skep/verifier/trace"
)

// Parts of the report: a page that needs nothing but itself.
var (
	//go:embed report/report.html
	reportPage string
	//go:embed report/report.css
	reportStyle string
	//go:embed report/report.js
	reportScript string
)

// reportSteps is how many steps a report holds: of more, those that lead to
// the last path.
const reportSteps = 4000

// reportLog bounds the log in a report, in bytes: its end.
const reportLog = 1 << 20

// report is what the page is made of.
type report struct {
	Name, Type, Kernel, Privilege string
	Verdict, Message, Errno       string
	Refused                       bool
	Processed                     uint32
	Checkpoints, Left             int
	Insn, Source, Needed, Advice  string
	About                         string // the place that Origins are of
	Origins                       []reportOrigin
	NoFacts                       []string
	Style                         template.CSS
	Script                        template.JS
	Data                          reportData
}

// reportOrigin is a link of the chain that leads to the failing value.
type reportOrigin struct {
	Insn                      int
	Place, Value, Why, Source string
}

// What is shown of the chain, and of comparisons that taught nothing.
const (
	reportOrigins = 12
	reportNoFacts = 5
)

// reportData is for the script.
type reportData struct {
	Insns []reportInsn
	Paths []tracePath
	Steps []reportStep
	Log   []reportLine
}

type reportInsn struct {
	Slot   uint32 `json:"slot"`
	Text   string `json:"text"`
	Source string `json:"source,omitempty"`
}

type reportStep struct {
	traceLine
	Places [][2]string       `json:"places"` // name and value
	Whys   map[string]string `json:"whys"`   // by place, in a sentence
}

type reportLine struct {
	Text string `json:"text"`
	Step int    `json:"step"`
}

// writeReport writes a verification as one HTML file.
func (t *traced) writeReport(file string) error {
	o := &t.Outcome
	r := report{
		Name: t.Program.Name, Type: t.Program.Type, Kernel: t.Program.Kernel, Privilege: t.Program.Privilege, Verdict: o.Verdict,
		Message: o.Message, Errno: o.ErrnoName, Refused: t.res.Verdict == verifier.Rejected, Processed: o.Processed, Checkpoints: len(t.Checkpoints),
		Style: template.CSS(reportStyle), Script: template.JS(reportScript),
	}
	if last := t.Steps() - 1; r.Refused && last >= 0 && t.Step(last) != nil {
		r.explain(t, last)
	}
	summary := t.summary()
	r.Data.Paths = summary.Paths
	for _, i := range t.Program.Insns {
		r.Data.Insns = append(r.Data.Insns, reportInsn{i.Slot, i.Text, t.source(int(i.Slot))})
	}
	for _, step := range t.shown() {
		r.Data.Steps = append(r.Data.Steps, reportStep{t.line(step), t.places(step), t.whys(step)})
	}
	r.Left = t.Steps() - len(r.Data.Steps)
	r.Data.Log = t.logLines()
	page, err := template.New("report").Parse(reportPage)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := page.Execute(&b, &r); err != nil {
		return err
	}
	return os.WriteFile(file, b.Bytes(), 0o644)
}

// explain says what the failing step needed, and which comparisons on the way
// taught nothing.
func (r *report) explain(t *traced, last int) {
	insn := t.Insn(last)
	r.Insn, r.Source = strconv.Itoa(insn)+": "+t.texts[insn], t.source(insn)
	var failed *trace.Check
	checks := t.Step(last).Checks
	for i := range checks {
		if checks[i].Failed {
			failed = &checks[i]
		}
	}
	if failed != nil {
		r.Needed, r.Advice = failed.Words(), failed.Advice()
		if failed.Reg > 0 {
			r.originsOf(t, last, int(failed.Reg)-1)
		}
	}
	for _, seg := range t.Chain(t.PathOf(last)) {
		for step := seg.First; step < seg.To && len(r.NoFacts) < reportNoFacts; step++ {
			s := t.Step(step)
			if s == nil {
				continue
			}
			way := verifier.NoFactWayNotTaken // where it holds another path goes on
			if step == seg.To-1 && step != last {
				way = verifier.NoFactWayTaken
			}
			for i := range s.NoFacts {
				if n := &s.NoFacts[i]; n.Way == verifier.NoFactWayBoth || n.Way == way {
					r.NoFacts = append(r.NoFacts, "On the way the comparison at "+strconv.Itoa(t.Insn(step))+" taught nothing: "+n.Words()+".")
				}
			}
		}
	}
}

// originsOf says where a register of the failing step comes from.
func (r *report) originsOf(t *traced, last, reg int) {
	s := t.Before(last)
	if s == nil || len(s.Frames) == 0 {
		return
	}
	loc := trace.RegLoc(len(s.Frames)-1, reg)
	r.About = loc.String()
	type place struct {
		insn int
		loc  uint32
	}
	rounds := map[place]int{} // of a loop the last two are enough
	for _, o := range t.Origins(last, loc, 8*reportOrigins) {
		insn, value := t.Insn(o.At(t.Trace)), t.change(o.Step, o.Change).Value
		at := place{insn, o.Change.Loc}
		if rounds[at]++; rounds[at] > 2 || len(r.Origins) == reportOrigins {
			continue
		}
		r.Origins = append(r.Origins, reportOrigin{insn, trace.Loc(o.Change.Loc).String(), value, o.Change.Why(t.texts[insn]), t.source(insn)})
	}
}

// whys are the reasons of what a step changed.
func (t *traced) whys(step int) map[string]string {
	s, out := t.Step(step), map[string]string{}
	add := func(changes []trace.Change, by int) {
		for i := range changes {
			c := &changes[i]
			if why := c.Why(t.texts[t.Insn(by)]); why != "" && c.Reason != trace.ReasonMark {
				out[trace.Loc(c.Loc).String()] = why
			}
		}
	}
	add(s.Arrived, int(t.Paths[t.PathOf(step)].At))
	add(s.After.Changes, step)
	return out
}

// shown are the steps that a report holds.
func (t *traced) shown() (out []int) {
	if t.Steps() <= reportSteps {
		for i := range t.Steps() {
			if t.Step(i) != nil {
				out = append(out, i)
			}
		}
		return out
	}
	for _, seg := range t.Chain(t.PathOf(t.Steps() - 1)) {
		for i := seg.First; i < seg.To; i++ {
			if t.Step(i) != nil {
				out = append(out, i)
			}
		}
	}
	return out[max(0, len(out)-reportSteps):]
}

var placeName = regexp.MustCompile(` (R\d+|fp-\d+|refs)(?:_[rwD]+)?=`)

// places are what the current frame holds behind a step, in the log's words.
func (t *traced) places(step int) (out [][2]string) {
	s := t.After(step)
	if s == nil || len(s.Frames) == 0 {
		return [][2]string{}
	}
	f := t.frame(s, len(s.Frames)-1)
	at := placeName.FindAllStringSubmatchIndex(f, -1)
	for i, m := range at {
		end := len(f)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		name := strings.Replace(f[m[2]:m[3]], "R", "r", 1)
		if d := len(s.Frames) - 1; d > 0 && name != "refs" {
			if strings.HasPrefix(name, "r") {
				name += "[" + strconv.Itoa(d) + "]"
			} else {
				name = "fp[" + strconv.Itoa(d) + "]" + name[2:]
			}
		}
		out = append(out, [2]string{name, f[m[1]:end]})
	}
	return out
}

var stepLine = regexp.MustCompile(`^\d+: (?:\([0-9a-f]{2}\) |BUG_)|^(?:\d+|from \d+ to \d+.*): safe$`)

// logLines links the lines of the log to the steps, counted from the last one:
// of a long log the front is missing.
func (t *traced) logLines() []reportLine {
	log := string(t.res.Log)
	if len(log) > reportLog {
		log = log[len(log)-reportLog:]
		log = log[strings.IndexByte(log, '\n')+1:]
	}
	lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
	out := make([]reportLine, len(lines))
	step := t.Steps()
	if step > 0 && t.Step(step-1) != nil && t.Step(step-1).Kind == trace.StepKindStopped {
		step--
	}
	for i := len(lines) - 1; i >= 0; i-- {
		out[i] = reportLine{lines[i], -1}
		if stepLine.MatchString(lines[i]) {
			step--
			out[i].Step = step
		}
	}
	return out
}

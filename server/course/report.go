package course

import (
	"fmt"

	"skep/labs/grade"
	"skep/labs/trial"
	"skep/wasm/protocol"
)

// Report is how a submission came out in one world.
type Report struct {
	World    string    `json:"world"`   // "simulator", or a kernel's version
	Outcome  string    `json:"outcome"` // accepted, rejected, not_modelled, unreadable
	Message  string    `json:"message,omitempty"`
	Points   int       `json:"points"`
	Total    int       `json:"total"`
	Passed   bool      `json:"passed"`
	Problems []Problem `json:"problems,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	Millis   int64     `json:"took_ms"`
	// Kept: it is stored for who is signed in.
	Kept bool `json:"kept,omitempty"`
}

// came is a report in a few words.
func (r *Report) came() string {
	switch {
	case r.Passed:
		return "passed"
	case r.Outcome == "rejected":
		return "rejected"
	case r.Outcome == "unreadable":
		return "could not be tried"
	}
	return fmt.Sprintf("%d of %d points", r.Points, r.Total)
}

// Problem is why a submission could not be tried.
type Problem struct {
	Line    int    `json:"line"` // from 1, 0: nowhere in particular
	Col     int    `json:"col"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// Finding is what came of a rule; of a hidden case only the state is told.
type Finding struct {
	Rule     string `json:"rule"`
	State    string `json:"state"` // passed, failed, skipped
	Expected string `json:"expected,omitempty"`
	Got      string `json:"got,omitempty"`
}

const simulator = "simulator"

// fromModule is the grader module's answer.
func fromModule(g *protocol.Graded) *Report {
	r := &Report{World: simulator, Message: g.Message, Points: int(g.Points), Total: int(g.Total), Passed: g.Passed}
	switch g.Outcome {
	case protocol.OutcomeAccepted:
		r.Outcome = "accepted"
	case protocol.OutcomeRejected:
		r.Outcome = "rejected"
	case protocol.OutcomeNotModelled:
		r.Outcome, r.Message = "not_modelled", g.Feature
	default:
		r.Outcome = "unreadable"
	}
	for i := range g.Problems {
		p := &g.Problems[i]
		r.Problems = append(r.Problems, Problem{int(p.Line), int(p.Col), p.Message, p.Hint})
	}
	for i := range g.Findings {
		f := &g.Findings[i]
		state := "failed"
		switch f.State {
		case protocol.RuleStatePassed:
			state = "passed"
		case protocol.RuleStateSkipped:
			state = "skipped"
		}
		r.Findings = append(r.Findings, Finding{f.Rule, state, f.Expected, f.Got})
	}
	return r
}

// fromTrial is a trial's result, of a kernel or of this process.
func fromTrial(world string, t *trial.Result) *Report {
	r := &Report{World: world, Outcome: "accepted", Points: t.Points, Total: t.Total, Passed: t.Passed()}
	for _, p := range t.Problems {
		r.Outcome = "unreadable"
		r.Problems = append(r.Problems, Problem{p.Line, p.Col, p.Msg, p.Hint})
	}
	if v := &t.Verdict; len(t.Problems) == 0 && !v.Accepted {
		r.Outcome, r.Message = "rejected", v.Message
		if v.Undecided != "" {
			r.Outcome, r.Message = "not_modelled", v.Undecided
		}
	}
	for n, rep := range append([]*grade.Report{t.Report}, t.Hidden...) {
		if rep == nil {
			continue
		}
		for i := range rep.Findings {
			f := &rep.Findings[i]
			out := Finding{State: [...]string{"failed", "passed", "skipped"}[f.State]}
			if n == 0 {
				out.Rule, out.Expected, out.Got = f.Rule.Text, f.Expected, f.Got
			}
			r.Findings = append(r.Findings, out)
		}
	}
	return r
}

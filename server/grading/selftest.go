package grading

import (
	"fmt"
	"strings"

	"skep/labs"
	"skep/labs/grade"
	"skep/labs/trial"
	"skep/verifier"
)

// Kind is why a program is in a lab.
type Kind string

const (
	Starter  Kind = "starter"
	Solution Kind = "solution"
	Wrong    Kind = "wrong answer"
)

// Try is a program of a lab and what must come of it.
type Try struct {
	Exercise *labs.Exercise
	Kind     Kind
	Name     string // of a wrong answer
	Source   labs.Source
	wrong    *labs.Wrong
}

func (t *Try) String() string {
	s := t.Exercise.ID + ": " + string(t.Kind) + " in " + t.Source.Lang
	if t.Name != "" {
		s += fmt.Sprintf(" %q", t.Name)
	}
	return s
}

// Tries is every program of a lab's exercises, for the student with a seed.
func Tries(l *labs.Lab, seed uint64) []Try {
	var out []Try
	for _, ex := range l.Exercises {
		ex = ex.For(seed)
		for _, s := range ex.Starters {
			out = append(out, Try{Exercise: ex, Kind: Starter, Source: s})
		}
		for _, s := range ex.Solutions {
			out = append(out, Try{Exercise: ex, Kind: Solution, Source: s})
		}
		for i := range ex.Wrong {
			w := &ex.Wrong[i]
			out = append(out, Try{Exercise: ex, Kind: Wrong, Name: w.Title, Source: w.Source, wrong: w})
		}
	}
	return out
}

// Check says what is not as the lab says, "" when all is. Of a kernel's result
// sim is the simulator's: a rule that only the simulator can see may be the
// one that fails.
func (t *Try) Check(r, sim *trial.Result) string {
	if sim != nil && r.Report != nil && sim.Report != nil && r.Verdict.Accepted && t.Kind != Solution && onlyInSimulator(r, sim) {
		return ""
	}
	switch t.Kind {
	case Solution:
		if !r.Passed() {
			return "does not pass: " + Why(r)
		}
	case Starter:
		switch {
		case r.Problems != nil:
			return "cannot be tried: " + Why(r)
		case r.Passed():
			return "passes already"
		}
	case Wrong:
		return t.wrong.Check(r.Problems != nil, r.Verdict, r.Report, r.Hidden)
	}
	return ""
}

// onlyInSimulator says whether all that fails in the simulator is rules that
// the kernel does not show.
func onlyInSimulator(r, sim *trial.Result) bool {
	failed := 0
	for _, rep := range sim.Hidden { // a kernel runs the trace that students see
		for i := range rep.Findings {
			if rep.Findings[i].State == grade.Failed && r.Hidden == nil {
				failed++
			}
		}
	}
	for i := range sim.Report.Findings {
		if sim.Report.Findings[i].State != grade.Failed {
			continue
		}
		failed++
		if i >= len(r.Report.Findings) || r.Report.Findings[i].State != grade.Skipped {
			return false
		}
	}
	return failed > 0
}

// Why is what keeps a result from passing, in a line.
func Why(r *trial.Result) string {
	var parts []string
	for _, p := range r.Problems {
		parts = append(parts, p.Msg)
	}
	for _, rep := range append([]*grade.Report{r.Report}, r.Hidden...) {
		if rep == nil {
			continue
		}
		for i := range rep.Findings {
			if f := &rep.Findings[i]; f.State == grade.Failed && f.Rule.Weight > 0 {
				parts = append(parts, fmt.Sprintf("%s (expected %s, got %s)", f.Rule.Text, f.Expected, f.Got))
			}
		}
	}
	return strings.Join(parts, "; ")
}

// Exercise is an exercise of a student as a trial takes it.
func Exercise(l *labs.Lab, ex *labs.Exercise, seed uint64) trial.Exercise {
	ex = ex.For(seed)
	return trial.Exercise{Setup: ex.Setup, Trace: ex.Trace, Grade: ex.Grade, Seed: seed, Privilege: privilege(l)}
}

func privilege(l *labs.Lab) verifier.Privilege {
	switch l.Verifier.Privilege {
	case "cap_bpf":
		return verifier.CapBPF
	case "unprivileged":
		return verifier.Unprivileged
	}
	return verifier.Root
}

// Disagreement is the first rule that two graders see differently, "" when
// they agree about all that both can see.
func Disagreement(a, b *trial.Result) string {
	if a.Report == nil && b.Report == nil {
		return "" // neither could read it
	}
	if a.Report == nil || b.Report == nil || len(a.Report.Findings) != len(b.Report.Findings) {
		return "one of the two did not grade"
	}
	for i := range a.Report.Findings {
		x, y := &a.Report.Findings[i], &b.Report.Findings[i]
		if x.State != y.State && x.State != grade.Skipped && y.State != grade.Skipped {
			return fmt.Sprintf("%s: %s got %s, %s got %s", x.Rule.Text, a.Verdict.Kernel, x.Got, b.Verdict.Kernel, y.Got)
		}
	}
	return ""
}

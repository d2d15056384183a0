package trial_test

import (
	"os"
	"strings"
	"testing"

	"skep/labs"
	"skep/labs/grade"
	"skep/labs/trial"
)

// why says which rules failed.
func why(r *trial.Result) string {
	var b strings.Builder
	for _, p := range r.Problems {
		b.WriteString(p.Msg + "\n")
	}
	for _, rep := range append([]*grade.Report{r.Report}, r.Hidden...) {
		if rep == nil {
			continue
		}
		for _, f := range rep.Findings {
			if f.State == grade.Failed {
				b.WriteString(f.Rule.Text + ": expected " + f.Expected + ", got " + f.Got + "\n")
			}
		}
	}
	return b.String()
}

// TestContent tries the assembly of every lab: solutions pass, starters do
// not, wrong answers fail as they say. C is tried by "skep lab test", which
// has a compiler.
func TestContent(t *testing.T) {
	fsys := os.DirFS("../content")
	entries, err := os.ReadDir("../content")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, e := range entries {
		lab, errs := labs.Read(fsys, e.Name())
		if len(errs) > 0 {
			t.Errorf("%s: %s", e.Name(), errs[0].Error())
			continue
		}
		for _, ex := range lab.Exercises {
			ex = ex.For(1)
			x := trial.Exercise{Setup: ex.Setup, Trace: ex.Trace, Grade: ex.Grade, Seed: 1}
			try := func(name string, s labs.Source, check func(*trial.Result) string) {
				if s.Lang != "asm" {
					return
				}
				tried++
				res := trial.Run(trial.Submission{Text: s.Text}, x)
				if msg := check(res); msg != "" {
					t.Errorf("%s/%s: %s: %s", e.Name(), ex.ID, name, msg)
				}
			}
			for _, s := range ex.Starters {
				try("starter", s, func(r *trial.Result) string {
					if r.Problems != nil || r.Passed() {
						return "passes, or cannot be tried: " + why(r)
					}
					return ""
				})
			}
			for _, s := range ex.Solutions {
				try("solution", s, func(r *trial.Result) string {
					if !r.Passed() {
						return why(r)
					}
					return ""
				})
			}
			for i := range ex.Wrong {
				w := &ex.Wrong[i]
				try("wrong answer \""+w.Title+"\"", w.Source, func(r *trial.Result) string { return w.Check(r.Problems != nil, r.Verdict, r.Report, r.Hidden) })
			}
		}
	}
	if tried < 50 {
		t.Errorf("only %d programs were tried", tried)
	}
}

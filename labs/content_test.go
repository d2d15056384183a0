package labs

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"skep/labs/plan"
	"skep/labs/trial"
	"skep/verifier"
	"skep/verifier/loader"
	"skep/vm/kernel"
)

// course reads every lab in content.
func course(t *testing.T) []*Lab {
	t.Helper()
	entries, err := os.ReadDir("content")
	if err != nil {
		t.Fatal(err)
	}
	var all []*Lab
	for _, e := range entries {
		lab, errs := Read(os.DirFS("content"), e.Name())
		for _, err := range errs {
			t.Error(err.Error())
		}
		if lab != nil {
			all = append(all, lab)
		}
	}
	return all
}

// What every lab of the course has: goals, three exercises on three levels,
// at least two wrong answers that the verifier refuses with a message, a check
// of three questions, teacher notes, 15 to 40 minutes, and something to see.
func TestContent(t *testing.T) {
	for _, l := range course(t) {
		if !l.Teacher {
			t.Errorf("%s has no teacher notes", l.ID)
		}
		if len(l.Goals) < 3 || l.Summary == "" {
			t.Errorf("%s has %d goals and the summary %q", l.ID, len(l.Goals), l.Summary)
		}
		if l.Minutes < 15 || l.Minutes > 40 {
			t.Errorf("%s takes %d minutes", l.ID, l.Minutes)
		}
		levels, messages := map[int]bool{}, 0
		for _, ex := range l.Exercises {
			levels[ex.Level] = true
			if ex.Hints == 0 {
				t.Errorf("%s/%s has no hint", l.ID, ex.ID)
			}
			for i := range ex.Wrong {
				if ex.Wrong[i].Message != "" {
					messages++
				}
			}
		}
		if len(l.Exercises) < 3 || l.Track != "authors" && !(levels[1] && levels[2] && (levels[3] || levels[4] || levels[5])) {
			t.Errorf("%s has %d exercises on the levels %v", l.ID, len(l.Exercises), levels)
		}
		if messages < 2 && l.Track != "authors" {
			t.Errorf("%s has %d wrong answers with a message of the verifier", l.ID, messages)
		}
		if n := strings.Count(l.HTML(Audience{}), `<section class="check">`); n != 1 {
			t.Errorf("%s has %d checks", l.ID, n)
		}
		if n := len(l.Questions); n < 4 {
			t.Errorf("%s has %d questions, want a prediction or the like and three in the check", l.ID, n)
		}
		if len(l.Plays)+len(l.Pictures) == 0 {
			t.Errorf("%s has no live program and no picture", l.ID)
		}
		for _, id := range l.Requires {
			if !slices.ContainsFunc(course(t), func(o *Lab) bool { return o.ID == id }) {
				t.Errorf("%s requires %s, which is not written", l.ID, id)
			}
		}
	}
}

// The plan of the course and the labs in it say the same.
func TestPlan(t *testing.T) {
	all := course(t)
	for _, l := range all {
		p, ok := plan.Find(l.Code)
		if l.Track == "authors" {
			continue
		}
		if !ok || p.ID != l.ID || p.Track != l.Track || p.Minutes != l.Minutes || p.Level != l.Level {
			t.Errorf("%s (%s) is in the plan as %+v", l.ID, l.Code, p)
		}
		for _, o := range all {
			if slices.Contains(p.After, o.Code) != slices.Contains(l.Requires, o.ID) {
				t.Errorf("%s: the plan has it after %v, it requires %v", l.ID, p.After, l.Requires)
			}
		}
	}
	for _, k := range plan.Tracks() {
		if !slices.Contains(Tracks, k.ID) {
			t.Errorf("no lab can be in track %s", k.ID)
		}
	}
}

// Every live program loads, runs to its end, and has the step at which it opens.
func TestPlays(t *testing.T) {
	for _, l := range course(t) {
		for _, p := range l.Plays {
			if p.Source.Lang != "asm" {
				t.Errorf("%s:%d: a live program in C needs the server's compiler; write what it makes", l.ID, p.Line)
				continue
			}
			res := trial.Run(trial.Submission{Text: p.Source.Text}, trial.Exercise{Setup: p.Setup, Trace: p.Trace, Seed: 1})
			if res.Problems != nil || !res.Verdict.Accepted {
				t.Errorf("%s:%d: %v %s", l.ID, p.Line, res.Problems, res.Verdict.Message)
				continue
			}
			if p.View == "verify" {
				if n := walked(t, p); !strings.HasPrefix(p.Step, "A.") || number(t, p.Step[2:]) > n {
					t.Errorf("%s:%d: it opens at %s; path A has %d steps", l.ID, p.Line, p.Step, n)
				}
				continue
			}
			steps := 0
			for _, e := range res.Events {
				for _, f := range e.Fired {
					steps += int(f.Steps) + 1
					if f.Fault != "" {
						t.Errorf("%s:%d: %s", l.ID, p.Line, f.Fault)
					}
				}
			}
			if p.Step != "" && number(t, p.Step) >= steps {
				t.Errorf("%s:%d: it opens at step %s of %d", l.ID, p.Line, p.Step, steps)
			}
		}
	}
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// walked is how many instructions the verifier's first path has.
func walked(t *testing.T, p *Play) int {
	t.Helper()
	sub := trial.Submission{Text: p.Source.Text}
	src, problems := sub.Read(nil, 1)
	if problems != nil {
		t.Fatal(problems)
	}
	h, target, _ := src.Programs[0].Hook("")
	c := &firstPath{}
	if _, err := verifier.Verify(loader.Program(src, 0, h, target, verifier.Root), verifier.Config{KernelBTF: kernel.WithFunctions(), Tracer: c}); err != nil {
		t.Fatal(err)
	}
	return c.steps
}

type firstPath struct {
	steps int
	over  bool
}

func (c *firstPath) Trace(e *verifier.Event) {
	switch e.Kind {
	case verifier.EventPop:
		c.over = true
	case verifier.EventStep:
		if !c.over {
			c.steps++
		}
	}
}

// Package course puts labs on the web: it makes what the pages show of the
// labs' texts, and grades submissions where it counts.
//
//	labs, err := course.Read(labs.Content())
//	pages := web.Pages(reference.Data(), course.Pages(labs)...)
//	s := course.New(course.Config{Labs: labs, Module: wasm})
//	s.Register(mux)
//
// Read next: service.go, report.go; the graders are in server/grading.
package course

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"skep/labs"
	"skep/web"
)

// Read reads every folder of fsys as a lab, in the order of the course: by
// track and short name (F1, F6, H1).
func Read(fsys fs.FS) ([]*labs.Lab, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("labs: %w", err)
	}
	var all []*labs.Lab
	var wrong []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		l, errs := labs.Read(fsys, e.Name())
		for _, err := range errs {
			wrong = append(wrong, errors.New(err.Error()))
		}
		if l != nil && len(errs) == 0 {
			all = append(all, l)
		}
	}
	sortLabs(all)
	return all, errors.Join(wrong...)
}

// Pages is the labs as their pages show them.
func Pages(all []*labs.Lab) []*web.Lab {
	out := make([]*web.Lab, 0, len(all))
	for _, l := range all {
		out = append(out, Page(l))
	}
	return out
}

// Page is a lab as its page shows it.
func Page(l *labs.Lab) *web.Lab {
	p := &web.Lab{
		ID: l.ID, Code: l.Code, Title: l.Title["en"], Summary: l.Summary, Track: l.Track, Minutes: l.Minutes, Level: l.Level,
		Goals: l.Goals, Requires: l.Requires, HTML: scrolling(l.HTML(labs.Audience{})), Kernels: kernels(l), Privilege: privilege(l),
	}
	solutions := map[string][]web.LabSource{}
	for _, ex := range l.Exercises {
		p.Exercises = append(p.Exercises, web.LabExercise{
			ID: ex.ID, Title: ex.Title, Starters: sources(ex.Starters), Setup: ex.Setup, Trace: ex.Trace,
			Draws: draws(ex), Grade: open(ex), Hidden: len(ex.Grade.Hidden), Disagree: ex.Disagree,
		})
		solutions[ex.ID] = sources(ex.Solutions)
	}
	for _, q := range l.Questions {
		p.Questions = append(p.Questions, question(l, q))
	}
	p.Solutions, _ = json.Marshal(solutions) // strings and numbers always marshal
	return p
}

// scrolling lets the keyboard reach code and tables that are wider than the
// column.
func scrolling(html string) string {
	return strings.NewReplacer(`<pre>`, `<pre tabindex="0">`,
		`<table>`, `<div class="wide" tabindex="0" role="group" aria-label="Table"><table>`, `</table>`, `</table></div>`).Replace(html)
}

func kernels(l *labs.Lab) []string {
	if len(l.Verifier.Kernels) == 0 {
		return []string{"6.12"}
	}
	return l.Verifier.Kernels
}

func privilege(l *labs.Lab) string {
	if l.Verifier.Privilege == "" {
		return "root"
	}
	return l.Verifier.Privilege
}

func sources(list []labs.Source) []web.LabSource {
	var out []web.LabSource
	for i := range list {
		s := &list[i]
		to := web.LabSource{Lang: s.Lang, File: s.File, Text: s.Text}
		for _, r := range s.Editable {
			to.Editable = append(to.Editable, [2]int{r.First, r.Last})
		}
		out = append(out, to)
	}
	return out
}

func draws(ex *labs.Exercise) []web.LabDraw {
	var out []web.LabDraw
	for _, d := range ex.Draws {
		out = append(out, web.LabDraw(d))
	}
	return out
}

// open is a grade block without its hidden cases; their lines are empty, so
// that the others keep their numbers.
func open(ex *labs.Exercise) string {
	lines := strings.Split(ex.GradeText, "\n")
	for i := range ex.Grade.Hidden {
		lines[ex.Grade.Hidden[i].Line-1] = ""
	}
	return strings.Join(lines, "\n")
}

func question(l *labs.Lab, q *labs.Question) web.LabQuestion {
	out := web.LabQuestion{ID: q.ID, Kind: string(q.Kind), Points: q.Points, At: q.At, After: q.After, Reg: q.Reg}
	word := l.ID + "/" + q.ID
	switch q.Kind {
	case labs.Choose:
		right := 0
		for i, o := range q.Options {
			if o.Right {
				right++
			}
			out.Options = append(out.Options, web.LabOption{HTML: o.HTML, Seal: seal(word+"/"+strconv.Itoa(i), choice{o.Right, o.Why})})
		}
		out.One = right == 1
	case labs.Order:
		for _, i := range q.Shown {
			out.Options = append(out.Options, web.LabOption{HTML: q.Options[i].HTML})
		}
		out.Seal = seal(word, q.Shown)
	case labs.Predict:
		out.Source = q.Source.Text // what is known comes from the verifier
	case labs.Click:
		out.Source, out.Seal = q.Source.Text, seal(word, q.Answer)
	}
	return out
}

package web

import (
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"skep/labs/plan"
)

// entry is a lab as lists show it: what is planned of it, and the lab itself
// once it is written.
type entry struct {
	plan plan.Lab
	lab  *Lab // nil: not yet
}

// id names the entry in an address.
func (e *entry) id() string {
	if e.lab != nil {
		return e.lab.ID
	}
	return e.plan.ID
}

// title is the lab's own, which may be longer than the plan's.
func (e *entry) title() string {
	if e.lab != nil {
		return e.lab.Title
	}
	return e.plan.Title
}

// entry is what there is of a planned lab.
func (m *Manifest) entry(l plan.Lab) entry { return entry{l, m.lab(l.ID)} }

// entryOf is the same of a lab that is written.
func (m *Manifest) entryOf(l *Lab) *entry {
	if p, ok := plan.Find(l.Code); ok && p.ID == l.ID {
		return &entry{p, l}
	}
	return &entry{plan.Lab{Code: l.Code, ID: l.ID, Minutes: l.Minutes, Level: l.Level}, l}
}

func (m *Manifest) entries(list []plan.Lab) []entry {
	out := make([]entry, 0, len(list))
	for _, l := range list {
		out = append(out, m.entry(l))
	}
	return out
}

// part is the labs of a part of a path.
func (m *Manifest) part(p *plan.Part) []entry {
	out := make([]entry, 0, len(p.Codes))
	for _, code := range p.Codes {
		if l, ok := plan.Find(code); ok {
			out = append(out, m.entry(l))
		}
	}
	return out
}

// track is the labs of a track: those of the plan, and written ones that the
// plan does not know, such as those for authors or of a teacher's own.
func (m *Manifest) track(t *plan.Track) []entry {
	out := m.entries(t.In())
	if t.Topic != 0 {
		return out
	}
	for _, l := range m.Labs {
		if l.Track == t.ID && !slices.ContainsFunc(out, func(e entry) bool { return e.lab == l }) {
			out = append(out, *m.entryOf(l))
		}
	}
	return out
}

// before is the labs that come directly before an entry.
func (m *Manifest) before(e *entry) []entry {
	var out []entry
	for _, code := range e.plan.After {
		if l, ok := plan.Find(code); ok {
			out = append(out, m.entry(l))
		}
	}
	if e.lab == nil || e.plan.After != nil {
		return out
	}
	for _, id := range e.lab.Requires { // a lab outside of the plan
		if l := m.lab(id); l != nil {
			out = append(out, *m.entryOf(l))
		}
	}
	return out
}

// opened is the labs that need an entry.
func (m *Manifest) opened(e *entry) []entry {
	var out []entry
	for _, l := range plan.Labs() {
		if slices.Contains(l.After, e.plan.Code) {
			out = append(out, m.entry(l))
		}
	}
	return out
}

// count says how many of a list are written and how long it takes, in words.
func count(list []entry) string {
	written, minutes := 0, 0
	for i := range list {
		if list[i].lab != nil {
			written++
		}
		minutes += list[i].plan.Minutes
	}
	s := strconv.Itoa(len(list)) + " labs"
	if len(list) == 1 {
		s = "1 lab"
	}
	if written < len(list) {
		s += ", " + strconv.Itoa(written) + " of them written"
	}
	return s + ", " + duration(minutes)
}

// duration is minutes in words.
func duration(n int) string {
	switch {
	case n == 0:
		return "one to two weeks"
	case n < 100:
		return strconv.Itoa(n) + " minutes"
	}
	h := strconv.FormatFloat(float64((n+15)/30)/2, 'f', -1, 64)
	return "about " + h + " hours"
}

// written are the entries that can be done.
func written(list []entry) []entry {
	return slices.DeleteFunc(slices.Clone(list), func(e entry) bool { return e.lab == nil })
}

// pathEntries is every lab of a path, once.
func (m *Manifest) pathEntries(p *plan.Path) []entry {
	return m.part(&plan.Part{Codes: p.Codes()})
}

// partTitle says how many of a part's labs are to be done where not all are.
func partTitle(p *plan.Part) string {
	if p.Pick > 0 {
		return p.Title + " (" + strconv.Itoa(p.Pick) + " of " + strconv.Itoa(len(p.Codes)) + ")"
	}
	return p.Title
}

// coursePages are the tracks and paths.
func coursePages() []page {
	var out []page
	add := func(folder, id string, view func(*Manifest, string) templ.Component) {
		out = append(out, page{"/labs/" + folder + "/" + id + "/{$}", strings.Join([]string{"labs", folder, id, "index.html"}, "/"), "../../../", view})
	}
	for _, t := range append(plan.Tracks(), plan.Subjects()...) {
		add("tracks", t.ID, func(m *Manifest, root string) templ.Component { return trackPage(m, &t, root) })
	}
	for _, p := range plan.Paths() {
		add("plans", p.ID, func(m *Manifest, root string) templ.Component { return pathPage(m, &p, root) })
	}
	return out
}

package labs

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// Play is a program that can be stepped where it stands in the text.
type Play struct {
	ID      string
	Caption string // one sentence: what to watch
	Line    int    // of lab.md
	Source  Source
	Trace   string // in the event language of vm/world; packets are "pkt ..."
	Setup   string // events before the program is attached
	View    string // run, verify, both
	// Step is where it opens: a number of the run, or a step of the verifier's
	// walk such as A.7 (path A, its seventh step).
	Step string
	Pane string // what stands in front beside the transport, "" is the bytecode
	Edit bool   // the program can be changed
}

// Views and panes of a Play.
var (
	views = []string{"run", "verify", "both"}
	panes = []string{"code", "regs", "packet", "stack", "maps", "ctx", "calls", "output"}
	walks = []string{"code", "regs", "memory", "stack", "tree"} // panes of the verifier's walk
)

// Picture is a drawing beside the text.
type Picture struct {
	ID, Caption string
	Alt         string // what it shows, in words
	Line        int    // of lab.md

	svg string // as it is put into the page
}

func (r *reader) play(d *directive, a *attributes) {
	p := &Play{ID: a.word(0), Caption: a.word(1), Line: r.line(d.offset), View: a.get("view"), Step: a.get("step"), Pane: a.get("pane"), Edit: a.get("edit") == "yes"}
	r.identifier(p.ID, d.offset, "play")
	if p.Caption == "" {
		r.failDoc(d.offset, "a live program needs a sentence that says what to watch: "+form("play"))
	}
	if p.View == "" {
		p.View = "run"
	}
	if !slices.Contains(views, p.View) {
		r.failDoc(d.offset, "view= is one of "+strings.Join(views, ", "))
	}
	if !isStep(p.Step, p.View == "verify") {
		r.failDoc(d.offset, "step= is a number in a run, and path and number such as A.7 in a walk of the verifier")
	}
	has := panes
	if p.View == "verify" {
		has = walks
	}
	if p.Pane != "" && !slices.Contains(has, p.Pane) {
		r.failDoc(d.offset, "pane= is one of "+strings.Join(has, ", "))
	}
	if e := a.get("edit"); e != "" && e != "yes" {
		r.failDoc(d.offset, "edit= is yes, or left out")
	}
	r.programs(d, func(s Source) {
		if p.Source.Text != "" {
			r.failDoc(d.offset, "a live program is one ```asm or ```c block")
		}
		p.Source = s
	})
	if p.Source.Text == "" {
		r.failDoc(d.offset, "there is no program to step: an ```asm or ```c block is missing")
	}
	r.events(d, &p.Setup, &p.Trace)
	r.lab.Plays = append(r.lab.Plays, p)
}

// isStep says whether s is a step of a run or, with walk, of the verifier's;
// "" is the first one of either.
func isStep(s string, walk bool) bool {
	if s == "" {
		return true
	}
	number := s
	if walk {
		p, n, ok := strings.Cut(s, ".")
		if !ok || p == "" || strings.Trim(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			return false
		}
		number = n
	}
	_, err := strconv.ParseUint(number, 10, 31)
	return err == nil
}

func (r *reader) picture(d *directive, a *attributes) {
	p := &Picture{ID: a.word(0), Caption: a.word(1), Alt: a.get("alt"), Line: r.line(d.offset)}
	r.identifier(p.ID, d.offset, "picture")
	switch {
	case len(strings.Fields(p.Alt)) < 5:
		r.failDoc(d.offset, "a picture needs alt=\"…\", a sentence for those who do not see it: "+form("picture"))
	case p.Alt == p.Caption:
		r.failDoc(d.offset, "alt= says what the picture shows, not the caption again")
	}
	from := a.get("from")
	if from == "" || from != path.Base(from) || path.Ext(from) != ".svg" {
		r.failDoc(d.offset, "from= is an SVG file in the lab's folder: "+form("picture"))
		return
	}
	name := path.Join(r.folder, from)
	b, err := r.load(name)
	if err != nil {
		r.failDoc(d.offset, "from="+from+": "+err.Error())
		return
	}
	svg, bad := drawing(b, p.Alt)
	if bad != nil {
		bad.File = name
		r.errs = append(r.errs, *bad)
	}
	p.svg = svg
	r.lab.Pictures = append(r.lab.Pictures, p)
}

// picture is the one with an identifier, nil when there is none.
func (l *Lab) picture(id string) *Picture {
	for _, p := range l.Pictures {
		if p.ID == id {
			return p
		}
	}
	return nil
}

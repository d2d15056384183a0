package labs

import (
	"path"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"

	"skep/labs/grade"
)

// fence reads a fenced block of an exercise: its starter, draw, setup, trace or
// grade block. Blocks with other languages are prose.
func (r *reader) fence(n *ast.FencedCodeBlock, ex *Exercise) {
	lang := string(n.Language(r.lab.source))
	switch lang {
	case "c", "asm":
		if s, ok := r.source(n, lang); ok && ex != nil && s.File != "" {
			if ex.starter(lang) != nil {
				r.failDoc(r.place(n), "the exercise has a starter in this language already; other programs are written without file=")
			}
			ex.Starters = append(ex.Starters, s)
		}
	case "draw", "setup", "trace", "grade":
		body := r.body(n)
		first := r.line(r.place(n)) + 1
		switch {
		case ex == nil:
			r.failDoc(r.place(n), "a "+lang+" block stands inside an :::exercise")
		case lang == "draw" && ex.Setup+ex.Trace+ex.GradeText != "":
			r.failDoc(r.place(n), "a draw block stands before the setup, trace and grade blocks")
		case lang == "draw":
			r.draws(ex, body, first)
		case lang == "setup":
			ex.Setup += body
		case lang == "trace":
			ex.Trace, ex.TraceLine = ex.Trace+body, first
		case ex.Grade != nil:
			r.failDoc(r.place(n), "the exercise has a grade block already")
		default:
			var errs []grade.Error
			ex.Grade, errs = grade.Parse(ex.filler(1)(body))
			ex.GradeText, ex.GradeLine = body, first
			for _, e := range errs {
				r.errs = append(r.errs, Error{r.file, first + e.Line - 1, e.Col, e.Msg})
			}
		}
	}
}

// programs gives the C and assembly blocks below a node.
func (r *reader) programs(parent ast.Node, to func(Source)) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		if c, ok := n.(*ast.FencedCodeBlock); ok {
			if lang := string(c.Language(r.lab.source)); lang == "c" || lang == "asm" {
				if s, ok := r.source(c, lang); ok {
					to(s)
				}
			}
			continue
		}
		if n.Type() == ast.TypeBlock {
			r.programs(n, to)
		}
	}
}

// events collects the setup and trace blocks that stand directly in a node.
func (r *reader) events(parent ast.Node, setup, trace *string) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		c, ok := n.(*ast.FencedCodeBlock)
		if !ok {
			continue
		}
		switch string(c.Language(r.lab.source)) {
		case "setup":
			*setup += r.body(c)
		case "trace":
			*trace += r.body(c)
		}
	}
}

func (r *reader) body(n ast.Node) string {
	return string(n.Lines().Value(r.lab.source))
}

// source reads "```c file=NAME from=PATH editable=3-7,9".
func (r *reader) source(n *ast.FencedCodeBlock, lang string) (Source, bool) {
	s := Source{Lang: lang}
	at := r.place(n)
	a, col, msg := readAttributes(string(n.Info.Value(r.lab.source)))
	if msg != "" {
		r.failDoc(at+col, msg)
		return s, false
	}
	if u, bad := a.unknown("file", "from", "editable"); bad {
		r.failDoc(at+u.col, "unknown attribute "+strconv.Quote(u.name)+"; a program is written ```c file=NAME from=PATH editable=3-7,9 or 5-")
		return s, false
	}
	s.File = a.get("file")
	if s.File != path.Base(s.File) && s.File != "" {
		r.failDoc(at, "file= is a name without folders")
		return s, false
	}
	if from := a.get("from"); from != "" {
		name := path.Join(r.folder, from)
		if !strings.HasPrefix(name, r.folder+"/") {
			r.failDoc(at, "from= is a file in the lab's folder")
			return s, false
		}
		b, err := r.load(name)
		if err != nil {
			r.failDoc(at, "from="+from+": "+err.Error())
			return s, false
		}
		s.Text = string(b)
	} else {
		s.Text, s.Line = r.body(n), r.line(at)+1
	}
	for _, part := range strings.Split(a.get("editable"), ",") {
		if part == "" {
			continue
		}
		l, ok := lines(part, strings.Count(strings.TrimSuffix(s.Text, "\n"), "\n")+1)
		if !ok {
			r.failDoc(at, "editable= is lines of the program, such as 3-7,9 or 5-")
			return s, false
		}
		s.Editable = append(s.Editable, l)
	}
	return s, true
}

// lines reads "9", "3-7" or "5-" of a text of end lines.
func lines(s string, end int) (Lines, bool) {
	a, b, ok := strings.Cut(s, "-")
	first, err := strconv.Atoi(a)
	last := first
	switch {
	case ok && b == "": // "5-": to the end
		last = end
	case ok && err == nil:
		last, err = strconv.Atoi(b)
	}
	return Lines{first, last}, err == nil && first >= 1 && first <= last && last <= end
}

package labs

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"skep/labs/grade"
)

// Error says where a lab cannot be read and what to write there.
type Error struct {
	File      string
	Line, Col int // from 1
	Msg       string
}

func (e *Error) Error() string {
	return e.File + ":" + strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Col) + ": " + e.Msg
}

// maxLab bounds lab.md and each source beside it.
const maxLab = 1 << 20

// Read reads the lab in folder dir of fsys. All errors are returned; the lab
// is nil only when lab.md cannot be read at all.
func Read(fsys fs.FS, dir string) (*Lab, []Error) {
	r := &reader{fsys: fsys, dir: path.Base(dir), folder: dir, file: path.Join(dir, "lab.md"), lab: &Lab{}, ids: map[string]int{}}
	b, err := r.load(r.file)
	if err != nil {
		return nil, []Error{{r.file, 1, 1, err.Error()}}
	}
	r.text = strings.ReplaceAll(string(b), "\r\n", "\n")
	start := r.front()
	// The front matter is blanked, not cut, so that offsets stay those of the file.
	src := []byte(strings.Repeat("\n", strings.Count(r.text[:start], "\n")) + r.text[start:])
	r.shift = len(r.text) - len(src)
	r.lab.source = src
	r.lab.doc = markdown().Parser().Parse(text.NewReader(src))
	r.blocks(r.lab.doc, nil)
	if len(r.lab.Exercises)+len(r.lab.Questions) == 0 && len(r.errs) == 0 {
		r.fail(0, "a lab has at least one :::exercise or question")
	}
	slices.SortStableFunc(r.errs, func(a, b Error) int { return a.Line - b.Line })
	return r.lab, r.errs
}

type reader struct {
	fsys   fs.FS
	dir    string // the folder's name
	folder string
	file   string
	text   string
	shift  int // offsets of the document are smaller by this
	lab    *Lab
	errs   []Error
	ids    map[string]int // identifiers in use, with their line
}

func (r *reader) load(name string) ([]byte, error) {
	info, err := fs.Stat(r.fsys, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxLab {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	return fs.ReadFile(r.fsys, name)
}

// fail notes an error at an offset of the file.
func (r *reader) fail(offset int, msg string) {
	offset = max(0, min(offset, len(r.text)))
	before := r.text[:offset]
	line := 1 + strings.Count(before, "\n")
	col := offset - (strings.LastIndexByte(before, '\n') + 1) + 1
	r.errs = append(r.errs, Error{r.file, line, col, msg})
}

// failDoc notes an error at an offset of the document.
func (r *reader) failDoc(offset int, msg string) { r.fail(offset+r.shift, msg) }

func (r *reader) line(docOffset int) int {
	return 1 + strings.Count(r.text[:max(0, min(docOffset+r.shift, len(r.text)))], "\n")
}

// place is an offset of the document where a node begins.
func (r *reader) place(n ast.Node) int {
	if d, ok := n.(*directive); ok {
		return d.offset
	}
	if c, ok := n.(*ast.FencedCodeBlock); ok && c.Info != nil {
		return c.Info.Segment.Start
	}
	if n.Type() == ast.TypeBlock && n.Lines() != nil && n.Lines().Len() > 0 {
		return n.Lines().At(0).Start
	}
	return max(n.Pos(), 0)
}

// blocks reads the children of a node; ex is the exercise they stand in.
func (r *reader) blocks(parent ast.Node, ex *Exercise) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *directive:
			r.directive(n, ex)
		case *ast.FencedCodeBlock:
			r.fence(n, ex)
		default:
			if n.Type() == ast.TypeBlock {
				r.blocks(n, ex)
			}
		}
	}
}

// directives are the names, where they may stand and how they are read.
var directiveDocs = []struct{ name, form string }{
	{"exercise", `:::exercise ID "Title" level=1..5 [disagree="why a kernel may differ"]`},
	{"hint", ":::hint"},
	{"solution", ":::solution"},
	{"wrong", `:::wrong "What students write" message="part of the verifier's last line" or fails="text of a rule"`},
	{"choose", `:::choose ID, then the question and a list of - [x] right and - [ ] wrong`},
	{"order", `:::order ID, then the question and a numbered list in the right order`},
	{"predict", `:::predict ID reg=r0 at="call bpf_map_lookup_elem" answer=map_value_or_null`},
	{"click", `:::click ID answer="exit"`},
	{"play", `:::play ID "What to watch" view=run|verify|both step=12 or A.7 [pane=regs] [edit=yes]`},
	{"picture", `:::picture ID "Caption" from=NAME.svg alt="What it shows"`},
	{"check", ":::check, around the questions at the end"},
	{"teacher", ":::teacher"},
	{"note", ":::note"},
}

func (r *reader) directive(d *directive, ex *Exercise) {
	a, col, msg := readAttributes(d.rest)
	if msg != "" {
		r.failDoc(d.offset+len(d.name)+col, msg)
	}
	if !d.closed {
		r.failDoc(d.offset, ":::"+d.name+" has no end: a line ::: is missing")
	}
	allow := func(names ...string) {
		if n, bad := a.unknown(names...); bad {
			r.failDoc(d.offset+len(d.name)+n.col, "unknown attribute "+strconv.Quote(n.name)+"; it is written "+form(d.name))
		}
	}
	inside := func() bool {
		if ex == nil {
			r.failDoc(d.offset, ":::"+d.name+" stands inside an :::exercise")
		}
		return ex != nil
	}
	switch d.name {
	case "exercise":
		allow("level", "disagree")
		if ex != nil {
			r.failDoc(d.offset, "an exercise cannot stand inside another; is a ::: missing before?")
			return
		}
		r.exercise(d, &a)
	case "hint":
		allow()
		if inside() {
			ex.Hints++
			r.blocks(d, nil)
		}
	case "solution":
		allow()
		if inside() {
			r.programs(d, func(s Source) { ex.Solutions = append(ex.Solutions, s) })
		}
	case "wrong":
		allow("message", "fails")
		if inside() {
			r.wrong(d, &a, ex)
		}
	case "choose", "order", "predict", "click":
		r.question(d, &a, ex, allow)
	case "play":
		allow("view", "step", "pane", "edit")
		r.play(d, &a)
	case "picture":
		allow("from", "alt")
		r.picture(d, &a)
	case "check", "note":
		allow()
		r.blocks(d, ex)
	case "teacher":
		allow()
		r.lab.Teacher = true
		r.blocks(d, nil)
	default:
		var names []string
		for _, k := range directiveDocs {
			names = append(names, k.name)
		}
		r.failDoc(d.offset, "unknown directive "+strconv.Quote(d.name)+"; there are "+strings.Join(names, ", "))
	}
}

func form(name string) string {
	for _, k := range directiveDocs {
		if k.name == name {
			return k.form
		}
	}
	return ""
}

// identifier checks that an ID is one and is not taken.
func (r *reader) identifier(id string, offset int, of string) {
	ok := id != ""
	for i := range len(id) {
		ok = ok && (id[i] == '-' || id[i] >= '0' && id[i] <= '9' || id[i] >= 'a' && id[i] <= 'z')
	}
	if !ok {
		r.failDoc(offset, "an identifier of small letters, digits and - is missing: "+form(of))
		return
	}
	if line := r.ids[id]; line > 0 {
		r.failDoc(offset, "the identifier "+strconv.Quote(id)+" is taken by line "+strconv.Itoa(line))
	}
	r.ids[id] = r.line(offset)
}

func (r *reader) exercise(d *directive, a *attributes) {
	ex := &Exercise{ID: a.word(0), Title: a.word(1), Line: r.line(d.offset), Disagree: a.get("disagree"), Level: r.lab.Level}
	r.identifier(ex.ID, d.offset, "exercise")
	if ex.Title == "" {
		r.failDoc(d.offset, "an exercise needs a title: "+form("exercise"))
	}
	if l := a.get("level"); l != "" {
		n, err := strconv.Atoi(l)
		if err != nil || n < 1 || n > 5 {
			r.failDoc(d.offset, "a level is 1 (read) to 5 (open design)")
		}
		ex.Level = n
	}
	r.lab.Exercises = append(r.lab.Exercises, ex)
	r.blocks(d, ex)
	r.drawn(ex, d.offset)
	switch {
	case len(ex.Starters) == 0:
		r.failDoc(d.offset, "the exercise has no starter: a ```c file=NAME.bpf.c or ```asm block")
	case ex.Grade == nil:
		r.failDoc(d.offset, "the exercise has no ```grade block")
	case len(ex.Solutions) == 0:
		r.failDoc(d.offset, "the exercise has no :::solution, so nothing proves that it can be solved")
	}
}

func (r *reader) wrong(d *directive, a *attributes, ex *Exercise) {
	w := Wrong{Title: a.word(0), Message: a.get("message"), Line: r.line(d.offset)}
	if f := a.get("fails"); f != "" {
		w.Fails = strings.Split(f, ";")
		for i := range w.Fails {
			w.Fails[i] = strings.TrimSpace(w.Fails[i])
		}
	}
	if w.Message == "" && len(w.Fails) == 0 {
		r.failDoc(d.offset, "a wrong answer says what must come of it: "+form("wrong"))
	}
	for _, f := range w.Fails {
		if ex.Grade != nil && !hasRule(ex.Grade, ex.filler(1)(f)) {
			r.failDoc(d.offset, "no rule of the grade block contains "+strconv.Quote(f))
		}
	}
	r.programs(d, func(s Source) { w.Source = s })
	if w.Source.Text == "" {
		r.failDoc(d.offset, "the wrong answer has no program: a ```c or ```asm block")
	}
	ex.Wrong = append(ex.Wrong, w)
}

func hasRule(s *grade.Spec, text string) bool {
	for i := range s.Rules {
		if strings.Contains(s.Rules[i].Text, text) {
			return true
		}
	}
	for i := range s.Hidden {
		if hasRule(s.Hidden[i].Spec, text) {
			return true
		}
	}
	return false
}

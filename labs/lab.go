package labs

import (
	"github.com/yuin/goldmark/ast"

	"skep/labs/grade"
)

// Lab is a lab as its author wrote it.
type Lab struct {
	Front
	Exercises []*Exercise
	Questions []*Question // in the order of the text
	Plays     []*Play
	Pictures  []*Picture
	Teacher   bool // there are teacher notes

	source []byte
	doc    ast.Node
}

// Front is the front matter of lab.md.
type Front struct {
	ID       string            `yaml:"id"`    // the folder's name
	Title    map[string]string `yaml:"title"` // by language; en is always there
	Summary  string            `yaml:"summary"`
	Track    string            `yaml:"track"` // one of Tracks
	Code     string            `yaml:"code"`  // the course's short name: H9
	Requires []string          `yaml:"requires"`
	Minutes  int               `yaml:"minutes"`
	Level    int               `yaml:"level"` // 1 read to 5 open design
	Goals    []string          `yaml:"goals"`
	Book     string            `yaml:"book"`
	Verifier Verifier          `yaml:"verifier"`
}

// Verifier is whose verdict counts.
type Verifier struct {
	Kernels   []string `yaml:"kernels"`   // "6.12", "6.1"; empty: 6.12
	Privilege string   `yaml:"privilege"` // root (also ""), cap_bpf, unprivileged
}

// Exercise is a program to write or to fix.
type Exercise struct {
	ID, Title string
	Level     int
	Line      int      // of lab.md
	Draws     []Draw   // numbers of each student's own: For puts them in
	Starters  []Source // what the student begins with, one a language
	Setup     string   // events before the programs are attached
	Trace     string   // in the event language of vm/world
	TraceLine int      // line of lab.md of the trace's first line
	Grade     *grade.Spec
	GradeText string
	GradeLine int
	Hints     int
	Solutions []Source
	Wrong     []Wrong
	// Disagree is why the simulator and a real kernel may differ here; ""
	// where they must agree.
	Disagree string
}

// starter is the starter in a language, nil when there is none.
func (ex *Exercise) starter(lang string) *Source {
	for i := range ex.Starters {
		if ex.Starters[i].Lang == lang {
			return &ex.Starters[i]
		}
	}
	return nil
}

// Source is a program's text.
type Source struct {
	Lang string // c, asm
	File string // as the student sees it
	Text string
	Line int // of lab.md, 0: it stands in a file beside
	// Editable is the lines that a student may change, from 1 and inclusive;
	// none: all of them.
	Editable []Lines
}

// Lines is a range of lines, from 1, both ends included.
type Lines struct{ First, Last int }

// Wrong is what students really write, and what must come of it.
type Wrong struct {
	Title   string
	Source  Source
	Message string   // part of what the verifier says last, when it must reject
	Fails   []string // texts of the rules that must fail, when the verifier accepts
	Line    int
}

// QuestionKind is how a question is answered.
type QuestionKind string

const (
	Choose  QuestionKind = "choose"  // pick all right ones
	Order   QuestionKind = "order"   // put into order
	Predict QuestionKind = "predict" // say the state of a register or slot; graded by soundness
	Click   QuestionKind = "click"   // point at an instruction
)

// Question is a question with an answer that can be checked at once.
type Question struct {
	ID       string
	Kind     QuestionKind
	Line     int
	Points   int
	Exercise string // the exercise that it stands in, "" for none

	Options []Option // Choose: as written; Order: in the right order
	// Shown is, of Order, the options in the order of the page, which is not
	// the right one: Options[Shown[0]] comes first.
	Shown []int

	// Predict and Click are about a program: its source, or the starter of
	// the exercise they stand in.
	Source Source
	At     string // text of the instruction in the kernel's syntax, "call bpf_map_lookup_elem"; with after=, the state behind it
	After  bool
	Reg    string // r0 to r10, or fp-8
	Answer string // Predict: "0..15", "map_value_or_null", a number; Click: text of the right instruction
}

// Option is an answer that can be picked.
type Option struct {
	HTML  string
	Right bool
	Why   string // HTML, shown once it was picked
}

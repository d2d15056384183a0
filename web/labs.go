package web

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/a-h/templ"
)

// Lab is a lab as its page shows it. Package server/course makes it of the
// lab's text, which this package may not import. What has a JSON name is in
// the page for its script.
type Lab struct {
	ID        string        `json:"id"`
	Code      string        `json:"code"` // H9
	Title     string        `json:"title"`
	Privilege string        `json:"privilege"`
	Kernels   []string      `json:"kernels"`
	Exercises []LabExercise `json:"exercises"`
	Questions []LabQuestion `json:"questions"`

	Summary  string   `json:"-"`
	Track    string   `json:"-"`
	Minutes  int      `json:"-"`
	Level    int      `json:"-"`
	Goals    []string `json:"-"`
	Requires []string `json:"-"` // identifiers of labs
	HTML     string   `json:"-"` // the text, without solutions; trusted
	// Solutions is the JSON file that the page fetches when a student asks:
	// sources by exercise.
	Solutions []byte `json:"-"`
}

// LabExercise is what <skep-exercise> works with.
type LabExercise struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	// Draws are numbers of each student's own: $NAME in the texts below.
	Draws    []LabDraw   `json:"draws,omitempty"`
	Starters []LabSource `json:"starters"`
	Setup    string      `json:"setup"`
	Trace    string      `json:"trace"`
	Grade    string      `json:"grade"` // without its hidden cases
	// Hidden is how many cases only the server tries.
	Hidden int `json:"hidden,omitempty"`
	// Disagree is why a real kernel may grade otherwise; usually empty.
	Disagree string `json:"disagree,omitempty"`
}

// LabDraw is a number that is drawn for each student, from lo to hi.
type LabDraw struct {
	Name string `json:"name"`
	Lo   int64  `json:"lo"`
	Hi   int64  `json:"hi"`
}

// LabSource is a program in a language, "c" or "asm".
type LabSource struct {
	Lang string `json:"lang"`
	File string `json:"file"`
	Text string `json:"text"`
	// Editable is ranges of lines, from 1 and inclusive; none: all lines.
	Editable [][2]int `json:"editable,omitempty"`
}

// LabQuestion is what <skep-question> works with.
type LabQuestion struct {
	ID      string      `json:"id"`
	Kind    string      `json:"kind"` // choose, order, predict, click
	Points  int         `json:"points"`
	Options []LabOption `json:"options,omitempty"`
	One     bool        `json:"one,omitempty"`    // choose: one answer is right
	Source  string      `json:"source,omitempty"` // assembly, of predict and click
	At      string      `json:"at,omitempty"`
	After   bool        `json:"after,omitempty"`
	Reg     string      `json:"reg,omitempty"`
	// Seal holds, for src/lab/seal.ts: of order the place of each option, of
	// click the instruction.
	Seal string `json:"seal,omitempty"`
}

// LabOption is an answer that can be picked; HTML is trusted.
type LabOption struct {
	HTML string `json:"html"`
	// Seal holds, of choose, whether it is right and why.
	Seal string `json:"seal,omitempty"`
}

const solutionsFile = "solutions.json"

// lab is the lab with an identifier, nil for one that is not here.
func (m *Manifest) lab(id string) *Lab {
	for _, l := range m.Labs {
		if l.ID == id {
			return l
		}
	}
	return nil
}

// levelTitle says what a level asks of a student.
func levelTitle(n int) string {
	switch n {
	case 1:
		return "read and change a line"
	case 2:
		return "complete a program"
	case 3:
		return "write a program"
	case 4:
		return "write and measure"
	}
	return "open design"
}

func (l *Lab) count() string {
	if n := len(l.Exercises); n != 1 {
		return strconv.Itoa(n) + " exercises"
	}
	return "1 exercise"
}

func labPages(labs []*Lab) []page {
	var out []page
	for _, l := range labs {
		out = append(out, page{"/labs/" + l.ID + "/{$}", "labs/" + l.ID + "/index.html", "../../",
			func(m *Manifest, root string) templ.Component { return labPage(m, l, root) }})
	}
	return out
}

// LabPage renders one lab as it is now; for previews.
func LabPage(l *Lab) http.Handler {
	m, err := ReadManifest(Assets())
	if err != nil {
		return handler(http.StatusServiceUnavailable, func(*http.Request) templ.Component { return unbuiltPage(err.Error()) })
	}
	m.Labs = []*Lab{l}
	return handler(http.StatusOK, func(*http.Request) templ.Component { return labPage(m, l, "../../") })
}

// LabErrors says what is wrong in a lab that is being written.
func LabErrors(name string, errs []string) http.Handler {
	m, err := ReadManifest(Assets())
	if err != nil {
		m = &Manifest{}
	}
	return handler(http.StatusUnprocessableEntity, func(*http.Request) templ.Component { return labErrors(m, "../../", name, errs) })
}

func solutions(l *Lab) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		w.Write(l.Solutions)
	})
}

// trusted writes HTML that labs made of Markdown without raw HTML.
func trusted(html string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, html)
		return err
	})
}

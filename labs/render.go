package labs

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// Audience is what a reader may see beside the text.
type Audience struct {
	Solutions bool // solutions, closed until opened
	Teacher   bool // wrong answers and teacher notes
}

// HTML is the lab's text. Exercises and questions are sections with an
// element (skep-exercise, skep-question) that holds what can be read without a
// script; the page gives those elements the exercise's data.
func (l *Lab) HTML(a Audience) string {
	var b bytes.Buffer
	if err := l.renderer(a).Render(&b, l.source, l.doc); err != nil {
		return "" // a bytes.Buffer does not fail
	}
	return b.String() + l.appendix()
}

// appendix is the hints once more, for paper, where they would stand too near
// to their exercises.
func (l *Lab) appendix() string {
	var b strings.Builder
	for n := l.doc.FirstChild(); n != nil; n = n.NextSibling() {
		d, ok := n.(*directive)
		if !ok || d.name != "exercise" {
			continue
		}
		hints := ""
		for h := d.FirstChild(); h != nil; h = h.NextSibling() {
			hint, ok := h.(*directive)
			if !ok || hint.name != "hint" {
				continue
			}
			hints += "<li>"
			for c := hint.FirstChild(); c != nil; c = c.NextSibling() {
				hints += l.fragment(c)
			}
			hints += "</li>\n"
		}
		if hints != "" {
			a, _, _ := readAttributes(d.rest)
			b.WriteString("<h3>" + escape(a.word(1)) + "</h3>\n<ol>\n" + hints + "</ol>\n")
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "<section class=\"appendix\"><h2>Hints</h2>\n" + b.String() + "</section>\n"
}

// fragment is the HTML of one node.
func (l *Lab) fragment(n ast.Node) string {
	var b bytes.Buffer
	if err := l.renderer(Audience{}).Render(&b, l.source, n); err != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}

func (l *Lab) renderer(a Audience) renderer.Renderer {
	r := markdown().Renderer()
	r.AddOptions(renderer.WithNodeRenderers(util.Prioritized(&htmlRenderer{lab: l, audience: a}, 100)))
	return r
}

type htmlRenderer struct {
	lab      *Lab
	audience Audience
	hints    int
	shown    string // the exercise whose element was written last
}

func (h *htmlRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(kindDirective, h.directive)
	reg.Register(ast.KindFencedCodeBlock, h.fence)
	reg.Register(extast.KindTaskCheckBox, func(util.BufWriter, []byte, ast.Node, bool) (ast.WalkStatus, error) {
		return ast.WalkContinue, nil // which answer is right is not in the text
	})
}

func (h *htmlRenderer) directive(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	d := n.(*directive)
	a, _, _ := readAttributes(d.rest)
	open, end := "", ""
	switch d.name {
	case "exercise":
		h.hints = 0
		open = `<section class="exercise" id="` + escape(a.word(0)) + `"><h2>` + escape(a.word(1)) + `</h2>`
		end = `</section>`
	case "hint":
		if entering {
			h.hints++
		}
		open = `<details class="hint"><summary>Hint ` + string(rune('0'+h.hints%10)) + `</summary>`
		end = `</details>`
	case "solution":
		if !h.audience.Solutions {
			return ast.WalkSkipChildren, nil
		}
		open, end = `<details class="solution"><summary>A solution</summary>`, `</details>`
	case "wrong":
		if !h.audience.Teacher {
			return ast.WalkSkipChildren, nil
		}
		open, end = `<details class="wrong"><summary>Wrong answer: `+escape(a.word(0))+`</summary>`, `</details>`
	case "teacher":
		if !h.audience.Teacher {
			return ast.WalkSkipChildren, nil
		}
		open, end = `<section class="teacher"><h2>For the teacher</h2>`, `</section>`
	case "check":
		open, end = `<section class="check"><h2>Check yourself</h2>`, `</section>`
	case "choose", "order", "predict", "click":
		open = `<section class="question" id="` + escape(a.word(0)) + `"><skep-question question="` + escape(a.word(0)) + `" kind="` + d.name + `">`
		end = `</skep-question></section>`
	case "note":
		open, end = `<aside class="note">`, `</aside>`
	case "play":
		open, end = playTags(&a)
	case "picture":
		if p := h.lab.picture(a.word(0)); p != nil && entering {
			w.WriteString(`<figure class="picture" id="` + escape(p.ID) + `"><div class="wide" tabindex="0" role="group" aria-label="Picture">` + p.svg + `</div>`)
			if p.Caption != "" {
				w.WriteString(`<figcaption>` + caption(p.Caption) + `</figcaption>`)
			}
			w.WriteString("</figure>\n")
		}
		return ast.WalkSkipChildren, nil
	}
	if entering {
		w.WriteString(open + "\n")
	} else {
		w.WriteString(end + "\n")
	}
	return ast.WalkContinue, nil
}

// playTags are around a live program. What stands in the element is its text
// and its events, which print and pages without a script show.
func playTags(a *attributes) (open, end string) {
	id := escape(a.word(0))
	open = `<figure class="play" id="` + id + `"><skep-live aria-label="` + escape(strings.ReplaceAll(a.word(1), "`", "")) + `"`
	for _, name := range []string{"view", "step", "pane", "edit"} {
		if v := a.get(name); v != "" {
			open += " " + name + `="` + escape(v) + `"`
		}
	}
	return open + ">", `</skep-live><figcaption>` + caption(a.word(1)) + ` <a class="self" href="#` + id + `">Step through it</a></figcaption></figure>`
}

// caption is a sentence in which what stands between backquotes is code.
func caption(s string) string {
	parts := strings.Split(s, "`")
	for i := range parts {
		if parts[i] = escape(parts[i]); i%2 == 1 && i < len(parts)-1 {
			parts[i] = "<code>" + parts[i] + "</code>"
		}
	}
	return strings.Join(parts, "")
}

// fence writes a starter as the exercise's element; traces and grade blocks
// are shown by it, not by the text.
func (h *htmlRenderer) fence(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	c := n.(*ast.FencedCodeBlock)
	lang := string(c.Language(source))
	if lang == "draw" || lang == "setup" || lang == "trace" || lang == "grade" {
		if d, ok := n.Parent().(*directive); ok && d.name == "play" {
			w.WriteString(`<pre class="` + lang + `"><code>` + escape(string(c.Lines().Value(source))) + "</code></pre>\n")
		}
		return ast.WalkSkipChildren, nil
	}
	exercise := ""
	if c.Info != nil && (lang == "c" || lang == "asm") {
		if a, _, _ := readAttributes(string(c.Info.Value(source))); a.get("file") != "" {
			exercise = exerciseOf(n)
		}
	}
	if exercise != "" && exercise == h.shown {
		return ast.WalkSkipChildren, nil // the element has the starters in other languages
	}
	if exercise != "" {
		h.shown = exercise
		w.WriteString(`<skep-exercise exercise="` + escape(exercise) + `">`)
	}
	w.WriteString(`<pre><code`)
	if lang != "" {
		w.WriteString(` class="language-` + escape(lang) + `"`)
	}
	w.WriteString(`>` + escape(string(c.Lines().Value(source))) + `</code></pre>`)
	if exercise != "" {
		w.WriteString(`</skep-exercise>`)
	}
	w.WriteString("\n")
	return ast.WalkSkipChildren, nil
}

// exerciseOf is the identifier of the exercise that a node is a direct part of.
func exerciseOf(n ast.Node) string {
	if d, ok := n.Parent().(*directive); ok && d.name == "exercise" {
		a, _, _ := readAttributes(d.rest)
		return a.word(0)
	}
	return ""
}

func escape(s string) string { return string(util.EscapeHTML([]byte(s))) }

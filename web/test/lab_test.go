package test

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"skep/labs"
	"skep/server/course"
	"skep/server/reference"
	"skep/web"
)

var readLabs = sync.OnceValues(func() ([]*labs.Lab, error) { return course.Read(labs.Content()) })

func labsOf(t *testing.T) []*labs.Lab {
	t.Helper()
	all, err := readLabs()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func labOf(t *testing.T, id string) *labs.Lab {
	t.Helper()
	for _, l := range labsOf(t) {
		if l.ID == id {
			return l
		}
	}
	t.Fatalf("no lab %s", id)
	return nil
}

// grading is the API that grades, with the module that the page has too.
func grading(t *testing.T) http.Handler {
	t.Helper()
	module, err := fs.ReadFile(web.Assets(), manifest(t).Grade)
	if err != nil {
		t.Fatal(err)
	}
	s := course.New(course.Config{Labs: labsOf(t), Module: module})
	if err := s.Prepare(); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Register(mux)
	return mux
}

// exercise is a JavaScript expression for an exercise's element.
func exercise(id string) string {
	return `document.querySelector('skep-exercise[exercise="` + id + `"]')`
}

// said of a lab's exercise: its result, in one line.
func (p *tab) result(id string) string {
	p.t.Helper()
	return eval[string](p, exercise(id)+`.shadowRoot.querySelector('.result').textContent.replace(/\s+/g, ' ').trim()`)
}

// asm is the assembly among sources, "" when there is none.
func asm(list []labs.Source) string {
	for i := range list {
		if list[i].Lang == "asm" {
			return list[i].Text
		}
	}
	return ""
}

// reload waits until the page is another one.
func (p *tab) reload() {
	p.t.Helper()
	eval[bool](p, `(window.before = true, location.reload(), true)`)
	p.wait(`window.before === undefined && document.readyState === 'complete'`)
}

// A newcomer does three labs from the text to the last exercise.
func TestLab(t *testing.T) {
	t.Parallel()
	h := handler(t, grading(t))
	for _, id := range []string{"f1-ten-registers", "h9-xdp-first-packet", "v2-null-is-a-type"} {
		t.Run(id, func(t *testing.T) {
			lab := labOf(t, id)
			p := open(t, h, 1440, 900, "labs/")
			p.wait(`document.querySelectorAll('.track h3 a').length === ` + fmt.Sprint(len(labsOf(t))))
			eval[bool](p, `(document.querySelector('[data-lab="`+id+`"] h3 a').click(), true)`)
			p.wait(`location.pathname.endsWith('/` + id + `/') && document.querySelector('skep-exercise[active]')`)
			for n, ex := range lab.Exercises {
				e := exercise(ex.ID)
				eval[bool](p, `(document.getElementById(`+quoted(ex.ID)+`).scrollIntoView(), true)`)
				p.wait(e + `.hasAttribute('active')`)
				if asm(ex.Starters) == "" {
					continue // C is compiled by the server, which has no compiler here
				}
				p.wait(e + `.shadowRoot.querySelector('.cm-content') && ` + e + `.shadowRoot.querySelector('.head')`)
				if got := p.result(ex.ID); strings.Contains(got, "✓ Passed") {
					t.Errorf("%s: the starter passes: %s", ex.ID, got)
				}
				if n == 0 {
					p.shot("lab-" + id)
					p.axe(id)
				}
				eval[bool](p, `(`+e+`.put(`+quoted(asm(ex.Solutions))+`), true)`)
				p.wait(e + `.shadowRoot.querySelector('.head.ok') && !` + e + `.shadowRoot.querySelector('.old')`)
				if took := eval[float64](p, e+`.took`); took > 0 {
					t.Logf("%s: from the key to the grade %.0f ms", ex.ID, took)
				}
			}
			last := lab.Exercises[len(lab.Exercises)-1].ID
			p.shot("lab-" + id + "-passed")
			p.axe(id + " passed")
			eval[bool](p, `(`+exercise(last)+`.shadowRoot.querySelector('.hand button').click(), true)`)
			p.wait(`/this counts/.test(` + exercise(last) + `.shadowRoot.querySelector('.hand').textContent)`)
			if got := p.result(last); !strings.Contains(got, "✓ passed") {
				t.Errorf("the server says %s", got)
			}
			eval[bool](p, `(`+exercise(last)+`.shadowRoot.querySelectorAll('.hand button')[1].click(), true)`)
			p.wait(`/no virtual machines/.test(` + exercise(last) + `.shadowRoot.querySelector('.hand').textContent)`)
			eval[bool](p, `(history.back(), true)`)
			p.wait(`/You have passed \d+ of/.test(document.getElementById('progress')?.textContent)`)
			p.shot("labs")
			p.axe("list")
			p.quiet()
		})
	}
}

// What students really write fails in the page too; the step at which it went
// wrong is looked for within the same wait.
func TestLabWrong(t *testing.T) {
	t.Parallel()
	lab := labOf(t, "h9-xdp-first-packet")
	p := open(t, handler(t, nil), 1440, 900, "labs/"+lab.ID+"/")
	for _, ex := range lab.Exercises {
		e := exercise(ex.ID)
		eval[bool](p, `(document.getElementById(`+quoted(ex.ID)+`).scrollIntoView(), true)`)
		p.wait(e + `.hasAttribute('active') && ` + e + `.shadowRoot.querySelector('.cm-content') && ` + e + `.shadowRoot.querySelector('.head')`)
		for _, w := range ex.Wrong {
			if w.Source.Lang != "asm" {
				continue
			}
			eval[bool](p, `(`+e+`.put(`+quoted(w.Source.Text)+`), true)`)
			p.wait(e + `.took > 0 && !` + e + `.shadowRoot.querySelector('.old') && ` + e + `.shadowRoot.querySelector('.head:not(.ok)')`)
			t.Logf("%s, %s: from the key to the grade %.0f ms", ex.ID, w.Title, eval[float64](p, e+`.took`))
		}
	}
}

// Typed by hand: the lines that are locked stay, the grade follows the keys,
// a mistake has its place, and an earlier attempt comes back.
func TestLabTyping(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "labs/f1-ten-registers/#answer")
	e := exercise("answer")
	p.wait(e + `.shadowRoot.querySelector('.cm-content') && /R0 !read_ok/.test(` + e + `.shadowRoot.querySelector('.message')?.textContent)`)
	p.shot("lab-rejected")
	text := func() string { return eval[string](p, e+`.source`) }
	starter := text()
	eval[bool](p, `(`+e+`.editor.show(1, 1), true)`)
	p.press("x")
	if text() != starter {
		t.Error("a locked line was changed")
	}
	eval[bool](p, `(`+e+`.editor.show(3, 1), true)`)
	p.press("r0 = 41")
	p.wait(`/expected == 42, got 41/.test(` + e + `.shadowRoot.querySelector('.got')?.textContent.replace(/\s+/g, ' '))`)
	p.press(kb.Backspace + "2")
	p.wait(e + `.shadowRoot.querySelector('.head.ok')`)
	t.Logf("from the key to the grade %.0f ms", eval[float64](p, e+`.took`))
	p.press(" oops")
	p.wait(`/cannot be tried yet/.test(` + e + `.shadowRoot.querySelector('.head').textContent) && ` + e + `.shadowRoot.querySelector('.problems .link')`)
	eval[bool](p, `([...`+e+`.shadowRoot.querySelectorAll('.tools button')].find(b => b.textContent === 'Attempts').click(), true)`)
	p.wait(e + `.shadowRoot.querySelectorAll('.tries button').length >= 2`)
	p.axe("attempts")
	eval[bool](p, `([...`+e+`.shadowRoot.querySelectorAll('.tries button')].find(b => /passed/.test(b.textContent)).click(), true)`)
	p.wait(e + `.shadowRoot.querySelector('.head.ok')`)
	// No server here: the page says so.
	eval[bool](p, `(`+e+`.shadowRoot.querySelector('.hand button').click(), true)`)
	p.wait(`/no skep server/.test(` + e + `.shadowRoot.querySelector('.hand').textContent)`)
	// A solution comes when it is asked for.
	if eval[bool](p, `fetch('').then(r => r.text()).then(t => /r0 = 42/.test(t))`) {
		t.Error("the page holds the solution before it is asked for")
	}
	eval[bool](p, `(`+e+`.shadowRoot.querySelector('.solve button').click(), true)`)
	p.wait(`/r0 = 42/.test(` + e + `.shadowRoot.querySelector('.solution')?.textContent)`)
	// A reload has the text again.
	p.reload()
	p.wait(e + `?.shadowRoot?.querySelector('.head.ok')`)
	eval[bool](p, `([...`+e+`.shadowRoot.querySelectorAll('.tools button')].find(b => b.textContent === 'Reset').click(), true)`)
	p.wait(e + `.shadowRoot.querySelector('.head.bad')`)
	if text() != starter {
		t.Error("reset does not bring the starter back")
	}
	p.quiet()
}

// Each kind of question, by keyboard where it matters.
func TestLabQuestions(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	question := func(id string) string { return `document.querySelector('skep-question[question="` + id + `"]')` }
	status := func(p *tab, id, want string) {
		t.Helper()
		p.wait(question(id) + `.shadowRoot.querySelector('[role=status]').textContent.includes(` + quoted(want) + `)`)
	}
	p := open(t, h, 1440, 900, "labs/f1-ten-registers/")
	predict := func(p *tab, id, answer string) {
		eval[bool](p, `(`+question(id)+`.shadowRoot.querySelector('input').focus(), true)`)
		eval[bool](p, `(`+question(id)+`.answer = '', true)`)
		p.press(answer + kb.Enter)
	}
	p.wait(question("first-step") + `?.shadowRoot?.querySelector('input')`)
	predict(p, "first-step", "8")
	status(p, "first-step", "Not yet")
	predict(p, "first-step", "7")
	status(p, "first-step", "Exactly")
	eval[bool](p, `(`+question("life")+`.scrollIntoView(), true)`)
	eval[bool](p, `(`+question("life")+`.shadowRoot.querySelector('.end button').click(), true)`)
	status(p, "life", "Not yet")
	p.shot("lab-order")
	p.axe("order")
	p.quiet()

	p = open(t, h, 1440, 900, "labs/h9-xdp-first-packet/")
	p.wait(question("forgotten-return") + `?.shadowRoot?.querySelector('input')`)
	eval[bool](p, `(`+question("forgotten-return")+`.shadowRoot.querySelectorAll('input')[1].click(), true)`)
	eval[bool](p, question("forgotten-return")+`.updateComplete.then(() => true)`)
	eval[bool](p, `(`+question("forgotten-return")+`.shadowRoot.querySelector('.end button').click(), true)`)
	status(p, "forgotten-return", "Right")
	predict(p, "second-pointer", "pkt_end")
	status(p, "second-pointer", "Exactly")
	p.shot("lab-choose")
	p.axe("choose")
	p.quiet()

	p = open(t, h, 1440, 900, "labs/v3-packet-ranges/")
	p.wait(question("variable-part") + `?.shadowRoot?.querySelector('input')`)
	predict(p, "variable-part", "0..70000")
	status(p, "variable-part", "half")
	p.quiet()

	p = open(t, h, 1440, 900, "labs/f6-from-c-to-bytecode/")
	p.wait(question("find-return") + `?.shadowRoot?.querySelector('.listing button')`)
	eval[bool](p, `([...`+question("find-return")+`.shadowRoot.querySelectorAll('.listing button')].find(b => /^exit/.test(b.textContent)).click(), true)`)
	status(p, "find-return", "Right")
	p.shot("lab-click")
	p.axe("click")
}

// After one visit a lab is graded without a network.
func TestLabOffline(t *testing.T) {
	t.Parallel()
	p := openKept(t, handler(t, nil), 1440, 900, "labs/h9-xdp-first-packet/#drop-all")
	e := exercise("drop-all")
	p.wait(e + `.shadowRoot.querySelector('.head')`)
	p.kept(manifest(t).Grade, "labs/h9-xdp-first-packet/")
	p.server.Close()
	p.reload()
	p.wait(e + `?.shadowRoot?.querySelector('.cm-content') && ` + e + `.shadowRoot.querySelector('.head')`)
	eval[bool](p, `(`+e+`.put(`+quoted(asm(labOf(t, "h9-xdp-first-packet").Exercises[0].Solutions))+`), true)`)
	p.wait(e + `.shadowRoot.querySelector('.head.ok')`)
	eval[bool](p, `([...`+e+`.shadowRoot.querySelectorAll('.langs button')].find(b => b.textContent === 'C').click(), true)`)
	p.wait(`/compiled by clang on/.test(` + e + `.shadowRoot.querySelector('.result').textContent)`)
	p.shot("lab-offline-c")
	p.axe("offline")
}

// Narrow windows, in light and dark, and a static copy.
func TestLabLooks(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"wide", 1440, 900}, {"middle", 1000, 800}, {"narrow", 360, 740}} {
		for _, path := range []string{"labs/", "labs/h9-xdp-first-packet/", "labs/f1-ten-registers/#larger"} {
			t.Run(size.name+path, func(t *testing.T) {
				p := open(t, h, size.width, size.height, path)
				name := "look-" + size.name + "-" + strings.NewReplacer("/", "-", "#", "").Replace(path)
				if path != "labs/" {
					eval[bool](p, `(innerWidth < 1100 && document.querySelector('skep-exercise').scrollIntoView(), true)`)
					p.wait(`[...document.querySelectorAll('skep-exercise')].some(e => e.shadowRoot?.querySelector('.head') && e.shadowRoot.querySelector('.cm-content'))`)
				}
				p.wait(`document.querySelector('h1')`)
				eval[bool](p, `(location.hash === '' && scrollTo(0, 0), true)`)
				p.fits(t.Name())
				p.shot(name)
				p.axe(path)
				eval[bool](p, `(document.documentElement.dataset.theme = 'dark', true)`)
				p.shot(name + "-dark")
				p.axe(path + " dark")
				eval[bool](p, `(document.querySelector('skep-exercise')?.scrollIntoView(), true)`)
				p.shot(name + "-dark-exercise")
				p.quiet()
			})
		}
	}
}

// A failed rule opens the playground at the event that it is about.
func TestLabStep(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "labs/h9-xdp-first-packet/#drop-all")
	e := exercise("drop-all")
	p.wait(e + `.shadowRoot.querySelectorAll('.got .link').length === 3`)
	// The third run: it begins behind the two before it, and its first instruction puts the answer into r0.
	step := eval[int](p, e+`.graded.events.slice(0, 2).flatMap(x => x.firings).reduce((n, f) => n + f.steps + 1, 0) + 1`)
	eval[bool](p, `(window.open = () => null, `+e+`.shadowRoot.querySelectorAll('.got .link')[2].click(), true)`)
	p.wait(`window.model?.view && model.input.kind === 'events'`)
	p.stepIs(step)
	if pc := eval[int](p, `model.view.pc`); pc != 1 {
		t.Errorf("the link opens instruction %d, want the one behind the answer", pc)
	}
	p.quiet()
}

// What a lab's setup made is there in the playground too, and the step is the
// same one: behind the instruction that gave the wrong error.
func TestLabStepAfterSetup(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "labs/h13-lsm-say-no/#error")
	e := exercise("error")
	p.wait(e + `?.shadowRoot?.querySelector('.got .link')`)
	eval[bool](p, `(window.open = () => null, `+e+`.shadowRoot.querySelector('.got .link').click(), true)`)
	p.wait(`window.model?.view && model.input.text.startsWith('write path=/tmp/notes')`)
	p.stepIs(6 + 4) // root's write ran the program for five instructions
	if got := eval[string](p, `String(BigInt.asIntN(64, BigInt(model.view.regs[0].value)))`); got != "-2" {
		t.Errorf("r0 is %s there, want -2", got)
	}
	p.quiet()
}

// A static copy grades too, from any folder.
func TestLabStatic(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := web.SiteOptions{NoCompressed: true, Reference: reference.Data(), Labs: course.Pages(labsOf(t))}
	if err := web.WriteSite(filepath.Join(dir, "a", "b"), o); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(srv.Close)
	p := openAt(t, srv.URL+"/a/b/", 1440, 900, "labs/")
	p.wait(`document.querySelector('[data-lab="v2-null-is-a-type"] h3 a')`)
	if missing := eval[string](p, `Promise.all([...document.querySelectorAll('.ways a, .track h2 a, .map a')].map(a => a.href.baseVal ?? a.href).map(u => fetch(u).then(r => r.ok ? '' : u)))
		.then(all => all.filter(u => u !== '').join(' '))`); missing != "" {
		t.Errorf("the copy lacks %s", missing)
	}
	eval[bool](p, `(document.querySelector('[data-lab="v2-null-is-a-type"] h3 a').click(), true)`)
	ex := labOf(t, "v2-null-is-a-type").Exercises[0]
	e := exercise(ex.ID)
	p.wait(e + `?.shadowRoot?.querySelector('.head.bad')`)
	eval[bool](p, `(`+e+`.put(`+quoted(asm(ex.Solutions))+`), true)`)
	p.wait(e + `.shadowRoot.querySelector('.head.ok')`)
	eval[bool](p, `(`+e+`.shadowRoot.querySelector('.solve button').click(), true)`)
	p.wait(e + `.shadowRoot.querySelector('.solution pre')`)
	eval[bool](p, `(`+e+`.shadowRoot.querySelector('.hand button').click(), true)`)
	p.wait(`/no skep server/.test(` + e + `.shadowRoot.querySelector('.hand').textContent)`)
	p.quiet()
}

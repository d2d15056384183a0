package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"skep/labs"
)

// answer answers a question as one who knows does.
func (p *tab) answer(q *labs.Question) {
	p.t.Helper()
	e := `document.querySelector('skep-question[question="` + q.ID + `"]')`
	p.wait(e + `?.shadowRoot?.querySelector('button, input')`)
	eval[bool](p, `(`+e+`.scrollIntoView({ block: 'center' }), true)`)
	check := func() {
		eval[bool](p, e+`.updateComplete.then(() => (`+e+`.shadowRoot.querySelector('.end button').click(), true))`)
	}
	switch q.Kind {
	case labs.Predict:
		eval[bool](p, `(`+e+`.shadowRoot.querySelector('input').focus(), true)`)
		p.press(q.Answer + kb.Enter)
	case labs.Choose:
		for i, o := range q.Options {
			if o.Right {
				eval[bool](p, fmt.Sprintf(`(%s.shadowRoot.querySelectorAll('input')[%d].click(), true)`, e, i))
			}
		}
		check()
	case labs.Order:
		for to, o := range q.Options {
			for range q.Options {
				moved := eval[bool](p, fmt.Sprintf(`(async () => {
					const all = [...%[1]s.shadowRoot.querySelectorAll('.order li')], i = all.findIndex(li => li.children[1].innerHTML.replace(/<!--.*?-->/g, '') === %[2]s);
					if (i <= %[3]d) return false;
					all[i].querySelector('.up').click();
					await %[1]s.updateComplete;
					return true;
				})()`, e, quoted(o.HTML), to))
				if !moved {
					break
				}
			}
		}
		check()
	case labs.Click:
		eval[bool](p, `([...`+e+`.shadowRoot.querySelectorAll('.listing button')].find(b => b.textContent.startsWith(`+quoted(q.Answer)+`)).click(), true)`)
	}
	p.wait(e + `.shadowRoot.querySelector('[role=status] .ok')`)
}

// A newcomer opens the list of a fresh server, takes the shortest plan's F1,
// H9 and V2, predicts, types, looks at a hint, passes, answers every question
// and hands in. Then the network is gone, and what was visited still grades.
func TestNewcomer(t *testing.T) {
	t.Parallel()
	p := openKept(t, handler(t, grading(t)), 1440, 900, "labs/")
	p.wait(`document.querySelector('a[href$="plans/taster/"]')`)
	eval[bool](p, `(document.querySelector('a[href$="plans/taster/"]').click(), true)`)
	p.wait(`location.pathname.endsWith('/plans/taster/')`)
	for _, id := range []string{"f1-ten-registers", "h9-xdp-first-packet", "v2-null-is-a-type"} {
		lab := labOf(t, id)
		p.wait(`document.querySelector('[data-lab="` + id + `"] h3 a')`)
		eval[bool](p, `(document.querySelector('[data-lab="`+id+`"] h3 a').click(), true)`)
		p.wait(`location.pathname.endsWith('/` + id + `/') && document.querySelector('skep-exercise[active]')`)
		for _, q := range lab.Questions {
			p.answer(q)
		}
		for n, ex := range lab.Exercises {
			e := exercise(ex.ID)
			eval[bool](p, `(document.getElementById(`+quoted(ex.ID)+`).scrollIntoView(), true)`)
			p.wait(e + `.hasAttribute('active') && ` + e + `.shadowRoot.querySelector('.cm-content') && ` + e + `.shadowRoot.querySelector('.head')`)
			eval[bool](p, `(document.querySelector('#`+ex.ID+` details.hint summary').click(), true)`)
			if id == "f1-ten-registers" && n == 0 { // by hand
				eval[bool](p, `(`+e+`.editor.show(3, 1), true)`)
				p.press("r0 = 42")
			} else {
				eval[bool](p, `(`+e+`.put(`+quoted(asm(ex.Solutions))+`), true)`)
			}
			p.wait(e + `.shadowRoot.querySelector('.head.ok') && !` + e + `.shadowRoot.querySelector('.old')`)
			eval[bool](p, `(`+e+`.shadowRoot.querySelector('.hand button').click(), true)`)
			p.wait(`/✓ passed.*this counts/.test(` + e + `.shadowRoot.querySelector('.hand').textContent.replace(/\s+/g, ' '))`)
		}
		p.visit("labs/plans/taster/")
		p.wait(`document.querySelector('[data-lab="` + id + `"] .done').textContent === '✓ done'`)
	}
	p.shot("newcomer-plan")
	p.quiet()

	p.kept(manifest(t).Grade, "labs/v2-null-is-a-type/", "labs/plans/taster/")
	p.server.Close()
	p.visit("labs/plans/taster/")
	p.wait(`document.querySelector('[data-lab="v2-null-is-a-type"] .done')?.textContent === '✓ done'`)
	p.visit("labs/v2-null-is-a-type/")
	ex := labOf(t, "v2-null-is-a-type").Exercises[0]
	e := exercise(ex.ID)
	p.wait(e + `?.shadowRoot?.querySelector('.head.ok')`) // its text is still there
	eval[bool](p, `(`+e+`.put(`+quoted(strings.Replace(asm(ex.Solutions), "if r0 == 0 goto out", "", 1))+`), true)`)
	p.wait(`/map_value_or_null/.test(` + e + `.shadowRoot.querySelector('.message')?.textContent)`)
	eval[bool](p, `(`+e+`.shadowRoot.querySelector('.hand button').click(), true)`)
	p.wait(`/offline|no skep server/.test(` + e + `.shadowRoot.querySelector('.hand').textContent)`)
	p.shot("newcomer-offline")
}

package test

import (
	"strings"
	"testing"
)

// openScene clicks the link of the rule that has words, and waits for the playground.
func (p *tab) openScene(id, words string) {
	p.t.Helper()
	link := `[...` + exercise(id) + `.shadowRoot.querySelectorAll('.got .link')].find(b => b.textContent.includes(` + quoted(words) + `))`
	p.wait(link)
	eval[bool](p, `(window.open = () => null, `+link+`.click(), true)`)
	p.wait(`!location.pathname.includes('labs') && document.querySelector('skep-play')`)
}

// One click leads from a failed rule to where it fails, also where that is no
// step of the run: the order of CPUs that loses an update, the instruction that
// the verifier refuses, the step of its walk that was one too many.
func TestLabScenes(t *testing.T) {
	h := handler(t, nil)
	t.Run("race", func(t *testing.T) {
		p := open(t, h, 1440, 900, "labs/m3-per-cpu/#atomic")
		p.openScene("atomic", "instruction 20 of this order of two CPUs")
		const pane = `$('skep-cpus')?.shadowRoot`
		p.wait(`/20 of \d+/.test(` + pane + `?.querySelector('.steps')?.textContent) && ` + pane + `.querySelector('tr.lost')`)
		if rows := eval[string](p, `[...`+pane+`.querySelectorAll('tr.lost')].map(r => r.textContent.replace(/\s+/g, ' ').trim()).join('; ')`); !strings.Contains(rows, "20CPU 0 writes") || !strings.Contains(rows, "the update is lost") {
			t.Errorf("the lost update is %s", rows)
		}
		p.shot("scene-race")
		p.quiet()
	})
	t.Run("verdict", func(t *testing.T) {
		p := open(t, h, 1440, 900, "labs/f1-ten-registers/#answer")
		p.openScene("answer", "instruction 0: see it in Verify")
		p.wait(`/R0 !read_ok/.test($('skep-verify')?.shadowRoot?.textContent) || model.walkPc === 0`)
		p.wait(`model.mode === 'verify' && model.walkPc === 0`)
		p.quiet()
	})
	t.Run("steps", func(t *testing.T) {
		p := open(t, h, 1440, 900, "labs/f1-ten-registers/#answer")
		e := exercise("answer")
		p.wait(e + `?.shadowRoot?.querySelector('.head')`)
		// A budget of the verifier, as an author may set one.
		eval[bool](p, `(`+e+`.mine.of.grade = 'limit: insns_processed <= 2\nlimit: insns <= 3\n', `+e+`.put('.prog syscall\n.license GPL\n\tr0 = 1\n\tr0 = 2\n\tr0 = 42\n\texit\n'), true)`)
		p.wait(`/line 6: the first instruction too many/.test(` + e + `.shadowRoot.querySelector('.rules')?.textContent)`)
		p.openScene("answer", "step 2 of the verifier's walk")
		p.wait(`model.mode === 'verify' && model.walkPc === 2`)
		p.quiet()
	})
}

// What is drawn for a student stands above the editor, and in the events.
func TestLabDrawn(t *testing.T) {
	p := open(t, handler(t, grading(t)), 1440, 900, "labs/m2-hash-per-user/#per-user")
	e := exercise("per-user")
	p.wait(`/Drawn for you: user = 1\d{3}, other = 1\d{3}, times = [3-6]$/.test(` + e + `?.shadowRoot?.querySelector('.drawn')?.textContent.trim())`)
	p.wait(e + `.shadowRoot.querySelector('.head')`)
	eval[bool](p, `(`+e+`.pick('asm'), `+e+`.put(`+quoted(asm(labOf(t, "m2-hash-per-user").Exercises[0].Solutions))+`), true)`)
	p.wait(e + `.shadowRoot.querySelector('.head.ok')`)
	if same := eval[bool](p, `(() => { const own = Object.fromEntries(`+e+`.of.own); return `+e+`.graded.events[0].text === 'exec uid=' + own.user + ' comm=bash path=/bin/true'; })()`); !same {
		t.Error("the events are of another student")
	}
	p.shot("lab-drawn")
	p.axe("drawn")
	eval[bool](p, `(`+e+`.shadowRoot.querySelector('.hand button').click(), true)`) // the server draws the same
	p.wait(`/✓ passed.*this counts/.test(` + e + `.shadowRoot.querySelector('.hand').textContent.replace(/\s+/g, ' '))`)
	p.quiet()
}

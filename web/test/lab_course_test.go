package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"skep/labs/plan"
)

// The course's pages: every link leads somewhere, nothing is wider than the
// window, in light and dark, and what one has passed is on all of them.
func TestCourse(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	paths := []string{"labs/", "labs/tracks/security/", "labs/tracks/hooks/", "labs/plans/taster/", "labs/plans/semester/", "labs/plans/learning-ebpf/"}
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"wide", 1440, 900}, {"narrow", 360, 740}} {
		p := open(t, h, size.width, size.height, "labs/")
		eval[bool](p, `(localStorage.setItem('skep.lab.f1-ten-registers', JSON.stringify({ answer: { points: 3, total: 3, passed: true },
			larger: { points: 7, total: 7, passed: true }, distance: { points: 9, total: 9, passed: true } })), true)`)
		for _, path := range paths {
			p.visit(path)
			p.wait(`document.querySelector('h1') && document.readyState === 'complete' && (document.querySelector('[data-lab="f1-ten-registers"]') === null || document.querySelector('[data-lab="f1-ten-registers"] .done').textContent === '✓ done')`)
			name := "course-" + size.name + "-" + strings.ReplaceAll(strings.TrimSuffix(path, "/"), "/", "-")
			p.fits(name)
			p.shot(name)
			p.axe(name)
			eval[bool](p, `(document.documentElement.dataset.theme = 'dark', true)`)
			p.shot(name + "-dark")
			p.axe(name + " dark")
			dead := eval[string](p, `Promise.all([...new Set([...document.querySelectorAll('main a')].map(a => a.href.baseVal ?? a.href))].map(async u => {
				const r = await fetch(new URL(u, location.href)), id = u.split('#')[1];
				return r.ok && (id === undefined || (await r.text()).includes('id="' + id + '"')) ? '' : u;
			})).then(all => all.filter(u => u !== '').join(' '))`)
			if dead != "" {
				t.Errorf("%s: dead links %s", path, dead)
			}
			eval[bool](p, `(document.documentElement.dataset.theme = 'light', true)`)
		}
		p.quiet()
	}
	// Each plan and track is there.
	p := open(t, h, 1440, 900, "labs/")
	for _, x := range plan.Paths() {
		if got := eval[int](p, `fetch(`+quoted("plans/"+x.ID+"/")+`).then(r => r.status)`); got != http.StatusOK {
			t.Errorf("plan %s: status %d", x.ID, got)
		}
	}
	for _, x := range append(plan.Tracks(), plan.Subjects()...) {
		if got := eval[int](p, `fetch(`+quoted("tracks/"+x.ID+"/")+`).then(r => r.status)`); got != http.StatusOK {
			t.Errorf("track %s: status %d", x.ID, got)
		}
	}
}

// visit goes to another page of the same server.
func (p *tab) visit(path string) {
	p.t.Helper()
	eval[bool](p, `(window.before = true, location.href = `+quoted(p.base+path)+`, true)`)
	p.wait(`window.before === undefined && document.readyState === 'complete'`)
}

// The map shows every lab of the plan; pointing at one marks its way.
func TestCourseMap(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "labs/")
	p.wait(`document.querySelectorAll('.map [data-code]').length === ` + fmt.Sprint(len(plan.Labs())))
	eval[bool](p, `(document.querySelector('.map').scrollIntoView(), document.querySelector('.map [data-code="H9"]').focus(), true)`)
	p.wait(`document.querySelector('.map [data-code="F1"]').classList.contains('on')`)
	if got := eval[string](p, `[...document.querySelectorAll('.map .node.on')].map(n => n.dataset.code).sort().join()`); got != "F1,F3,F4,F5,F6,H9" {
		t.Errorf("the way to H9 is %s", got)
	}
	p.shot("course-map")
	eval[bool](p, `(document.querySelector('.map .wide').scrollTo(0, 0), document.activeElement.blur(), true)`)
	if over := eval[string](p, `[...document.querySelectorAll('.map .node')].filter(n => { const r = n.querySelector('rect').getBBox();
		return [...n.querySelectorAll('text')].some(t => t.getBBox().x + t.getBBox().width > r.x + r.width); }).map(n => n.dataset.code).join()`); over != "" {
		t.Errorf("titles wider than their labs: %s", over)
	}
	p.quiet()
}

// Every live program and picture of the course: programs come when they are
// nearly in view and open at their step, nothing is wider than the window, and
// what is done in them is not how the playground looks from now on.
func TestLabFigures(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	for _, l := range labsOf(t) {
		t.Run(l.ID, func(t *testing.T) {
			p := open(t, h, 1440, 900, "labs/"+l.ID+"/")
			show := func(id string) {
				eval[bool](p, `(document.getElementById(`+quoted(id)+`).scrollIntoView({ block: 'center' }), true)`)
			}
			for _, x := range l.Plays {
				live := `document.querySelector('#` + x.ID + ` skep-live')`
				p.wait(`document.getElementById(` + quoted(x.ID) + `)`)
				show(x.ID)
				if x.View == "verify" {
					p.wait(live + `.querySelector('skep-play')?.shadowRoot.querySelector('skep-verify')?.walk.id === ` + quoted(x.Step) + ` && !` + live + `.querySelector('skep-play').shadowRoot.querySelector('skep-verify').walk.stale`)
				} else {
					p.wait(live + `.querySelector('skep-play')?.stage.model.view?.step === ` + x.Step)
					eval[bool](p, live+`.querySelector('skep-play').stage.moving.step().then(() => true)`)
					p.wait(live + `.querySelector('skep-play').stage.model.view.step === ` + x.Step + ` + 1`)
				}
				show(x.ID)
				p.shot("figure-" + l.ID + "-" + x.ID)
				if href := eval[string](p, `document.querySelector('#`+x.ID+` a.self').href`); !strings.Contains(href, "/#1.") && !strings.Contains(href, "/#2.") {
					t.Errorf("%s: its link is %s", x.ID, href)
				}
			}
			p.axe(l.ID)
			eval[bool](p, `(document.documentElement.dataset.theme = 'dark', true)`)
			p.axe(l.ID + " dark")
			for _, x := range l.Pictures {
				show(x.ID)
				p.shot("figure-" + l.ID + "-" + x.ID + "-dark")
			}
			p.do(chromedp.EmulateViewport(360, 740))
			p.fits(t.Name())
			for _, x := range l.Pictures {
				show(x.ID)
				p.shot("figure-" + l.ID + "-" + x.ID + "-narrow")
			}
			if eval[bool](p, `localStorage.getItem('skep.prefs') !== null`) {
				t.Error("a live program changes what the playground remembers")
			}
			p.quiet()
		})
	}
}

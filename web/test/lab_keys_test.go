package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// active is the element that has the focus, through shadow roots, in words.
const active = `(() => {
	let a = document.activeElement;
	while (a?.shadowRoot?.activeElement) a = a.shadowRoot.activeElement;
	return (a.getAttribute('aria-label') ?? a.labels?.[0]?.textContent ?? a.textContent ?? '').replace(/\s+/g, ' ').trim().slice(0, 40) || a.className || a.tagName;
})()`

// F1 from its first link to the hand-in with the keyboard only: everything is
// reached with Tab, nothing holds the focus, Escape leaves the editor.
func TestLabByKeyboard(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, grading(t)), 1440, 900, "labs/f1-ten-registers/")
	e := exercise("answer")
	p.wait(e + `?.shadowRoot?.querySelector('.cm-content') && ` + e + `.shadowRoot.querySelector('.head')`)
	tab := func(until string) {
		t.Helper()
		var seen []string
		for range 120 {
			p.press(kb.Tab)
			now := eval[string](p, active)
			if seen = append(seen, now); len(seen) > 3 && seen[len(seen)-4] == now && seen[len(seen)-2] == now {
				t.Fatalf("Tab stays at %q on the way to %q:\n%s", now, until, strings.Join(seen, "\n"))
			}
			if strings.Contains(now, until) {
				return
			}
		}
		t.Fatalf("Tab does not reach %q:\n%s", until, strings.Join(seen, "\n"))
	}
	tab("Labs")
	tab("r0 is")
	p.press("7" + kb.Enter)
	p.wait(`document.querySelector('skep-question[question="first-step"]').shadowRoot.querySelector('[role=status]').textContent.includes('Exactly')`)
	tab("Source code")
	if got := eval[string](p, e+`.shadowRoot.querySelector('.escape')?.textContent ?? ''`); !strings.Contains(got, "Esc") {
		t.Errorf("nothing says how to leave the editor: %q", got)
	}
	eval[bool](p, `(`+e+`.editor.show(3, 1), true)`)
	p.press("r0 = 42")
	p.wait(e + `.shadowRoot.querySelector('.head.ok')`)
	if got := eval[string](p, e+`.shadowRoot.querySelector('.result > [role=status]').textContent`); got != "passed" {
		t.Errorf("a screen reader hears %q of the grade", got)
	}
	p.press(kb.Escape)
	if now := eval[string](p, active); strings.Contains(now, "Source") {
		t.Errorf("Escape stays in the editor (%s)", now)
	}
	p.press(kb.Tab)
	if now := eval[string](p, active); strings.Contains(now, "Source") {
		t.Error("Tab goes back into the editor")
	}
	tab("Hand in")
	p.press(kb.Enter)
	p.wait(`/this counts/.test(` + e + `.shadowRoot.querySelector('.hand').textContent)`)
	tab("Hint 1")
	p.press(kb.Enter)
	p.wait(`document.querySelector('#answer details.hint').open`)
	tab("Hint 2")
	// On to the end of the page and out of it.
	left := false
	for range 250 {
		p.press(kb.Tab)
		if left = eval[bool](p, `document.activeElement === document.body || document.activeElement === null`); left {
			break
		}
	}
	if !left {
		t.Errorf("Tab never leaves the page; it is at %s", eval[string](p, active))
	}
	for _, role := range []string{"banner", "main", "navigation"} {
		sel := map[string]string{"banner": "header", "main": "main", "navigation": "nav"}[role]
		if n := eval[int](p, `document.querySelectorAll('`+sel+`').length`); n == 0 {
			t.Errorf("there is no %s landmark", role)
		}
	}
	p.quiet()
}

// An order question is sorted by dragging, and by keys.
func TestLabOrder(t *testing.T) {
	t.Parallel()
	const id = "life"
	p := open(t, handler(t, nil), 1440, 900, "labs/f1-ten-registers/#"+id)
	q := `document.querySelector('skep-question[question="` + id + `"]')`
	p.wait(q + `?.shadowRoot?.querySelectorAll('.order li').length === 5`)
	eval[bool](p, `(`+q+`.scrollIntoView({ block: 'center' }), true)`)
	var right []string
	for _, x := range labOf(t, "f1-ten-registers").Questions {
		if x.ID == id {
			for _, o := range x.Options {
				right = append(right, o.HTML)
			}
		}
	}
	items := func() []string {
		return strings.Split(eval[string](p, `[...`+q+`.shadowRoot.querySelectorAll('.order li > span:nth-of-type(2)')].map(s => s.innerHTML.replace(/<!--.*?-->/g, '')).join('\n')`), "\n")
	}
	at := func(want string) int {
		for i, x := range items() {
			if x == want {
				return i
			}
		}
		t.Fatalf("%q is not among %q", want, items())
		return -1
	}
	mouse := func(typ input.DispatchMouseEventType, i int, down float64) {
		t.Helper()
		x := eval[float64](p, q+fmt.Sprintf(`.shadowRoot.querySelectorAll('.order li')[%d].getBoundingClientRect().left + 60`, i))
		y := eval[float64](p, q+fmt.Sprintf(`.shadowRoot.querySelectorAll('.order li')[%d].getBoundingClientRect().top + %g`, i, down))
		p.do(chromedp.MouseEvent(typ, x, y, chromedp.ButtonLeft))
	}
	// By dragging: each to its place from the top on.
	for to, want := range right {
		from := at(want)
		if from == to {
			continue
		}
		mouse(chromedp.MousePressed, from, 14)
		mouse(chromedp.MouseMoved, to, 14)
		mouse(chromedp.MouseMoved, to, 4)
		p.shot("lab-drag")
		mouse(chromedp.MouseReleased, to, 4)
	}
	if got := items(); strings.Join(got, "|") != strings.Join(right, "|") {
		t.Fatalf("dragged into %q", got)
	}
	eval[bool](p, `(`+q+`.shadowRoot.querySelector('.end button').click(), true)`)
	p.wait(q + `.shadowRoot.querySelector('[role=status]').textContent.includes('Right')`)
	// By keys: the first goes to the end and comes back, the focus with it.
	eval[bool](p, `(`+q+`.shadowRoot.querySelector('.order .down').focus(), true)`)
	for range 4 {
		p.press(kb.Enter)
	}
	if at(right[0]) != 4 {
		t.Errorf("keys moved it to %q", items())
	}
	for range 4 {
		p.press(kb.Enter) // the button that moves up has the focus now
	}
	if at(right[0]) != 0 {
		t.Errorf("keys did not bring it back: %q", items())
	}
	p.axe("order")
	p.quiet()
}

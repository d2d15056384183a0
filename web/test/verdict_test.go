package test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// TestVerdictAsYouType types a mistake, sees the verdict, the failing
// instruction and its line, and mends it.
func TestVerdictAsYouType(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "?example=first-steps")
	p.ready()
	const strip = `$('skep-verdict-strip').shadowRoot.textContent.replace(/\s+/g, ' ').trim()`
	p.wait(`play.stage.verdicts.fresh && ` + strip + `.includes('Accepted')`)
	height := eval[float64](p, `$('skep-verdict-strip').offsetHeight`)
	p.shot("verdict-accepted")

	// r0 is not set any more when the loop adds to it.
	eval[bool](p, `($('.cm-content').focus(), true)`)
	edit := func(old, new string) {
		t.Helper()
		eval[bool](p, `(() => {
			const view = $('.cm-content').cmTile?.view ?? $('.cm-content').cmView?.view, text = view.state.doc.toString(), at = text.indexOf(`+quoted(old)+`);
			if (at < 0) throw new Error('not in the text');
			view.dispatch({changes: {from: at, to: at + `+quoted(old)+`.length, insert: `+quoted(new)+`}});
			return true;
		})()`)
	}
	edit("\tr0 = 0\n", "\n")
	p.wait(`play.stage.verdicts.last?.outcome === 'rejected' && play.stage.verdicts.fresh && !model.stale`)
	p.wait(strip + `.includes('Rejected') && ` + strip + `.includes('R0 !read_ok')`)
	p.wait(`$$('li.refused').length === 1 && $('li.refused .pc').textContent === '4'`)
	p.wait(`$$('.cm-line .skep-error').length === 1 && $('.cm-line .skep-error').textContent.startsWith('r0 += r2')`)
	if h := eval[float64](p, `$('skep-verdict-strip').offsetHeight`); h != height {
		t.Errorf("the strip is %v px high, was %v", h, height)
	}
	p.shot("verdict-rejected")

	// The log, and from its last line to the instruction.
	eval[bool](p, `($('skep-verdict-strip').shadowRoot.querySelector('button[title="l"]').click(), true)`)
	p.wait(`$('skep-log') && $$('li.bad').length === 1 && $('li.bad').textContent.includes('R0 !read_ok')`)
	p.wait(`($('li.bad button').click(), model.selected === 4)`) // a step that was still under way may take the mark along
	log := eval[string](p, `$('skep-log').shadowRoot.querySelector('ol').innerText`)
	if !strings.Contains(log, "0: R1=ctx() R10=fp0") || !strings.Contains(log, "(0f) r0 += r2") {
		t.Errorf("log: %q", log)
	}
	eval[bool](p, `(() => { const i = $('skep-log').shadowRoot.querySelector('input'); i.value = 'R1=ctx'; i.dispatchEvent(new Event('input')); return true; })()`)
	p.wait(`$$('li.hit').length > 0 && $('skep-log').shadowRoot.querySelector('.found').textContent.startsWith('1 of')`)
	p.shot("verdict-log")
	for _, theme := range []string{"light", "dark"} {
		eval[bool](p, `(model.setPrefs({theme: `+quoted(theme)+`}), true)`)
		p.axe("the verifier's log, " + theme)
	}

	// While the text does not assemble the last verdict stays, dimmed.
	edit("r0 += r2", "r0 +== r2")
	p.wait(`!play.stage.verdicts.fresh && ` + strip + `.includes('R0 !read_ok') && ` + strip + `.includes('does not assemble')`)
	p.wait(`$('skep-verdict-strip').shadowRoot.querySelector('.said').classList.contains('old')`)
	edit("r0 +== r2", "r0 = r2")
	p.wait(`play.stage.verdicts.fresh && ` + strip + `.includes('Accepted') && $$('li.refused').length === 0`)

	// As another user: an XDP program needs capabilities.
	eval[bool](p, `(() => { const s = $('skep-log').shadowRoot.querySelector('select'); s.value = 'unprivileged'; s.dispatchEvent(new Event('change')); return true; })()`)
	p.wait(`play.stage.verdicts.fresh && ` + strip + `.includes('EPERM')`)
	p.press(kb.Escape)
	p.quiet()
}

// TestVerdictNarrow: on a phone a line of the log leads to the bytecode.
func TestVerdictNarrow(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 360, 740, "?example=past-the-end")
	p.ready()
	p.wait(`play.stage.verdicts.fresh && play.stage.verdicts.last.outcome === 'rejected'`)
	if w := eval[int](p, `document.documentElement.scrollWidth`); w > 360 {
		t.Errorf("the page is %d px wide", w)
	}
	eval[bool](p, `($('skep-verdict-strip').shadowRoot.querySelector('button[title="l"]').click(), true)`)
	p.wait(`$('skep-log') && $$('li.bad').length >= 1`)
	p.shot("verdict-narrow-log")
	eval[bool](p, `($('li.bad button').click(), true)`)
	p.wait(`model.selected === play.stage.verdicts.last.pc && $('skep-code')`)
	p.quiet()
}

package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// words is the text of an element, white space made one blank.
func (p *tab) words(selector string) string {
	p.t.Helper()
	return eval[string](p, `(() => { const all = e => e.nodeType === 3 ? e.data : e.nodeName === 'STYLE' ? '' : [...(e.shadowRoot ?? e).childNodes].map(all).join(' ');
		const e = $(`+quoted(selector)+`); return e ? all(e).replace(/\s+/g, ' ').trim() : ''; })()`)
}

// edit replaces a part of the text in the editor, as typing it would.
func (p *tab) edit(old, new string) {
	p.t.Helper()
	eval[bool](p, `(() => {
		const view = $('.cm-content').cmTile?.view ?? $('.cm-content').cmView?.view, at = view.state.doc.toString().indexOf(`+quoted(old)+`);
		if (at < 0) throw new Error('not in the text');
		view.dispatch({changes: {from: at, to: at + `+quoted(old)+`.length, insert: `+quoted(new)+`}});
		return true;
	})()`)
}

const walkOf = `$('skep-verify').walk`

// TestVerifyKernel: the switch of kernels leads to the real ones, which this
// server has not.
func TestVerifyKernel(t *testing.T) {
	t.Parallel()
	p := walk(t, 1440, 900, program(t, "short-check"), "verify")
	p.wait(walkOf + `.refused && $('select[aria-label="Kernel"]')`)
	eval[bool](p, `(() => { const s = $('select[aria-label="Kernel"]'); s.value = 'real'; s.dispatchEvent(new Event('change')); return true; })()`)
	p.wait(`$$('skep-real')[0].shadowRoot?.querySelector('dialog[open] .tabs, dialog[open] .end')`)
	if now := eval[string](p, `$('select[aria-label="Kernel"]').value`); now != "skep" {
		t.Errorf("behind the dialog the kernel is %q: its log is still ours", now)
	}
}

// TestVerifyTyping types a mistake and mends it: the refusal says what is
// needed and what was proved, and goes away.
func TestVerifyTyping(t *testing.T) {
	t.Parallel()
	p := walk(t, 1440, 900, program(t, "short-check"), "verify")
	p.wait(walkOf + `.refused && $('section.refused')`)
	said := p.words("skep-walk-say")
	for _, want := range []string{"needed 24 bytes", "proved 14 bytes", "What would do.", "r0 += 24 if r0 > r3 goto out", "invalid access to packet"} {
		if !strings.Contains(said, want) {
			t.Errorf("the refusal does not say %q: %s", want, said)
		}
	}
	if cells := eval[int](p, `$$('.cells .lacking').length`); cells != 1 {
		t.Errorf("%d bytes are drawn as not proved, want 1", cells)
	}
	p.wait(`$('.cm-editor')`)
	p.edit("r4 += 14", "r4 += 24")
	p.walked()
	p.wait(walkOf + `.verdict.outcome === 'accepted' && !$('section.refused')`)
	p.edit("r4 += 24", "r4 +== 24")
	p.wait(walkOf + `.stale && $('.main.old')`)
	p.edit("r4 +== 24", "r4 += 23")
	p.walked()
	p.wait(walkOf + `.refused && $('section.refused')`)
	if said := p.words("skep-walk-say"); !strings.Contains(said, "proved 23 bytes") {
		t.Errorf("after the edit: %s", said)
	}

	// Before and after the edit, side by side.
	eval[bool](p, `(() => { const s = $('select.compare'); s.value = 'before'; s.dispatchEvent(new Event('change')); return true; })()`)
	p.wait(`$('skep-walk-compare') && $$('skep-walk-compare').length === 1 && $('li.first')`)
	heads := p.words("skep-walk-compare")
	if !strings.Contains(heads, "✓ accepted") || !strings.Contains(heads, "✖ rejected") {
		t.Errorf("side by side: %s", heads)
	}
	p.axe("side by side")
	p.shot("verify-compare")

	// Beside somebody who may not load it at all.
	eval[bool](p, `(() => { const s = $('select.compare'); s.value = 'unprivileged'; s.dispatchEvent(new Event('change')); return true; })()`)
	p.wait(`$('skep-walk-compare').sides[1].name === 'as no privileges'`)
	if said := p.words("skep-walk-compare"); !strings.Contains(said, "no steps to compare") {
		t.Errorf("as no privileges: %s", said)
	}
	p.quiet()
}

// TestVerifyTree walks the path tree with the keyboard, to a path that was
// covered and why.
func TestVerifyTree(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "?example=rate-limiter")
	p.ready()
	p.toMode("verify")
	rows := eval[int](p, `$$('[role="treeitem"]').length`)
	if rows != 7 {
		t.Fatalf("%d rows in the tree, want 7", rows)
	}
	p.press("p")
	p.wait(`$('skep-walk-tree').shadowRoot.activeElement?.matches('[role="treeitem"]')`)
	p.press(kb.ArrowDown)
	p.press(kb.Enter)
	p.wait(walkOf + `.path !== 0 && ` + walkOf + `.covered`)
	p.wait(`$$('skep-walk-covered').length === 1 && $('skep-walk-covered').shadowRoot.querySelectorAll('tbody tr').length > 0`)
	if c := p.words("skep-walk-covered"); !strings.Contains(c, "the earlier state allowed") {
		t.Errorf("why covered: %s", c)
	}
	p.axe("a covered path")
	p.shot("verify-covered")
	p.press(kb.Home)
	p.press(kb.ArrowLeft)
	p.wait(`$$('[role="treeitem"]').length === 1`)
	p.press(kb.ArrowRight)
	p.wait(fmt.Sprintf(`$$('[role="treeitem"]').length === %d`, rows))
	p.quiet()
}

// TestVerifyLog goes from a line of the log to its step and from a step to its line.
func TestVerifyLog(t *testing.T) {
	t.Parallel()
	p := walk(t, 1440, 900, program(t, "past-the-end"), "verify")
	p.press(kb.Home)
	p.wait(walkOf + `.n === 0`)
	p.wait(`$('skep-walk-log').shadowRoot.querySelector('li.mine button')?.textContent.includes('(b7) r6 = 0')`)
	p.press(kb.ArrowRight)
	p.press(kb.ArrowRight)
	p.wait(walkOf + `.n === 2 && $$('li.mine button').some(b => b.textContent.includes('(bf) r2 = r10'))`)
	eval[bool](p, `($$('skep-walk-log').flatMap(l => [...l.shadowRoot.querySelectorAll('li button')]).find(b => b.textContent.includes('(85) call bpf_map_lookup_elem')).click(), true)`)
	p.wait(walkOf + `.pc === 6 && ` + walkOf + `.n === 5`)
	p.press(kb.End)
	p.wait(walkOf + `.refused && $('skep-walk-log').shadowRoot.querySelector('li.bad')`)

	// A link holds the step.
	eval[bool](p, `(`+walkOf+`.go(0, 7), play.stage.address.link().then(l => { window.link = l; return true; }))`)
	link := eval[string](p, `window.link`)
	if !strings.HasSuffix(link, "&step=A.7") {
		t.Errorf("the step of the link cannot be read: %s", link)
	}
	q := openAt(t, p.base, 1440, 900, strings.TrimPrefix(link, p.base))
	q.walked()
	q.wait(walkOf + `.id === 'A.7'`)
	eval[bool](q, `(play.mode('both'), true)`)
	q.wait(`location.hash !== ` + quoted(link[strings.IndexByte(link, '#'):]))
	eval[bool](q, `(history.back(), true)`)
	q.wait(`model.mode === 'verify' && ` + walkOf + `.id === 'A.7'`)
	p.quiet()
	q.quiet()
}

// spilled bounds a number, spills it, reads it back and passes it to a function.
const spilled = `.prog xdp
.license GPL
	r2 = *(u32 *)(r1 + 12)
	if r2 > 15 goto out
	*(u64 *)(r10 - 8) = r2
	r2 = 0
	r1 = *(u64 *)(r10 - 8)
	call pick
	exit
out:
	r0 = 2
	exit
pick:
	r0 = r1
	if r0 > 7 goto low
	r0 = 1
	exit
low:
	r0 = 2
	exit
`

// TestVerifyWhy asks where a bound comes from, across a call and a spill.
func TestVerifyWhy(t *testing.T) {
	t.Parallel()
	p := walk(t, 1440, 900, spilled, "verify")
	p.wait(walkOf + `.verdict.outcome === 'accepted'`)
	eval[bool](p, `(() => { const w = `+walkOf+`; for (let n = 0; n <= w.last; n++) { w.go(0, n); if (w.state.frames.length === 2) break; } return true; })()`)
	p.wait(`$('skep-walk-registers').shadowRoot.querySelector('[data-reg="1"]')?.textContent.includes('0 … 15')`)
	eval[bool](p, `($('skep-walk-registers').shadowRoot.querySelector('[data-reg="1"]').click(), true)`)
	p.wait(`$('skep-walk-why').shadowRoot.querySelectorAll('li').length > 3`)
	why := p.words("skep-walk-why")
	at := 0
	for _, want := range []string{"argument: r1", "loaded from fp-8", "r2 was stored here", "the comparison with 15 is false"} {
		i := strings.Index(why[at:], want)
		if i < 0 {
			t.Fatalf("the chain lacks %q: %s", want, why)
		}
		at += i
	}
	p.shot("verify-why")
	p.axe("where a bound comes from")
	// A link of the chain leads to its step.
	eval[bool](p, `([...$('skep-walk-why').shadowRoot.querySelectorAll('[data-link]')].at(-2).click(), true)`)
	p.wait(walkOf + `.pc < 3`)

	// What if the bound were larger: the verifier walks again.
	eval[bool](p, `(() => { const w = `+walkOf+`; w.go(0, 2); w.about(null); w.about({kind: 'reg', frame: 0, reg: 2}); return true; })()`)
	p.wait(`$$('skep-what-if').some(e => e.bounds)`)
	eval[bool](p, `(() => { const e = $$('skep-what-if').find(e => e.bounds); e.shadowRoot.querySelector('button').click(); return e.updateComplete.then(() => {
		e.shadowRoot.querySelector('[name="hi"]').value = '7'; e.shadowRoot.querySelector('form').requestSubmit(); return true; }); })()`)
	p.wait(`$('skep-walk-compare') && $('skep-walk-compare').shadowRoot.querySelector('li.first')`)
	if c := p.words("skep-walk-compare"); !strings.Contains(c, "what if r2 were 0 … 7") {
		t.Errorf("what if: %s", c)
	}
	p.shot("verify-whatif")
	p.quiet()
}

// TestVerifyBoth steps a run and finds each value inside of what the verifier knows.
func TestVerifyBoth(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "?example=rate-limiter")
	p.ready()
	p.toMode("both")
	dots := 0
	for n := 1; n <= 45; n++ {
		p.press(kb.ArrowRight)
		p.stepIs(n)
		p.wait(walkOf + `.run !== null || ` + walkOf + `.followed !== ''`)
		if said := eval[string](p, walkOf+`.followed`); said != "" {
			t.Fatalf("step %d: %s", n, said)
		}
		got := eval[[]string](p, `play.updateComplete.then(() => $('skep-walk-registers').updateComplete).then(() => $$('circle.value').map(c => {
			const r = c.ownerSVGElement.querySelector('.known'), x = Number(c.getAttribute('cx')), from = Number(r.getAttribute('x')), to = from + Number(r.getAttribute('width'));
			return c.getAttribute('cy') !== '6' || (x >= from - 0.2 && x <= to + 0.2) ? '' : c.ownerSVGElement.getAttribute('aria-label');
		}).concat($$('.wrong').map(e => e.textContent)))`)
		for _, bad := range got {
			if bad != "" {
				t.Errorf("step %d: outside: %s", n, bad)
			}
			dots++
		}
	}
	if dots < 40 {
		t.Errorf("%d values were drawn over 45 steps", dots)
	}
	p.quiet()
}

// TestVerifyMillion is refused after 1,000,001 instructions, and can still be walked.
func TestVerifyMillion(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "?example=first-steps")
	p.ready()
	eval[bool](p, `play.stage.loading.open({program: {lang: 'asm', text: `+quoted(".prog xdp\n.license GPL\n\tr0 = 0\nloop:\n\tr0 += 1\n\tif r0 < 2000000 goto loop\n\texit\n")+`, object: null, compiled: '', title: 'Long', gallery: ''},
		input: {kind: 'text', text: 'eth'}, maps: [], options: {}, entry: '', step: 0, breakpoints: []}).then(() => true)`)
	eval[bool](p, `(play.mode('verify'), true)`)
	p.walked()
	p.wait(walkOf + `.verdict?.processed === 1000001`)
	p.wait(walkOf + `.refused`)
	if said := p.words("skep-walk-say"); !strings.Contains(said, "gave up") || !strings.Contains(said, "1 000 000 instructions") || !strings.Contains(said, "if r0 < 1000 goto loop") {
		t.Errorf("the refusal: %s", said)
	}
	p.shot("verify-million")
	p.press(kb.Home)
	p.wait(walkOf + `.n === 0 && $('skep-walk-registers').shadowRoot.querySelector('ul')`)
	p.press(kb.ArrowRight)
	p.wait(walkOf + `.n === 1`)
	p.press(kb.End)
	p.wait(walkOf + `.refused`)
	if n := eval[int](p, `$$('skep-verify').flatMap(e => $$('*', e.shadowRoot)).length`); n > 4000 {
		t.Errorf("%d elements are drawn", n)
	}
	p.quiet()
}

// TestVerifyPredict guesses what the verifier will know.
func TestVerifyPredict(t *testing.T) {
	t.Parallel()
	p := walk(t, 1440, 900, spilled, "verify")
	eval[bool](p, `(() => { const b = $('skep-walk-controls').shadowRoot.querySelector('input[type="checkbox"]'); b.click(); return true; })()`)
	p.wait(`$('skep-predict')`)
	guess := func(n int, lo, hi, want string) {
		t.Helper()
		eval[bool](p, fmt.Sprintf(`(%s.go(0, %d), true)`, walkOf, n))
		p.wait(`$('skep-predict').shadowRoot.querySelector('form')`)
		if r := p.words("skep-predict"); strings.Contains(r, "… 15") || strings.Contains(r, "… 2³²") {
			t.Errorf("the answer is shown: %s", r)
		}
		eval[bool](p, `(() => { const r = $('skep-predict').shadowRoot; r.querySelector('[name="lo"]').value = `+quoted(lo)+`; r.querySelector('[name="hi"]').value = `+quoted(hi)+`; r.querySelector('form').requestSubmit(); return true; })()`)
		p.wait(`!$('skep-predict').shadowRoot.querySelector('form')`)
		if r := p.words("skep-predict"); !strings.Contains(r, want) {
			t.Errorf("a guess of %s to %s: want %q, got %s", lo, hi, want, r)
		}
	}
	guess(1, "0", "2^32-1", "1 exactly")
	guess(2, "0", "255", "0.5 sound but loose")
	p.shot("verify-predict")
	p.axe("predict")
	guess(4, "1", "5", "0 unsound")
	if r := p.words("skep-predict"); !strings.Contains(r, "1.5 of 3 points") {
		t.Errorf("the score: %s", r)
	}
	p.quiet()
}

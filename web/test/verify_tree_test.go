package test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// rounds goes round 2,200 times; in each round a path branches off that is
// covered at once.
const rounds = `.prog xdp
.license GPL
	r6 = 0
again:
	call bpf_get_prandom_u32
	if r0 == 0 goto skip
	r0 = 1
skip:
	r0 = 0
	r6 += 1
	if r6 < 2200 goto again
	r0 = 2
	exit
`

// nested may leave in each of 170 rounds: what goes on branches off from the
// round before.
const nested = `.prog xdp
.license GPL
	r6 = 0
again:
	call bpf_get_prandom_u32
	if r0 != 0 goto more
	r0 = 2
	exit
more:
	r6 += 1
	if r6 < 170 goto again
	r0 = 1
	exit
`

// TestVerifyRounds draws a walk of thousands of paths as one row for a loop,
// which says how often and over which numbers, and opens it.
func TestVerifyRounds(t *testing.T) {
	t.Parallel()
	p := walk(t, 1440, 900, rounds, "verify")
	p.wait(walkOf + `.trace.paths.length > 2000`)
	p.wait(`$$('[role="treeitem"]').length === 2`)
	if said := p.words(`[role="treeitem"][aria-level="2"]`); !strings.Contains(said, "iterations ≡") || !strings.Contains(said, "r6 0 … 2199") {
		t.Errorf("the row of the rounds: %s", said)
	}
	p.shot("verify-rounds")
	p.axe("2,200 rounds")
	p.press("p")
	p.press(kb.ArrowDown)
	p.press(kb.ArrowRight)
	p.wait(`$$('[role="treeitem"]').length > 20`)
	if n := eval[int](p, `$$('[role="treeitem"]').length`); n > 200 {
		t.Errorf("%d rows are drawn, of those that are in sight a few dozen", n)
	}
	p.press(kb.End)
	p.press(kb.Enter)
	p.wait(walkOf + `.covered && ` + walkOf + `.path > 1000 || ` + walkOf + `.path === 1`)
	p.quiet()

	q := walk(t, 1440, 900, nested, "verify")
	q.wait(walkOf + `.trace.paths.length > 160`)
	q.wait(`$$('[role="treeitem"]').length === 2`)
	if said := q.words(`[role="treeitem"][aria-level="2"]`); !strings.Contains(said, "×170 iterations") || !strings.Contains(said, "r6 0 … 169") {
		t.Errorf("the row of nested rounds: %s", said)
	}
	eval[bool](q, `($('[role="treeitem"][aria-level="2"] .twist').click(), true)`)
	q.wait(`$$('[role="treeitem"]').length > 20`)
	q.quiet()
}

// TestVerifyWhatIf changes a bit of a number and an instruction, and sees the
// first step that differs; a row leads to its step.
func TestVerifyWhatIf(t *testing.T) {
	t.Parallel()
	p := walk(t, 1440, 900, program(t, "past-the-end"), "verify")
	p.wait(walkOf + `.refused`)

	// An instruction.
	text := eval[string](p, `(() => { const w = `+walkOf+`; w.go(0, 0); return w.insn.text; })()`)
	p.wait(`$$('skep-what-if').some(e => !e.bounds && !e.place)`)
	eval[bool](p, `(() => { const e = $$('skep-what-if').find(e => !e.bounds); e.shadowRoot.querySelector('button').click(); return e.updateComplete.then(() => {
		e.shadowRoot.querySelector('[name="insn"]').value = 'r6 = r99'; e.shadowRoot.querySelector('form').requestSubmit(); return true; }); })()`)
	p.wait(`$$('skep-what-if').some(e => e.shadowRoot.querySelector('[role="alert"]'))`)
	eval[bool](p, `(() => { const e = $$('skep-what-if').find(e => !e.bounds), i = e.shadowRoot.querySelector('[name="insn"]'); i.value = 'r6 = 8'; e.shadowRoot.querySelector('form').requestSubmit(); return true; })()`)
	p.wait(`$('skep-walk-compare') && $('skep-walk-compare').shadowRoot.querySelector('li.first')`)
	if c := p.words("skep-walk-compare"); !strings.Contains(c, "what if 0 were r6 = 8") || !strings.Contains(c, text) {
		t.Errorf("another instruction: %s", c)
	}
	p.axe("what if, an instruction")
	// The row of the first difference leads to its step.
	step := eval[int](p, `(() => { const b = $('skep-walk-compare').shadowRoot.querySelector('li.first button.cell'), n = Number(b.dataset.step); b.click(); return n; })()`)
	p.wait(`!$('skep-walk-compare')`)
	if at := eval[int](p, walkOf+`.step`); at != step {
		t.Errorf("the row of step %d leads to %d", step, at)
	}

	// A bit: of an unknown number the top one is 0.
	q := walk(t, 1440, 900, spilled, "verify")
	q.wait(walkOf + `.verdict.outcome === 'accepted'`)
	eval[bool](q, `(() => { const w = `+walkOf+`; w.go(0, 2); w.about({kind: 'reg', frame: 0, reg: 2}); return true; })()`)
	q.wait(`$$('skep-what-if').some(e => e.bounds)`)
	eval[bool](q, `(() => { const e = $$('skep-what-if').find(e => e.bounds); e.shadowRoot.querySelector('button').click(); return e.updateComplete.then(() => {
		const bit = e.shadowRoot.querySelector('[aria-label="bit 3 is not known"]'); bit.click(); return e.updateComplete; }).then(() => {
		const bit = e.shadowRoot.querySelector('[aria-label="bit 3 is 0"]'); e.shadowRoot.querySelector('form').requestSubmit(); return bit !== null; }); })()`)
	q.wait(`$('skep-walk-compare') && $('skep-walk-compare').shadowRoot.querySelector('li.first')`)
	if c := q.words("skep-walk-compare"); !strings.Contains(c, "what if r2 were of these bits") || !strings.Contains(c, "r2 0 … 7") && !strings.Contains(c, "r1 0 … 7") {
		t.Errorf("another bit: %s", c)
	}
	p.quiet()
	q.quiet()
}

// TestVerifyNothing says why there is no walk: what the verifier does not
// cover, a text that does not assemble, a verifier that cannot be fetched.
func TestVerifyNothing(t *testing.T) {
	t.Parallel()
	p := walk(t, 1440, 900, program(t, "short-check"), "verify")
	p.wait(`$('.cm-editor')`)
	p.edit("r4 += 14", "r4 +== 14")
	p.wait(walkOf + `.stale && ` + walkOf + `.trace !== null`)
	if said := p.words("skep-walk-say"); !strings.Contains(said, "the walk before") {
		t.Errorf("a text that does not assemble: %s", said)
	}
	p.edit(".prog xdp", ".prog ext")
	p.edit("r4 +== 14", "r4 += 14")
	p.wait(walkOf + `.verdict?.outcome === 'not_modelled' && !` + walkOf + `.stale`)
	if said := p.words("skep-walk-say"); !strings.Contains(said, "This verifier does not cover freplace program") {
		t.Errorf("what is not covered: %s", said)
	}
	for _, pane := range []string{"skep-walk-registers", "skep-walk-tree", "skep-walk-memory", "skep-walk-stack", "skep-walk-log"} {
		if eval[bool](p, `$(`+quoted(pane)+`) !== undefined`) && p.words(pane) == "" {
			t.Errorf("%s says nothing when there is no walk", pane)
		}
	}
	p.axe("not covered")
	p.shot("verify-notmodelled")
	p.quiet()

	// Offline, before the verifier was ever fetched: another tab, whose
	// server goes away.
	q := open(t, handler(t, nil), 1440, 900, "?example=first-steps")
	q.ready()
	eval[bool](q, `(`+`window.Worker = class { constructor() { throw new TypeError('Failed to fetch'); } }, play.mode('verify'), true)`)
	q.wait(`$('skep-verify') && ` + walkOf + `.trouble !== ''`)
	if said := q.words("skep-walk-say"); !strings.Contains(said, "There is no walk to show: ") {
		t.Errorf("without a verifier: %s", said)
	}
	q.axe("no verifier")
	q.shot("verify-nothing")
}

// TestVerifyValue finds the members of a map's value in its box.
func TestVerifyValue(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "?example=rate-limiter")
	p.ready()
	p.toMode("verify")
	found := eval[bool](p, `(() => { const w = `+walkOf+`;
		for (const path of w.trace.paths) for (let n = 0; n < w.paths.length(path.id); n++) {
			const m = /^r\d = \*\(u64 \*\)\(r(\d) \+ ?8\)/.exec(model.insn(w.pcAt(path.id, n))?.text ?? '');
			if (m && w.stateAt(path.id, n)?.frames.at(-1).regs[m[1]].kind === 'map_value') { w.go(path.id, n); return true; }
		}
		return false; })()`)
	if !found {
		t.Fatal("no step loads the second member of a bucket")
	}
	p.wait(`$('skep-walk-memory').shadowRoot.querySelector('.members')`)
	if said := p.words("skep-walk-memory"); !strings.Contains(said, "touches tokens") {
		t.Errorf("the box of the value: %s", said)
	}
	p.axe("members of a value")
	p.shot("verify-members")
	p.quiet()
}

package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestPanesByKeyboard(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	width := func(pane string) int {
		return eval[int](p, `Math.round($('[data-pane="`+pane+`"]')?.getBoundingClientRect().width ?? 0)`)
	}
	// Resize.
	before := width("source")
	eval[bool](p, `($$('[role="separator"][aria-orientation="vertical"]')[0].focus(), true)`)
	p.press(kb.ArrowRight)
	p.press(kb.ArrowRight, kb.ModifierShift)
	p.wait(fmt.Sprintf(`$('[data-pane="source"]').getBoundingClientRect().width > %d`, before+80))
	if p.step() != 0 {
		t.Error("the arrow key that moved a splitter stepped too")
	}
	// Maximise and back.
	p.pane("4", "regs")
	p.press("m")
	p.wait(`$$('.slot').length === 1 && $('[data-pane="regs"]').getBoundingClientRect().width > 1400`)
	p.press(kb.ArrowRight)
	p.stepIs(1)
	p.press(kb.Escape)
	p.wait(`$$('.slot').length > 5`)
	// Tabs.
	p.pane("7", "maps")
	p.wait(`$('#tab-maps').getAttribute('aria-selected') === 'true'`)
	eval[bool](p, `($('#tab-maps').focus(), true)`)
	p.press(kb.ArrowRight)
	p.wait(`$('#tab-ctx').getAttribute('aria-selected') === 'true'`)
	// Hide, remembered over a reload, and back.
	eval[bool](p, `($('[data-slot="packet"] button[aria-label^="Hide"]').click(), true)`)
	p.wait(`!$('[data-pane="packet"]')`)
	now := width("source")
	p.saved()
	p.do(chromedp.Reload())
	p.ready()
	if width("packet") != 0 || width("source") != now || eval[string](p, `$('#tab-ctx').getAttribute('aria-selected')`) != "true" {
		t.Error("the arrangement is not remembered")
	}
	p.press("5")
	p.wait(`$('[data-pane="packet"]')`)
	// Number base, by key, remembered.
	p.press("x")
	p.wait(`model.prefs.base === 'dec' && JSON.parse(localStorage.getItem('skep.prefs')).base === 'dec'`)
	// Keys of one character can be turned off.
	eval[bool](p, `(model.setPrefs({keys: false}), true)`)
	p.press("]")
	p.press(kb.ArrowRight)
	p.stepIs(2)
	p.quiet()
}

func TestKeysInTheEditorStayThere(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	p.press("1")
	p.wait(`$('.cm-content') === $('skep-source').shadowRoot.activeElement`)
	p.press("m")
	p.press(kb.ArrowRight)
	// The protocol's own char event of "1" may arrive in the editor too; a real key press has none.
	p.wait(`/^1?m;/.test(model.program.text)`)
	if p.step() != 0 {
		t.Error("an arrow key in the editor stepped")
	}
	p.press(kb.F10) // function keys work everywhere
	p.stepIs(1)
	p.press(kb.Escape)
	p.wait(`$('skep-source').shadowRoot.activeElement === null`)
	p.quiet()
}

func TestLongProgram(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	text := ".prog xdp\n" + strings.Repeat("\tr0 += 1\n", 3000)
	eval[bool](p, `(play.stage.loading.edit(`+quoted(strings.Replace(text, "+=", "=", 1)+"\texit\n")+`), true)`)
	p.wait(`model.listing.insns.length === 3001 && !model.stale && $$('li .insn').length > 15`)
	if n := eval[int](p, `$$('li .insn').length`); n > 600 {
		t.Errorf("%d rows are drawn of 3001", n)
	}
	p.press(kb.End)
	p.wait(`model.view.state === 'exited' && model.view.event === 1`)
	p.wait(`$('li.now')?.textContent.includes('exit')`)
	p.quiet()
}

func TestLongRunCanBeStopped(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	eval[bool](p, `(model.options = {...model.options, budget: 1000000000}, play.stage.loading.edit('.prog xdp\n\tr1 = 0\nloop:\n\tr1 += 1\n\tgoto loop\n'), true)`)
	p.wait(`model.listing.insns.length === 3 && !model.stale`)
	eval[bool](p, `(void play.stage.moving.end(), true)`)
	p.wait(`model.busy !== null && $('.busy button')`)
	p.axe("busy")
	eval[bool](p, `($('.busy button').click(), true)`)
	p.wait(`model.busy === null && model.view.stop === 'cancelled' && model.view.step > 1000`)
	p.press(kb.ArrowLeft)
	p.wait(`model.view.stop === 'moved'`)
	p.quiet()
}

func TestPacketMistake(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	eval[bool](p, `(play.stage.loading.editInput({kind: 'text', text: 'eth / ipv4(src=10.0.0.1) / upd(dport=53)'}), true)`)
	p.wait(`model.inputProblems.length > 0 && model.stale`)
	if text := eval[string](p, `$('skep-packets').shadowRoot.textContent`); !strings.Contains(text, "Line 1") || !strings.Contains(text, "upd") {
		t.Errorf("the mistake is not told: %q", text)
	}
	p.axe("packet mistake")
	p.quiet()
}

// Not a timed test: the figure is for people.
func TestStepSpeed(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "?example=l4-balancer")
	p.ready()
	ms := eval[float64](p, `(async () => {
		const from = performance.now();
		for (let i = 0; i < 50; i++) { await play.stage.moving.step(); await play.updateComplete; }
		for (let i = 0; i < 50; i++) { await play.stage.moving.back(); await play.updateComplete; }
		return (performance.now() - from) / 100;
	})()`)
	engine := eval[float64](p, `(async () => {
		const from = performance.now();
		for (let i = 0; i < 50; i++) { await model.session.step(); await model.session.back(); }
		return (performance.now() - from) / 100;
	})()`)
	t.Logf("%.2f ms a step with all panes drawn, %.2f of it engine and transfer", ms, engine)
}

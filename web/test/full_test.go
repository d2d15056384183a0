package test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// full waits for the results of a run at full speed, and its measurement.
func (p *tab) full() {
	p.t.Helper()
	p.wait(`model.full && !model.full.measuring && $('skep-full')?.shadowRoot.querySelector('.acts')`)
}

// line is what the line about the run says.
func (p *tab) line() string {
	p.t.Helper()
	return eval[string](p, `$('skep-full').shadowRoot.textContent.replace(/\s+/g, ' ').trim()`)
}

// What a run leaves is all that panes show of it, as text.
const leftover = `JSON.stringify([model.view.verdicts.map(v => [v.event, v.name, v.meaning]), model.view.trace.map(t => t.text),
	model.view.maps.map(m => [m.count, m.entries.map(e => [e.keyText, e.valueTexts]), m.records.map(r => r.text)]),
	[...(model.view.packet?.bytes ?? [])], model.view.fault?.message])`

func TestFullSpeed(t *testing.T) {
	t.Parallel()
	p := openKept(t, handler(t, nil), 1440, 900, "?example=protocol-counter")
	p.ready()
	p.press(kb.ArrowRight)
	p.stepIs(1)
	p.press("f")
	p.full()
	got := eval[string](p, leftover)
	if line := p.line(); !strings.Contains(line, "Ran at full speed: 4 runs in ") || !strings.Contains(line, "One run takes ") {
		t.Errorf("the line is %q", line)
	}
	p.press("7")
	p.shot("full-light")
	p.axe("full speed")
	// The step is where it was, and stepping goes on there.
	if at := eval[string](p, `$('skep-transport').shadowRoot.querySelector('.count').textContent`); !strings.Contains(at, "step 1 of") {
		t.Errorf("the student is at %q", at)
	}
	p.press(kb.ArrowRight)
	p.stepIs(2)
	p.press(kb.End)
	p.wait(`model.view.state === 'exited' && model.view.event === 3`)
	if want := eval[string](p, leftover); got != want {
		t.Errorf("a run at full speed leaves\n%s\nin steps it leaves\n%s", got, want)
	}
	// As often as one likes, from the button.
	eval[bool](p, `([...$('skep-transport').shadowRoot.querySelectorAll('button')].find(b => b.textContent.includes('Full speed')).click(), true)`)
	p.full()
	eval[bool](p, `(() => { const s = $('skep-full').shadowRoot.querySelector('select'); s.value = '1000000'; s.dispatchEvent(new Event('change')); return true; })()`)
	p.wait(`model.full?.ran.runs === 4000000`)
	p.full()
	if line := p.line(); !strings.Contains(line, "times each") {
		t.Errorf("the line is %q", line)
	}
	// The ARP packet is not counted.
	const counted = `model.view.maps[0].entries.flatMap(e => e.values).reduce((sum, v) => sum + Number(new DataView(v.buffer, v.byteOffset).getBigUint64(0, true)), 0)`
	if n := eval[int](p, counted); n != 3_000_000 {
		t.Errorf("%d packets were counted", n)
	}
	t.Log(p.line())
	eval[bool](p, `(model.setPrefs({theme: 'dark'}), true)`)
	p.shot("full-dark")
	p.axe("full speed, dark")
	eval[bool](p, `([...$('skep-full').shadowRoot.querySelectorAll('button')].find(b => b.textContent === 'Back to the step').click(), true)`)
	p.wait(`model.full === null && model.view.event === 3 && model.view.step === model.total`)
	// The module is kept: it is there when the network is not.
	p.kept(manifest(t).Run)
	p.quiet()
}

// Every example leaves at full speed, by the button of the page and with the
// facts of its verifier, what it leaves in steps.
func TestFullSpeedEveryExample(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	unchecked := 0
	for _, e := range manifest(t).Examples {
		got := eval[string](p, `(async () => {
			await $('skep-gallery').example(`+quoted(e.ID)+`);
			if (!await until(() => model.view && model.outlook.total > 0)) return 'does not load';
			await until(() => play.stage.verdicts.fresh);
			await play.full();
			if (model.full === null) return 'did not run: ' + model.notice;
			const accepted = model.full.checked !== null, full = `+leftover+`;
			await play.stage.moving.end();
			const steps = `+leftover+`;
			return full === steps ? (accepted ? 'same, unchecked' : 'same') : full + ' in steps ' + steps;
		})()`)
		if !strings.HasPrefix(got, "same") {
			t.Errorf("%s: %s", e.ID, got)
		}
		if got == "same, unchecked" {
			unchecked++
		}
	}
	if unchecked < 10 {
		t.Errorf("%d examples ran unchecked", unchecked)
	}
	p.quiet()
}

func TestFullSpeedStops(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	// Divisions, so that a run takes seconds on any machine: there is time to stop it.
	eval[bool](p, `(play.stage.loading.open({program: {...model.program, lang: 'asm', gallery: '', text: '.prog xdp\nr6 = 0\nr7 = -1\ntop:\nr6 += 1\nr7 /= r6\nr7 |= r6\nr7 %= r6\nr7 |= r6\nif r6 != 0 goto top\nr0 = 2\nexit'},
		input: {kind: 'text', text: 'eth'}, maps: [], options: {}, entry: '', step: 0, breakpoints: []}), true)`)
	p.wait(`model.listing?.insns.length === 10`)
	eval[bool](p, `{
		const off = model.subscribe(() => {
			if (!/Running at full speed/.test(model.busy?.words ?? '')) return;
			off();
			model.busy.cancel();
		});
		true }`)
	p.press("f")
	p.full()
	if line := p.line(); !strings.Contains(line, "Stopped after ") {
		t.Errorf("the line is %q", line)
	}
	// Left alone it ends by itself.
	p.press("f")
	p.wait(`model.full?.ran.view.state === 'faulted'`)
	p.wait(`/ran 1,000,000,000 instructions/i.test($('skep-narration').shadowRoot.textContent)`)
	p.shot("full-endless")
	p.axe("endless at full speed")
	p.quiet()
}

func TestFullSpeedFault(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 360, 740, "?example=past-the-end")
	p.ready()
	p.press("f")
	p.full()
	if said := p.said() + p.line(); !strings.Contains(said, "value size 64") || !strings.Contains(said, "Ended by a fault") {
		t.Errorf("the page says %q", said)
	}
	p.shot("full-narrow-fault")
	p.axe("fault at full speed")
	p.fits(t.Name())
	eval[bool](p, `([...$('skep-narration').shadowRoot.querySelectorAll('button')].find(b => b.textContent === 'Step to it').click(), true)`)
	p.wait(`model.full === null && model.view.state === 'faulted'`)
	p.quiet()
}

// Once the page is at rest the compiler is there before anybody asks for it, with
// the program in it; not where data is to be saved.
func TestFullSpeedComes(t *testing.T) {
	p := open(t, handler(t, nil), 1440, 900, "?example=protocol-counter")
	p.ready()
	p.wait(`play.stage.full.ready && play.stage.full.engine.prepared`)
	p.press("f")
	p.full()
	if line := p.line(); !strings.Contains(line, "Ran at full speed: 4 runs in ") {
		t.Errorf("the line is %q", line)
	}
	if !eval[bool](p, `(async () => {
		play.stage.full.close();
		Object.defineProperty(navigator, 'connection', {value: {saveData: true}});
		await play.stage.full.warm();
		return play.stage.full.ready === false;
	})()`) {
		t.Error("the compiler came although data is to be saved")
	}
	p.quiet()
}

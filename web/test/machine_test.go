package test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// end moves to the last step and shows a pane.
func (p *tab) end(pane string) {
	p.t.Helper()
	eval[bool](p, `play.stage.moving.end().then(() => true)`)
	p.press(pane)
}

func TestMapPictures(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	for _, c := range []struct{ example, shows string }{
		{"prefix-firewall", `$('.trie .knot') && $$('.trie .prefix').some(e => e.textContent === '10.1.0.0/16')`},
		{"ring-sampler", `$('.ring svg .slot-submitted') && /in use/.test($('.ring').textContent)`},
		{"heavy-hitters", `$$('.strip .cell').length === 4 && $('.strip .cell.next')`},
		{"protocol-counter", `$$('skep-maps').length === 1 && /CPU 1/.test($('skep-maps').shadowRoot.textContent)`},
	} {
		for _, size := range []struct {
			name          string
			width, height int64
		}{{"wide", 1440, 900}, {"narrow", 360, 740}} {
			t.Run(c.example+"/"+size.name, func(t *testing.T) {
				p := open(t, h, size.width, size.height, "?example="+c.example)
				p.ready()
				p.end("7")
				p.press("m")
				p.wait(c.shows)
				p.shot("map-" + c.example + "-" + size.name)
				p.axe(c.example)
				eval[bool](p, `(model.setPrefs({theme: 'dark'}), true)`)
				p.shot("map-" + c.example + "-" + size.name + "-dark")
				p.axe(c.example + " dark")
				p.fits(t.Name())
				p.quiet()
			})
		}
	}
}

// Queues, stacks and Bloom filters, from the reference's examples.
func TestMapStrips(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	for _, c := range []struct{ id, shows string }{
		{"queue", `$$('.strip .cell').length === 1`},
		{"stack", `$$('.strip.pile .cell').length === 2`},
		{"bloom_filter", `$$('.bits .one').length > 0`},
	} {
		t.Run(c.id, func(t *testing.T) {
			p := open(t, h, 1440, 900, "reference/maps/")
			eval[bool](p, `($('[id=`+c.id+`] .try a').click(), true)`)
			p.ready()
			p.end("7")
			p.wait(c.shows)
			p.shot("map-" + c.id)
			p.axe(c.id)
			p.quiet()
		})
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	t.Run("wide", func(t *testing.T) {
		p := open(t, h, 1440, 900, "?example=exec-guard")
		p.ready()
		p.wait(`$$('skep-packets .event').length >= 0 && $('skep-packets').shadowRoot.querySelectorAll('.event').length >= 3`)
		text := eval[string](p, `$('skep-packets').shadowRoot.textContent.replace(/\s+/g, ' ')`)
		if !strings.Contains(text, "EPERM") || !strings.Contains(text, "CPU 0") {
			t.Errorf("the list of events: %s", text)
		}
		eval[bool](p, `play.stage.moving.end().then(() => true)`)
		p.wait(`model.view.verdicts.map(v => v.name).join() === '0,-1,0'`)
		p.press("[")
		p.press("[")
		p.wait(`model.view.event === 1 && model.view.state === 'arrived'`)
		p.shot("events-wide")
		p.axe("events")
		// A mistake is underlined where it is.
		eval[bool](p, `(play.stage.loading.editInput({kind: 'events', text: 'exec path=/bin/true\nexce path=/bin/true'}), true)`)
		p.wait(`$('.marks .error')?.textContent === 'exce'`)
		p.shot("events-mistake")
		p.axe("event mistake")
		// A link keeps the events.
		eval[bool](p, `(play.stage.loading.editInput({kind: 'events', text: 'exec uid=0 path=/bin/ls'}), true)`)
		p.wait(`model.inputProblems.length === 0 && model.outlook.fired.events.length === 1`)
		link := eval[string](p, `play.stage.address.link()`)
		q := openAt(t, p.base, 1440, 900, link[len(p.base):])
		q.ready()
		if got := eval[string](q, `model.input.kind + ' ' + model.input.text`); got != "events exec uid=0 path=/bin/ls" {
			t.Errorf("the link's input is %q", got)
		}
		p.quiet()
	})
	t.Run("narrow", func(t *testing.T) {
		p := open(t, h, 360, 740, "?example=open-latency")
		p.ready()
		p.press("2")
		p.wait(`$('.cpulane')`)
		p.shot("events-narrow")
		p.axe("events narrow")
		p.fits(t.Name())
		eval[bool](p, `(model.setPrefs({theme: 'dark'}), true)`)
		p.shot("events-narrow-dark")
		p.axe("events narrow dark")
	})
}

// Every hook of the picker has an event that fires it.
func TestEventPicker(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "?example=exec-counter")
	p.ready()
	p.wait(`$$('skep-packets select').length >= 0 && $('skep-packets').shadowRoot.querySelectorAll('select')[1]?.options.length > 25`)
	before := eval[int](p, `model.outlook.fired.events.length`)
	eval[bool](p, `(() => { const s = $('skep-packets').shadowRoot.querySelectorAll('select')[1]; s.value = 'xdp'; s.dispatchEvent(new Event('change')); return true; })()`)
	p.wait(`model.outlook.fired.events.length === ` + string(rune('0'+before+1)))
	p.quiet()
}

func TestTwoCPUs(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	p := open(t, h, 1440, 900, "?example=lost-update")
	p.ready()
	p.press("c")
	p.press("m")
	p.wait(`$('skep-cpus')`)
	p.shot("cpus-empty")
	p.axe("cpus, nothing yet")
	button := func(text string) string {
		return `[...$('skep-cpus').shadowRoot.querySelectorAll('button')].find(b => b.textContent.trim() === ` + quoted(text) + `)`
	}
	eval[bool](p, `(`+button("Find a lost update")+`.click(), true)`)
	p.wait(`play.stage.cpus.explored?.done && !play.stage.cpus.searching && $('tr.lost')`)
	if n := eval[int](p, `$$('tr.lost').length`); n != 3 {
		t.Errorf("%d accesses are marked as the lost update, want 3", n)
	}
	p.shot("cpus-lost")
	p.axe("cpus, lost update")
	// By keyboard: a turn goes before its neighbour; then step by step.
	eval[bool](p, `($('skep-cpus').shadowRoot.querySelector('[data-turn="1"]').focus(), true)`)
	turns := eval[string](p, `JSON.stringify(play.stage.cpus.view.turns)`)
	p.press(kb.ArrowLeft, kb.ModifierAlt)
	p.wait(`JSON.stringify(play.stage.cpus.view.turns) !== ` + quoted(turns))
	eval[bool](p, `(`+button("Start again")+`.click(), true)`)
	p.wait(`play.stage.cpus.view.step === 0`)
	eval[bool](p, `(`+button("Step CPU 1")+`.click(), true)`)
	p.wait(`play.stage.cpus.view.step === 1 && play.stage.cpus.view.cpus[1].steps === 1`)
	eval[bool](p, `(`+button("Back")+`.click(), true)`)
	p.wait(`play.stage.cpus.view.step === 0`)
	eval[bool](p, `(model.setPrefs({theme: 'dark'}), true)`)
	p.shot("cpus-dark")
	p.axe("cpus dark")
	p.quiet()

	n := open(t, h, 360, 740, "?example=lost-update")
	n.ready()
	n.press("c")
	n.wait(`$('skep-cpus')`)
	eval[bool](n, `play.stage.cpus.start([0, 1]).then(() => play.stage.cpus.search()).then(() => true)`)
	n.wait(`$('tr.lost')`)
	n.shot("cpus-narrow")
	n.axe("cpus narrow")
	n.fits(t.Name())
}

func TestCallStack(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	p := open(t, h, 1440, 900, "?example=payload-sum")
	p.ready()
	p.press("9")
	for range 40 {
		eval[bool](p, `play.stage.moving.step().then(() => true)`)
		if eval[int](p, `model.view.frames.length`) > 1 {
			break
		}
	}
	p.wait(`/callback of bpf_loop/.test($('.frames')?.textContent)`)
	p.shot("calls-callback")
	p.axe("callback frames")
	q := open(t, h, 1440, 900, "?example=tail-parser")
	q.ready()
	q.press("9")
	q.press("]")
	eval[bool](q, `(async () => { for (let i = 0; i < 60 && model.listing.programs[model.view.program].name !== 'tcp'; i++) await play.stage.moving.step(); return true; })()`)
	q.wait(`/1 tail call/.test($('.jumps')?.textContent)`)
	q.shot("calls-tail")
	q.axe("tail call")
	q.quiet()
}

// A map of 10,000 entries is shown a thousand at a time.
func TestLongMap(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "")
	p.ready()
	eval[bool](p, `(play.stage.loading.edit(`+quoted(`.prog xdp
.license GPL
.map many hash key=4 value=8 entries=10000
	r6 = 0
next:
	*(u32 *)(r10 - 4) = r6
	*(u64 *)(r10 - 16) = r6
	r1 = map[many]
	r2 = r10
	r2 += -4
	r3 = r10
	r3 += -16
	r4 = 0
	call bpf_map_update_elem
	r6 += 1
	if r6 != 10000 goto next
	r0 = 2
	exit
`)+`), true)`)
	p.wait(`model.listing?.maps[0]?.name === 'many' && !model.stale`)
	p.end("7")
	p.wait(`model.view.maps[0].count === 10000 && /10\D?000 entries of 10000/.test($('skep-maps').shadowRoot.textContent)`)
	rows := func() int { return eval[int](p, `$('skep-maps').shadowRoot.querySelectorAll('tbody tr').length`) }
	if n := rows(); n != 64 {
		t.Errorf("%d rows at first, want 64", n)
	}
	eval[bool](p, `($('skep-maps').shadowRoot.querySelector('.note button').click(), true)`)
	p.wait(`$('skep-maps').shadowRoot.querySelectorAll('tbody tr').length === 1064`)
	p.quiet()
}

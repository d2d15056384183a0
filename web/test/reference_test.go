package test

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

var referencePages = []struct {
	path    string
	entries int
	deep    string // an entry to link to
}{
	{"reference/helpers/", 211, "bpf_map_lookup_elem"},
	{"reference/maps/", 33, "lpm_trie"},
	{"reference/programs/", 32, "xdp"},
	{"reference/instructions/", 182, "atomic_add-c3"},
}

func TestReferencePages(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	for _, c := range referencePages {
		for _, size := range []struct {
			name          string
			width, height int64
		}{{"wide", 1440, 900}, {"narrow", 360, 740}} {
			t.Run(c.path+size.name, func(t *testing.T) {
				p := open(t, h, size.width, size.height, c.path+"#"+c.deep)
				p.wait(`$('skep-filter input')`)
				if n := eval[int](p, `$$('.entry').length`); n != c.entries {
					t.Errorf("%d entries, want %d", n, c.entries)
				}
				p.wait(`Math.abs(document.getElementById(` + quoted(c.deep) + `).getBoundingClientRect().top - 68) < 120`)
				p.fits(t.Name())
				p.shot("ref-" + c.deep + "-" + size.name)
				p.axe(c.path)
				eval[bool](p, `(document.documentElement.dataset.theme = 'dark', scrollTo(0, 0), true)`)
				p.shot("ref-" + c.deep + "-" + size.name + "-dark")
				p.axe(c.path + " dark")
				p.quiet()
			})
		}
	}
	p := open(t, h, 1000, 800, "reference/")
	p.wait(`document.querySelectorAll('.contents a').length === 4`)
	p.axe("reference")
	p.shot("ref-index")
}

func TestReferenceFilter(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1000, 800, "reference/helpers/")
	p.wait(`$('skep-filter input')`)
	p.press("/")
	p.wait(`document.activeElement === $('skep-filter input')`)
	eval[bool](p, `(() => { const i = $('skep-filter input'); i.value = 'ringbuf dynptr'; i.dispatchEvent(new Event('input')); return true; })()`)
	p.wait(`$$('.entry:not([hidden])').length === 3 && $('skep-filter p').textContent === '3 of 211' && location.search === '?q=ringbuf+dynptr'`)
	p.press(kb.ArrowDown)
	p.wait(`document.activeElement.textContent === 'bpf_ringbuf_reserve_dynptr'`)
	p.press(kb.ArrowDown)
	p.press(kb.Enter)
	p.wait(`location.hash === '#bpf_ringbuf_submit_dynptr'`)
	p.press("/")
	p.press(kb.Escape)
	p.wait(`$$('.entry:not([hidden])').length === 211`)
	// By program type, and a link to what the filter hides.
	eval[bool](p, `(() => { const s = $('skep-filter select'); s.value = 'lirc_mode2'; s.dispatchEvent(new Event('change')); return true; })()`)
	p.wait(`$('[id=bpf_rc_repeat]').hidden === false && $('[id=bpf_redirect]').hidden && location.search.includes('program=lirc_mode2')`)
	eval[bool](p, `(location.hash = '#bpf_redirect', true)`)
	p.wait(`!$('[id=bpf_redirect]').hidden`)
	eval[bool](p, `(() => { const i = $('skep-filter input'); i.value = 'no such thing'; i.dispatchEvent(new Event('input')); return true; })()`)
	p.wait(`/^None of 211/.test($('skep-filter p').textContent)`)
	p.axe("nothing found")
	p.quiet()
}

// An example of the reference opens and runs, on a static copy's paths too.
func TestReferenceExample(t *testing.T) {
	t.Parallel()
	p := open(t, handler(t, nil), 1440, 900, "reference/maps/")
	p.wait(`$('[id=lpm_trie] .try a')`)
	eval[bool](p, `($('[id=lpm_trie] .try a').click(), true)`)
	p.ready()
	eval[bool](p, `play.stage.moving.end().then(() => true)`)
	if got := eval[string](p, `model.view.verdicts.map(v => v.name).join()`); got != "XDP_PASS,XDP_DROP,XDP_PASS" {
		t.Errorf("verdicts %s", got)
	}
	p.quiet()
}

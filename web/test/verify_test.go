package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program is one of the verifier's own small programs (wasm/verdict/testdata).
func program(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "wasm", "verdict", "testdata", name+".s"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// walk opens a program in a mode of the playground and waits for its verdict
// and the views of the verifier's walk.
func walk(t *testing.T, width, height int64, text, mode string) *tab {
	t.Helper()
	p := open(t, handler(t, nil), width, height, "?example=first-steps")
	p.ready()
	if text != "" {
		eval[bool](p, `play.stage.loading.open({program: {lang: 'asm', text: `+quoted(text)+`, object: null, compiled: '', title: 'Test program', gallery: ''},
			input: {kind: 'text', text: 'eth / ipv4 / udp(dport=53) / "hello"'}, maps: [], options: {}, entry: '', step: 0, breakpoints: []}).then(() => true)`)
	}
	p.toMode(mode)
	return p
}

// toMode turns to Verify or Both.
func (p *tab) toMode(mode string) {
	p.t.Helper()
	eval[bool](p, `(play.mode(`+quoted(mode)+`), true)`)
	p.walked()
}

// walked waits until the walk is that of the present text.
func (p *tab) walked() {
	p.t.Helper()
	p.wait(`$('skep-verify')?.walk.trace && !$('skep-verify').walk.stale && !model.stale`)
}

// TestVerifyLook makes pictures of the walk, to be looked at.
func TestVerifyLook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		width, height int64
		program       string // of wasm/verdict/testdata, or an example
		example       bool
		theme, mode   string
	}{
		{"verify-packet", 1440, 900, "short-check", false, "light", "verify"},
		{"verify-null", 1440, 900, "no-null-check", false, "dark", "verify"},
		{"verify-loop", 1440, 900, "endless", false, "light", "verify"},
		{"verify-value", 1440, 900, "past-the-end", false, "light", "verify"},
		{"verify-rate", 1440, 900, "rate-limiter", true, "dark", "verify"},
		{"verify-headers", 1440, 900, "header-parser", true, "light", "verify"},
		{"verify-both", 1440, 900, "rate-limiter", true, "light", "both"},
		{"verify-narrow", 360, 740, "short-check", false, "light", "verify"},
		{"verify-narrow-dark", 360, 740, "rate-limiter", true, "dark", "verify"},
		{"verify-narrow-both", 360, 740, "rate-limiter", true, "light", "both"},
		{"verify-middle", 900, 800, "rate-limiter", true, "light", "verify"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p *tab
			if c.example {
				p = open(t, handler(t, nil), c.width, c.height, "?example="+c.program)
				p.ready()
				p.wait(`play.stage.verdicts.fresh`)
				p.toMode(c.mode)
			} else {
				p = walk(t, c.width, c.height, program(t, c.program), c.mode)
			}
			eval[bool](p, `(model.setPrefs({theme: `+quoted(c.theme)+`}), true)`)
			if c.example && c.mode == "verify" {
				eval[bool](p, `(() => { const w = $('skep-verify').walk; w.go(0, 14); w.about({kind: 'reg', frame: 0, reg: 3}); return true; })()`)
			}
			if c.mode == "both" {
				for range 10 {
					eval[bool](p, `play.stage.moving.step().then(() => true)`)
				}
				p.wait(`$('skep-verify').walk.spot && $('skep-verify').walk.n > 5`)
			}
			p.shot(c.name)
			p.fits(t.Name())
			p.axe(c.name)
			p.quiet()
		})
	}
}

// uncounted means to go round ten times, and does not count.
const uncounted = `.prog xdp
.license GPL

	r3 = 0                    ; rounds
again:
	r0 = r3
	r0 *= 2
	if r3 < 10 goto again     ; ten rounds are meant

	r0 = 2                    ; XDP_PASS
	exit
`

// TestVerifyReadme makes the three screens of the README: the reader sees why
// the program is refused, and what would do.
func TestVerifyReadme(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, title, fix string }{
		{"readme-packet", program(t, "short-check"), "The packet may end before this byte.", "r0 += 24"},
		{"readme-null", program(t, "no-null-check"), "r0 may be NULL.", "if r0 == 0 goto out"},
		{"readme-loop", uncounted, "This loop never gets further.", "r3 += 1 if r3 < 10 goto loop"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := walk(t, 1440, 900, c.text, "verify")
			p.wait(walkOf + `.refused && $('section.refused')`)
			eval[bool](p, `(model.setPrefs({theme: 'light'}), model.program = {...model.program, title: 'My program'}, model.changed(), true)`)
			said := p.words("section.refused")
			for _, want := range []string{c.title, "needed", "proved", "What would do.", c.fix, "The kernel says"} {
				if !strings.Contains(said, want) {
					t.Errorf("the screen does not say %q: %s", want, said)
				}
			}
			p.shot(c.name)
			p.quiet()
		})
	}
}

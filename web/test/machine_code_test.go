package test

import (
	"testing"
)

// machineOf is what the view of the machine code shows.
const machineOf = `$('skep-machine').machine`

// machineCode opens a program of the gallery beside its machine code.
func machineCode(t *testing.T, width, height int64, example string) *tab {
	t.Helper()
	p := open(t, handler(t, nil), width, height, "?example="+example)
	p.ready()
	eval[bool](p, `(play.mode('machine'), true)`)
	p.compiled()
	return p
}

// compiled waits for the code of what is in the editor, with the options as they are.
func (p *tab) compiled() {
	p.t.Helper()
	p.wait(`$('skep-machine') && !` + machineOf + `.stale && ` + machineOf + `.code && $('skep-machine-listing')`)
}

// TestMachineLook makes pictures of the view, to be looked at.
func TestMachineLook(t *testing.T) {
	for _, c := range []struct {
		name          string
		width, height int64
		example, code string
		theme         string
		steps         int
	}{
		{"machine-amd64", 1440, 900, "protocol-counter", "", "light", 6},
		{"machine-arm64-dark", 1440, 900, "protocol-counter", "arm64", "dark", 14},
		{"machine-wasm", 1440, 900, "rate-limiter", "wasm,checked", "light", 0},
		{"machine-blind", 1440, 900, "first-steps", "blind", "light", 0},
		{"machine-linux", 1440, 900, "protocol-counter", "linux", "light", 6},
		{"machine-middle", 900, 800, "protocol-counter", "", "light", 6},
		{"machine-narrow", 360, 740, "protocol-counter", "", "light", 6},
		{"machine-narrow-dark", 360, 740, "rate-limiter", "wasm", "dark", 6},
		{"machine-narrow-linux", 360, 740, "first-steps", "linux", "light", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := machineCode(t, c.width, c.height, c.example)
			eval[bool](p, `(model.setPrefs({theme: `+quoted(c.theme)+`}), model.code = `+quoted(c.code)+`, model.changed(), true)`)
			for range c.steps {
				eval[bool](p, `play.stage.moving.step().then(() => true)`)
			}
			p.wait(`!` + machineOf + `.stale`)
			if c.code == "linux" {
				p.wait(machineOf + `.kernel.status !== null`)
			}
			p.shot(c.name)
			if over := eval[int](p, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
				t.Errorf("the page is %d pixels wider than the window", over)
			}
			p.axe(c.name)
			p.quiet()
		})
	}
}

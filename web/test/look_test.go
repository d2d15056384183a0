package test

import (
	"testing"
)

// Pictures of the states, to be looked at: SKEP_SHOTS=DIR go test -run Look ./web/test
func TestLook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		width, height int64
		path          string
		theme         string
	}{
		{"wide-light", 1440, 900, "", "light"},
		{"wide-dark", 1440, 900, "?example=rate-limiter", "dark"},
		{"narrow-light", 360, 740, "", "light"},
		{"narrow-dark", 360, 740, "?example=rate-limiter", "dark"},
		{"middle", 900, 800, "?example=protocol-counter", "light"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := open(t, handler(t, nil), c.width, c.height, c.path)
			p.ready()
			eval[bool](p, `model.setPrefs({theme: `+quoted(c.theme)+`}), true`)
			for range 12 {
				eval[bool](p, `play.stage.moving.step().then(() => true)`)
			}
			p.shot(c.name)
			p.fits(t.Name())
			p.quiet()
		})
	}
}

package test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skep/web"
)

// drawn waits for transitions: halfway colours have no contrast.
const drawn = `Promise.allSettled([document, ...$$('*').map(e => e.shadowRoot).filter(s => s !== null)].flatMap(r => r.getAnimations())
	.filter(a => Number.isFinite(a.effect?.getComputedTiming().endTime)).map(a => a.finished)).then(() => true)`

// axe runs axe-core's WCAG 2.2 A and AA rules on the page as it is now.
func (p *tab) axe(state string) {
	p.t.Helper()
	if !eval[bool](p, `window.axe !== undefined`) {
		src, err := os.ReadFile(filepath.Join("..", "node_modules", "axe-core", "axe.min.js"))
		if err != nil {
			p.t.Fatalf("axe-core is not installed, run make web: %v", err)
		}
		eval[bool](p, string(src)+";true")
	}
	eval[bool](p, drawn)
	found := eval[[]string](p, `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']})
		.then(r => r.violations.flatMap(v => v.nodes.slice(0, 4).map(n => v.id + ': ' + n.target.flat().join(' >> ') + ': ' + (n.failureSummary || '').split('\n').slice(1, 2).join().trim())))`)
	for _, f := range found {
		p.t.Errorf("%s: %s", state, f)
	}
}

func manifest(t *testing.T) *web.Manifest {
	t.Helper()
	m, err := web.ReadManifest(web.Assets())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// readAsset is the object of a gallery example.
func readAsset(t *testing.T, id string) []byte {
	t.Helper()
	for _, e := range manifest(t).Examples {
		if e.ID == id {
			body, err := fs.ReadFile(web.Assets(), e.Object)
			if err != nil {
				t.Fatal(err)
			}
			return body
		}
	}
	t.Fatalf("no example %s", id)
	return nil
}

func TestAccessible(t *testing.T) {
	t.Parallel()
	h := handler(t, nil)
	for _, theme := range []string{"light", "dark"} {
		t.Run(theme, func(t *testing.T) {
			p := open(t, h, 1440, 900, "?example=protocol-counter")
			p.ready()
			eval[bool](p, `(model.setPrefs({theme: `+quoted(theme)+`, bytes: true}), true)`)
			eval[bool](p, `play.stage.moving.seek(18).then(() => play.stage.moving.watch({kind: 'reg', reg: 2}, 'r2')).then(() => true)`)
			p.axe("stepping")
			for _, key := range []string{"7", "8", "0", "6"} {
				p.press(key)
				p.axe("pane " + key)
			}
			eval[bool](p, `play.stage.moving.end().then(() => true)`)
			p.press("7")
			p.press("0")
			p.axe("end")
			p.shot("end-" + theme)
			for _, d := range []string{"skep-gallery", "skep-options", "skep-share", "skep-help", "skep-panes"} {
				eval[bool](p, `$('`+d+`').show().then(() => true)`)
				p.axe(d)
				p.shot(strings.TrimPrefix(d, "skep-") + "-" + theme)
				eval[bool](p, `($('`+d+`').close(), true)`)
			}
			p.quiet()
		})
	}
	t.Run("narrow", func(t *testing.T) {
		p := open(t, h, 360, 740, "?example=icmp-filter")
		p.ready()
		for _, pane := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "0"} {
			p.press(pane)
			p.axe("narrow pane " + pane)
			p.shot("narrow-" + pane)
			p.fits("pane " + pane)
			p.press("\x1b")
			p.wait(`!play.shadowRoot.activeElement?.shadowRoot?.activeElement?.isContentEditable`) // the editor is left a frame later
		}
		eval[bool](p, `$('skep-menu').show().then(() => true)`)
		p.axe("menu")
		p.shot("narrow-menu")
		p.quiet()
	})
	t.Run("pages", func(t *testing.T) {
		for _, path := range []string{"gallery/", "no/such/page", "offline.html"} {
			p := open(t, h, 1000, 800, path)
			p.wait(`document.querySelector('h1')`)
			p.axe(path)
			p.shot("page-" + strings.NewReplacer("/", "-", ".html", "").Replace(path))
		}
	})
	t.Run("engine failed", func(t *testing.T) {
		p := open(t, without(h, ".wasm"), 1440, 900, "")
		p.wait(`model?.engineState === 'failed' && $('.failed')`)
		p.axe("failed")
		p.shot("failed")
	})
}

// without serves everything but files of one kind.
func without(h http.Handler, suffix string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, suffix) {
			http.Error(w, "gone", http.StatusGone)
			return
		}
		h.ServeHTTP(w, r)
	})
}

package test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestReport opens what `skep verify --html` writes: it says why the program
// is refused and where the failing value comes from, and can be stepped, light
// and dark, wide and narrow.
func TestReport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	exe := filepath.Join(dir, "skep")
	if out, err := exec.Command("go", "build", "-o", exe, "skep/server/cmd/skep").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, c := range []struct {
		name, theme   string
		width, height int64
		want          []string
	}{
		{"short-check", "light", 1440, 900, []string{"needs 24 bytes of the packet", "14 are proved", "compare a packet pointer plus 24 with the end", "14 bytes are there", "R2 offset is outside"}},
		{"past-the-end", "dark", 1440, 900, []string{"needs bytes 64 to 71 of a map value of 64 bytes", "returned by bpf_map_lookup_elem", "is not NULL on this path", "arithmetic with r7"}},
		{"no-null-check", "dark", 360, 740, []string{"needs r0 not to be NULL", "Compare the pointer with NULL", "returned by bpf_map_lookup_elem"}},
		{"endless", "light", 360, 740, []string{"a loop in which something changes from round to round"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(dir, c.name+".html")
			out, err := exec.Command(exe, "verify", "--html", file, filepath.Join("..", "..", "wasm", "verdict", "testdata", c.name+".s")).CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Fatalf("%v: %s", err, out)
			}
			page, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			p := open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/favicon.ico" {
					asked++
				}
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Write(page)
			}), c.width, c.height, "report.html")
			p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
				_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: c.theme}}})
				return chromedp.Void{}, err
			})
			said := eval[string](p, `document.querySelector('.why').innerText.replace(/\s+/g, ' ')`)
			for _, want := range c.want {
				if !strings.Contains(said, want) {
					t.Errorf("it does not say %q: %s", want, said)
				}
			}
			p.axe(c.name + " " + c.theme)
			p.shot("report-" + c.name)
			p.fits(t.Name())
			where := eval[string](p, `document.getElementById('where').textContent`)
			p.press(kb.ArrowLeft)
			if now := eval[string](p, `document.getElementById('where').textContent`); now == where {
				t.Errorf("back leads nowhere from %s", where)
			}
			// From a line of the log to its step.
			eval[bool](p, `(document.querySelector('#log button').click(), true)`)
			if at := eval[string](p, `document.querySelector('#log .now').textContent`); !strings.HasPrefix(at, "0: (") {
				t.Errorf("the first line of the log leads to %s", at)
			}
			if asked != 1 {
				t.Errorf("the page asked for %d more files", asked-1)
			}
			p.quiet()
		})
	}
}

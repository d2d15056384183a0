package test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"skep/server/reference"
	"skep/web"
)

// A static copy works from a subfolder of a plain file server.
func TestStaticSite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := web.WriteSite(filepath.Join(dir, "some", "where"), web.SiteOptions{NoCompressed: true, Reference: reference.Data()}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(srv.Close)
	p := openAt(t, srv.URL+"/some/where/", 1440, 900, "gallery/")
	p.wait(`document.querySelectorAll('.examples a').length >= 8`)
	eval[bool](p, `([...document.querySelectorAll('.examples a')].find(a => a.textContent.includes('ICMP')).click(), true)`)
	p.ready()
	if got := eval[string](p, `model.program.gallery`); got != "icmp-filter" {
		t.Errorf("the link opened %q", got)
	}
	p.press(kb.ArrowRight)
	p.stepIs(1)
	// C was edited: no compiler here, and the page says why.
	eval[bool](p, `(play.stage.loading.edit(model.program.text + '\n'), true)`)
	p.wait(`/needs|has none|compiled by clang/.test($('skep-source').shadowRoot.querySelector('.bar').textContent)`)
	p.press(kb.Enter, kb.ModifierCtrl)
	p.wait(`model.problems.length === 1 && /has none/.test(model.problems[0].message)`)
	if _, err := os.Stat(filepath.Join(dir, "some", "where", "404.html")); err != nil {
		t.Error(err)
	}
}

// credits are the places that the terminal emulator (xterm) names in comments
// of its own; nothing is fetched from there.
var credits = [...]string{"https://github.com/", "http://bellard.org/"}

// Pages and scripts name no place on this machine and no other host.
func TestNothingForeign(t *testing.T) {
	re := regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+\.[a-z]{2,}/|/root/|/home/|/tmp/|/work/`)
	err := fs.WalkDir(web.Assets(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		switch filepath.Ext(name) {
		case ".br", ".gz", ".woff2", ".wasm":
			return nil
		}
		body, err := fs.ReadFile(web.Assets(), name)
		for _, hit := range re.FindAll(body, -1) {
			if s := string(hit); !strings.Contains(s, "www.w3.org") && !(strings.HasPrefix(name, "xterm-") && slices.Contains(credits[:], s)) { // names of namespaces
				t.Errorf("%s names %q", name, s)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What is fetched before the first step, as sent, is within the design's
// budget. The engine's own budget is checked by `go run ./web/build -budget`.
func TestFirstLoad(t *testing.T) {
	size := func(name string) int64 {
		for _, n := range []string{name + ".br", name} {
			if info, err := fs.Stat(web.Assets(), n); err == nil {
				return info.Size()
			}
		}
		t.Fatalf("%s is not built", name)
		return 0
	}
	var all, page int64
	for _, name := range manifest(t).First {
		all += size(name)
		if filepath.Ext(name) != ".wasm" {
			page += size(name)
		}
	}
	t.Logf("first load %d bytes, of it the page %d", all, page)
	if all > 1_200_000 {
		t.Errorf("first load has %d bytes, at most 1,200,000", all)
	}
	if page > 150_000 {
		t.Errorf("the page without the engine has %d bytes, at most 150,000", page)
	}
}

func TestPagesAnswer(t *testing.T) {
	for path, h := range web.Pages(reference.Data()) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, strings.TrimSuffix(path, "{$}"), nil))
		if w.Code >= 400 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	w := httptest.NewRecorder()
	web.NotFound().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/a/b/c", nil))
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `href="./../../page-`) {
		t.Errorf("not found: %d %.400s", w.Code, w.Body)
	}
}

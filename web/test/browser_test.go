package test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"skep/server/course"
	"skep/server/reference"
	"skep/web"
)

// browser is started by the first test that needs it and shared by all.
var browser struct {
	once   sync.Once
	ctx    context.Context
	cancel []func()
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	for i := len(browser.cancel) - 1; i >= 0; i-- {
		browser.cancel[i]()
	}
	os.Exit(code)
}

func startBrowser() {
	exe := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			exe = p
			break
		}
	}
	if exe == "" {
		browser.err = fmt.Errorf("no chromium found: run make setup")
		return
	}
	dir, err := os.MkdirTemp("", "skep-chromium")
	if err != nil {
		browser.err = err
		return
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(exe), chromedp.UserDataDir(dir), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"),
		chromedp.WindowSize(1440, 900))
	browser.cancel = append(browser.cancel, func() { os.RemoveAll(dir) }, cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	browser.cancel = append(browser.cancel, cancel)
	browser.ctx, browser.err = ctx, chromedp.Do(ctx)
}

// tab is a page of its own storage.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string // of the server, with slash

	server *httptest.Server // nil of a tab that openAt made

	mu     sync.Mutex
	errors []string // exceptions and console errors
}

// handler serves pages and assets as the skep server does.
func handler(t *testing.T, api http.Handler) http.Handler {
	t.Helper()
	if _, err := web.ReadManifest(web.Assets()); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for path, page := range web.Pages(reference.Data(), course.Pages(labsOf(t))...) {
		if path == "/" {
			path = "/{$}"
		}
		mux.Handle("GET "+path, page)
	}
	files := http.FileServerFS(web.Assets())
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := fs.Stat(web.Assets(), strings.TrimPrefix(r.URL.Path, "/")); err != nil {
			web.NotFound().ServeHTTP(w, r)
			return
		}
		if strings.HasSuffix(r.URL.Path, ".webmanifest") {
			w.Header().Set("Content-Type", "application/manifest+json")
		}
		files.ServeHTTP(w, r)
	}))
	if api != nil {
		mux.Handle("/api/", api)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "+
			"img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; "+
			"form-action 'self'; frame-ancestors 'none'")
		mux.ServeHTTP(w, r)
	})
}

// open starts a server and a tab of the given size on path.
func open(t *testing.T, h http.Handler, width, height int64, path string) *tab {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	p := openAt(t, srv.URL+"/", width, height, path)
	p.server = srv
	return p
}

func openAt(t *testing.T, base string, width, height int64, path string) *tab {
	t.Helper()
	browser.once.Do(startBrowser)
	if browser.err != nil {
		t.Fatal(browser.err)
	}
	ctx, cancel := chromedp.NewContext(browser.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // opens the tab, without a limit
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx, base: base}
	err := chromedp.Listen(ctx, func(ev any) {
		p.mu.Lock()
		defer p.mu.Unlock()
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			text := e.ExceptionDetails.Text
			if x := e.ExceptionDetails.Exception; x != nil {
				text += " " + x.Description
			}
			p.errors = append(p.errors, text)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError {
				var words []string
				for _, a := range e.Args {
					words = append(words, string(a.Value)+a.Description)
				}
				p.errors = append(p.errors, strings.Join(words, " "))
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.EmulateViewport(width, height), chromedp.Navigate(base+path))
	return p
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// lib finds things across shadow roots: $(selector) the first, $$(selector)
// all, and the model of the playground.
const lib = `(() => {
	window.$$ = (sel, root = document) => {
		const out = [...root.querySelectorAll(sel)];
		for (const e of root.querySelectorAll('*')) if (e.shadowRoot) out.push(...$$(sel, e.shadowRoot));
		return out;
	};
	window.$ = sel => $$(sel)[0];
	window.play = document.querySelector('skep-play');
	window.model = window.play?.stage?.model;
})();`

// eval evaluates an expression, which may be a promise, with $ and $$ at hand.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](lib+expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// wait waits until an expression is true.
func (p *tab) wait(expression string) {
	p.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		v, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](lib+"!!("+expression+")"))
		if err == nil && v {
			return
		}
		if time.Now().After(deadline) || p.ctx.Err() != nil {
			p.t.Fatalf("never true: %s (%v)\npage says: %s\nerrors: %q", expression, err, p.said(), p.errors)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// ready waits until the program can be stepped.
func (p *tab) ready() {
	p.t.Helper()
	p.wait(`model && model.view && model.outlook.total > 0 && $('.cm-editor')`)
}

// said is the narration line.
func (p *tab) said() string {
	v, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](lib+`($('skep-narration')?.shadowRoot.textContent ?? document.body?.innerText ?? '').replace(/\s+/g, ' ').trim().slice(0, 400)`))
	return v
}

func (p *tab) step() int { p.t.Helper(); return eval[int](p, `model.view?.step ?? -1`) }

// press types keys; a modifier applies to all of them.
func (p *tab) press(keys string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// stepIs waits for a step number.
func (p *tab) stepIs(n int) {
	p.t.Helper()
	p.wait(fmt.Sprintf(`model.view?.step === %d`, n))
}

// quiet fails the test when the page threw or logged an error.
func (p *tab) quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.errors {
		p.t.Errorf("console: %s", e)
	}
}

// shot keeps a picture when SKEP_SHOTS names a folder.
func (p *tab) shot(name string) {
	p.t.Helper()
	dir := os.Getenv("SKEP_SHOTS")
	if dir == "" {
		return
	}
	time.Sleep(300 * time.Millisecond) // fonts and the last transition
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// quoted is a Go string as a JavaScript literal.
func quoted(s string) string {
	b, _ := json.Marshal(s) // strings always marshal
	return string(b)
}

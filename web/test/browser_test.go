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

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"skep/server/course"
	"skep/server/reference"
	"skep/web"
)

// A state of a page is waited for so long, and no tab is used for longer than
// limit: what a busy machine takes is no failure.
const (
	patience = 3 * time.Minute
	limit    = 8 * time.Minute
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

// unused are parts of the browser's own frame that each window would start.
const unused = "PreloadTopChromeWebUI,WebUIOmniboxPopup,OptimizationHints,MediaRouter,Translate"

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
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-extensions", true),
		chromedp.Flag("disable-component-extensions-with-background-pages", true), chromedp.Flag("disable-features", unused), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("force-color-profile", "srgb"),
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

var pages = sync.OnceValue(func() map[string]http.Handler {
	all, _ := readLabs() // handler has checked it
	return web.Pages(reference.Data(), course.Pages(all)...)
})

// handler serves pages and assets as the skep server does.
func handler(t *testing.T, api http.Handler) http.Handler {
	t.Helper()
	manifest(t)
	labsOf(t)
	mux := http.NewServeMux()
	for path, page := range pages() {
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

// open starts a server and a tab of the given size on path. There is no service
// worker: in each tab it would fetch the whole site once more.
func open(t *testing.T, h http.Handler, width, height int64, path string) *tab {
	t.Helper()
	return openKept(t, without(h, "/sw.js"), width, height, path)
}

// openKept is open with the service worker, which keeps what is needed offline.
func openKept(t *testing.T, h http.Handler, width, height int64, path string) *tab {
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
	ctx, cancel = context.WithTimeout(ctx, limit)
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
	// Only one window of the system has the focus; each of these has it for itself.
	if _, err := chromedp.Call(ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
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
// all, the model of the playground, and until(f), which is false when f does
// not become true.
const lib = `(() => {
	window.$$ = (sel, root = document) => {
		const out = [...root.querySelectorAll(sel)];
		for (const e of root.querySelectorAll('*')) if (e.shadowRoot) out.push(...$$(sel, e.shadowRoot));
		return out;
	};
	window.$ = sel => $$(sel)[0];
	window.until = async f => { for (const from = Date.now(); Date.now() - from < 150_000; await new Promise(r => setTimeout(r, 20))) if (await f()) return true; return false; };
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
	deadline := time.Now().Add(patience)
	for pause := 10 * time.Millisecond; ; pause = min(pause*5/4, 100*time.Millisecond) { // looking takes time from what is waited for
		v, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](lib+"!!("+expression+")"))
		if err == nil && v {
			return
		}
		if time.Now().After(deadline) || p.ctx.Err() != nil {
			p.t.Fatalf("never true: %s (%v)\npage says: %s\nerrors: %q", expression, err, p.said(), p.errors)
		}
		time.Sleep(pause)
	}
}

// ready waits until the program can be stepped.
func (p *tab) ready() {
	p.t.Helper()
	p.wait(`model && model.view && model.outlook.total > 0 && $('.cm-editor')`)
}

// saved waits until the address holds what is shown: it is written a moment
// after a step, and a jump's entry of the history with it.
func (p *tab) saved() {
	p.t.Helper()
	if !eval[bool](p, `until(async () => location.href === await play.stage.address.link())`) {
		p.t.Fatal("the address is never that of what is shown")
	}
}

// kept waits until the service worker has files: URLs, or paths from the root.
func (p *tab) kept(files ...string) {
	p.t.Helper()
	list, _ := json.Marshal(files) // strings always marshal
	if !eval[bool](p, `until(async () => { for (const f of `+string(list)+`) if (await caches.match(new URL(f, location.origin)) === undefined) return false; return true; })`) {
		p.t.Fatalf("the service worker never keeps %q", files)
	}
}

// fits fails the test when the page is wider than the window, once it is drawn
// in the size that the window has now.
func (p *tab) fits(state string) {
	p.t.Helper()
	over := eval[[]string](p, `new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(document.documentElement.scrollWidth <= innerWidth ? []
		: [document.documentElement.scrollWidth - innerWidth + ' pixels', ...$$('*').filter(e => e.getBoundingClientRect().right > innerWidth).slice(-6).map(e => e.tagName + '.' + e.className)]))))`)
	if len(over) > 0 {
		p.t.Errorf("%s: the page is wider than the window: %q", state, over)
	}
}

// pane goes to a pane by its key; it has the focus a frame later.
func (p *tab) pane(key, id string) {
	p.t.Helper()
	p.press(key)
	p.wait(`play.shadowRoot.activeElement?.dataset.pane === ` + quoted(id))
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

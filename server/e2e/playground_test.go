package e2e

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"skep/server"
	"skep/server/compile"
	"skep/server/reference"
	"skep/web"
)

// need skips a test when a tool is missing, except in CI.
func need(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case os.Getenv("SKEP_CI") != "":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// serve starts the real server on a free port and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	if _, err := web.ReadManifest(web.Assets()); err != nil {
		t.Fatal(err)
	}
	c, err := compile.New(compile.Config{})
	need(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	srv := server.New(server.Config{Assets: web.Assets(), Pages: web.Pages(reference.Data()), NotFound: web.NotFound(), Compiler: c})
	go func() { ended <- srv.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String() + "/"
}

// page is a tab of a browser of its own.
type page struct {
	t   *testing.T
	ctx context.Context
}

func open(t *testing.T, url string) *page {
	t.Helper()
	exe, err := exec.LookPath("chromium")
	need(t, err)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(),
		chromedp.ExecPath(exe), chromedp.UserDataDir(t.TempDir()), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.WindowSize(1440, 900))
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, 10*time.Minute)
	t.Cleanup(cancel)
	return &page{t, ctx}
}

// prelude finds elements across shadow roots, as in web/test; "host >>> inner" finds inner ones in a host's shadow root.
const prelude = `(() => {
	window.$$ = (sel, root = document) => {
		const [host, inner] = sel.split(' >>> ');
		if (inner !== undefined) return $$(host, root).flatMap(h => $$(inner, h.shadowRoot));
		const out = [...root.querySelectorAll(sel)];
		for (const e of root.querySelectorAll('*')) if (e.shadowRoot) out.push(...$$(sel, e.shadowRoot));
		return out;
	};
	window.model = document.querySelector('skep-play')?.stage?.model;
	window.loading = document.querySelector('skep-play')?.stage?.loading;
})();`

func (p *page) wait(expression string) {
	p.t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for {
		ok, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool](prelude+"!!("+expression+")"))
		if err == nil && ok {
			return
		}
		if time.Now().After(deadline) || p.ctx.Err() != nil {
			p.shot("failed")
			p.t.Fatalf("never true: %s (%v)\nthe page says: %.1500s", expression, err, p.text())
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// shot keeps a picture when SKEP_SHOTS names a folder.
func (p *page) shot(name string) {
	dir := os.Getenv("SKEP_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644)
	}
	if err != nil {
		p.t.Logf("picture %s: %v", name, err)
	}
}

func (p *page) eval(expression string) string {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](prelude+expression))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func (p *page) press(key string, m ...chromedp.Modifier) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.KeyEvent(key, chromedp.KeyModifiers(m...))); err != nil {
		p.t.Fatal(err)
	}
}

// text is all that is readable on the page.
func (p *page) text() string {
	return p.eval(`$$('skep-play, skep-play *').map(e => e.shadowRoot ? [...e.shadowRoot.querySelectorAll('*')].map(x => x.childElementCount ? '' : x.textContent).join(' ') : '').join(' ').replace(/\s+/g, ' ')`)
}

// A student changes C, compiles it on the server, and steps what came out;
// then makes a mistake and is told where.
func TestCompileAndStep(t *testing.T) {
	p := open(t, serve(t)+"?example=icmp-filter")
	p.wait(`model && model.view && model.outlook.total > 0 && $$('.cm-editor').length > 0`)
	p.wait(`model.compiler?.there`)
	before := p.eval(`String(model.listing.insns.length)`)
	p.wait(`model.outlook.verdicts[0]?.name === 'XDP_PASS'`)

	// The first ping is longer than 10 bytes: with another limit it is dropped.
	p.eval(`(loading.edit(model.program.text.replace('max_len = 100', 'max_len = 10')), '')`)
	p.press(kb.Enter, kb.ModifierCtrl)
	p.wait(`model.outlook.verdicts[0]?.name === 'XDP_DROP' && !model.stale && model.busy === null`)
	if after := p.eval(`String(model.listing.insns.length)`); after != before {
		t.Errorf("%s instructions, %s before a constant changed", after, before)
	}
	p.press(kb.ArrowRight)
	p.wait(`model.view.step === 1`)
	p.press(kb.ArrowLeft)
	p.wait(`model.view.step === 0`)

	p.eval(`(loading.edit(model.program.text.replace('return XDP_DROP;', 'return XDP_DORP;')), '')`)
	p.press(kb.Enter, kb.ModifierCtrl)
	p.wait(`$$('skep-source').some(e => /undeclared identifier 'XDP_DORP'/.test(e.shadowRoot.textContent))`)
	// What was there before is still there, marked as old.
	p.wait(`model.stale && model.listing.insns.length === ` + before)
}

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"skep/server"
	"skep/server/compile"
	"skep/server/real"
	"skep/server/reference"
	"skep/server/sandbox"
	"skep/web"
)

// realServer serves the pages, the compiler and real kernels.
func realServer(t *testing.T, machines *real.Config) string {
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
	cfg := server.Config{Assets: web.Assets(), Pages: web.Pages(reference.Data()), NotFound: web.NotFound(), Compiler: c}
	if machines != nil {
		cfg.Real = real.New(*machines)
		t.Cleanup(cfg.Real.Close)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.New(cfg).Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return "http://" + l.Addr().String() + "/"
}

func machines(t *testing.T, cfg sandbox.Config) *sandbox.Manager {
	t.Helper()
	cfg.Warm, cfg.Kernels = -1, []string{"6.12", "6.1"}
	m, err := sandbox.NewManager(cfg)
	need(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// do runs actions in the tab.
func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// visit opens the real-kernel dialog of a fresh page.
func (p *page) visit(t *testing.T, url string) {
	t.Helper()
	p.t = t
	p.do(chromedp.Navigate(url))
	p.wait(`model && model.view && model.outlook.total > 0`)
	p.eval(`(sessionStorage.clear(), document.addEventListener('securitypolicyviolation', e => { (window.violations ??= []).push(e.violatedDirective + ' ' + e.sourceFile); }), '')`)
	p.click(`header button`, `Real kernel`)
	p.wait(`$$('skep-real')[0].shadowRoot?.querySelector('dialog[open] .tabs, dialog[open] .end')`)
}

// types enters a line into what has the focus. A press of each key would not do: chromedp sends the character of a key
// even where the page has handled the key, and the terminal would have it twice.
func (p *page) types(line string) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, input.InsertText, input.InsertTextParams{Text: line}); err != nil {
		p.t.Fatal(err)
	}
	p.do(chromedp.KeyEvent(kb.Enter))
}

// click clicks the first element of a selector that says one of the words.
func (p *page) click(selector string, words ...string) {
	p.t.Helper()
	list, _ := json.Marshal(words)
	find := `((words, all) => all.find(b => words.includes(b.textContent.trim())) ?? all.find(b => words.some(w => b.textContent.trim().startsWith(w))))(` +
		string(list) + `, $$('` + selector + `').filter(b => !b.disabled))`
	p.wait(find)
	p.eval(`(` + find + `.click(), '')`)
}

// quiet fails when the content security policy was broken.
func (p *page) quiet() {
	p.t.Helper()
	if v := p.eval(`(window.violations ?? []).join('; ')`); v != "" {
		p.t.Errorf("content security policy: %s", v)
	}
}

// looks keeps pictures in both themes and widths when SKEP_SHOTS names a folder, and runs axe.
func (p *page) looks(name string) {
	p.t.Helper()
	src, err := os.ReadFile(filepath.Join("..", "..", "web", "node_modules", "axe-core", "axe.min.js"))
	need(p.t, err)
	p.eval(`(()=>{` + string(src) + `})(), ''`)
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"wide", 1440, 900}, {"narrow", 360, 740}} {
		p.do(chromedp.EmulateViewport(size.width, size.height))
		for _, theme := range []string{"light", "dark"} {
			p.eval(`(model.setPrefs({theme: '` + theme + `'}), '')`)
			time.Sleep(200 * time.Millisecond) // the last transition
			p.shot(name + "-" + size.name + "-" + theme)
			if size.name == "narrow" && theme == "dark" {
				continue // colours and layout have been checked
			}
			v, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'], resultTypes: ['violations']})
				.then(r => r.violations.flatMap(v => v.nodes.slice(0, 4).map(n => v.id + ': ' + n.target.flat().join(' >> ') + ': ' + (n.failureSummary || '').split('\n').slice(1, 2).join().trim())).join('\n'))`, chromedp.EvalAwaitPromise))
			if err != nil {
				p.t.Fatal(err)
			}
			if v != "" {
				p.t.Errorf("%s %s %s: %s", name, size.name, theme, v)
			}
		}
	}
	p.do(chromedp.EmulateViewport(1440, 900))
	p.eval(`(model.setPrefs({theme: 'light'}), '')`)
}

// ends waits for the screen of an end.
func (p *page) ends(code, words string) {
	p.t.Helper()
	p.wait(`$$('[data-end="` + code + `"]').length > 0`)
	if text := p.eval(`$$('[data-end="` + code + `"]')[0].textContent.replace(/\s+/g, ' ')`); !strings.Contains(text, words) {
		p.t.Errorf("the screen of %s says %q, want %q in it", code, text, words)
	}
}

// TestRealKernel goes through everything that the page does with real kernels, each state with its screen.
func TestRealKernel(t *testing.T) {
	m := machines(t, sandbox.Config{})
	url := realServer(t, &real.Config{Manager: m, Findings: &sandbox.Findings{Dir: t.TempDir()}})
	p := open(t, url)

	t.Run("compile and confirm", func(t *testing.T) {
		p.visit(t, url+"?example=icmp-filter")
		p.looks("confirm-empty")
		p.eval(`($$('skep-play')[0].stage.loading.edit(model.program.text.replace('max_len = 100', 'max_len = 10')), '')`)
		p.click(`skep-confirm >>> button`, `Ask the kernels`)
		p.wait(`$$('[data-agree="yes"]').length > 0`)
		p.wait(`$$('skep-confirm >>> .sums thead th').length === 3`)
		p.wait(`$$('skep-confirm')[0].ended?.code === 'done'`)
		for i, want := range []string{"accepted", "returns"} {
			if text := p.eval(`$$('skep-confirm >>> .sums')[0].textContent`); !strings.Contains(text, want) {
				t.Errorf("%d: the table lacks %q: %s", i, want, text)
			}
		}
		p.looks("confirm")
		p.click(`skep-confirm >>> .pick button`, `Linux 6.1`)
		p.wait(`$$('table.logs tr.first').length === 1`)
		p.looks("confirm-6.1")
		p.click(`skep-confirm >>> .pick button`, `Machine code`)
		p.wait(`/ret/.test($$('pre.code')[0]?.textContent)`)
		p.looks("confirm-code")
		p.quiet()
	})
	t.Run("a difference", func(t *testing.T) {
		p.t = t
		// There is none to show at will, so the page is told of one.
		p.eval(`(() => { const c = $$('skep-confirm')[0]; c.theirs = c.theirs.map(o => o.kernel === '6.12' ? {...o, ok: false, errno: 13, errno_name: 'EACCES', finding: {id: '0123456789abcdef', kind: 'verdict'}} : o); return ''; })()`)
		p.wait(`$$('[data-finding="verdict"] a')[0]?.href.endsWith('/api/real/finding/0123456789abcdef')`)
		p.looks("confirm-finding")
	})
	t.Run("live run", func(t *testing.T) {
		p.visit(t, url+"?example=protocol-counter")
		p.click(`skep-real >>> [role=tab]`, `Run it live`)
		p.click(`skep-live >>> button`, `Load and attach`)
		p.click(`skep-live >>> .workloads button`, `Packets of the playground`)
		p.wait(`[...$$('skep-live >>> td.value')].some(e => BigInt(e.textContent.trim().replace(/ .*/, '') || 0) > 0n)`)
		p.wait(`/has run \d+ times/.test($$('skep-live')[0].shadowRoot.textContent)`)
		p.looks("live")
		p.click(`skep-live >>> .progress button`, `End`)
		p.wait(`$$('skep-live')[0].ended?.code === 'done'`)
		p.quiet()
	})
	t.Run("terminal", func(t *testing.T) {
		p.visit(t, url)
		p.click(`skep-real >>> [role=tab]`, `Terminal`)
		p.click(`skep-term >>> button`, `Open a terminal`)
		shows := func(text string) { t.Helper(); p.wait(`/` + text + `/.test($$('.xterm-rows')[0]?.textContent)`) }
		shows("#")
		p.types("echo $((6*7))answer; uname -r")
		shows("42answer")
		shows("6\\.12\\.")
		p.looks("terminal")
		// Reloading the page loses nothing.
		p.do(chromedp.Reload())
		p.wait(`model && model.view`)
		p.click(`header button`, `Real kernel`)
		shows("42answer")
		p.types("echo c > /proc/sysrq-trigger")
		p.ends("panic", "sysrq triggered crash")
		p.looks("crashed")
		p.quiet()
	})
	t.Run("one machine a visitor", func(t *testing.T) {
		p.visit(t, url)
		p.click(`skep-real >>> [role=tab]`, `Terminal`)
		p.click(`skep-term >>> button`, `Open a terminal`)
		p.wait(`/#/.test($$('.xterm-rows')[0]?.textContent)`)
		other, cancel := chromedp.NewContext(p.ctx)
		defer cancel()
		q := &page{t, other}
		q.visit(t, url)
		q.click(`skep-confirm >>> button`, `Ask the kernels`)
		q.ends("have-one", "another tab")
		q.click(`.end button`, `End the other`)
		p.ends("replaced", "in another place")
		q.wait(`$$('[data-agree="yes"]').length > 0`)
	})
	t.Run("limit", func(t *testing.T) {
		url := realServer(t, &real.Config{Manager: m, Terminal: sandbox.Limits{Wall: time.Minute, CPU: time.Minute, Output: 64 << 10}})
		p.visit(t, url)
		p.click(`skep-real >>> [role=tab]`, `Terminal`)
		p.click(`skep-term >>> button`, `Open a terminal`)
		p.wait(`/#/.test($$('.xterm-rows')[0]?.textContent)`)
		p.types("yes")
		p.ends("output-limit", "65536 bytes")
		p.looks("limit")
	})
	t.Run("queue", func(t *testing.T) {
		full := machines(t, sandbox.Config{MaxVMs: 1, MaxQueue: 1})
		url := realServer(t, &real.Config{Manager: full})
		vm, err := full.Acquire(t.Context(), sandbox.Job{Owner: "somebody", Limits: sandbox.Limits{Wall: 5 * time.Minute, CPU: time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		defer vm.Close()
		p.visit(t, url)
		p.click(`skep-confirm >>> button`, `Ask the kernels`)
		p.wait(`/1 job before yours/.test($$('skep-confirm >>> .progress')[0]?.textContent)`)
		p.looks("queue")
		p.click(`skep-confirm >>> .progress button`, `Stop`)
		p.ends("cancelled", "Nothing is running")
		ticket, err := full.Enqueue(sandbox.Job{Owner: "somebody else"})
		if err != nil {
			t.Fatal(err)
		}
		defer ticket.Cancel()
		p.click(`skep-confirm >>> .end button`, `Try again`)
		p.ends("queue-full", "busy")
		p.looks("queue-full")
	})
	t.Run("no QEMU", func(t *testing.T) {
		p.visit(t, realServer(t, &real.Config{Why: errors.New("qemu-system-x86_64 is not installed; run skep sandbox install")}))
		p.ends("no-machines", "qemu-system-x86_64 is not installed")
		p.looks("no-qemu")
	})
	t.Run("isolation", func(t *testing.T) {
		weak := sandbox.LevelSeccomp
		p.visit(t, realServer(t, &real.Config{Manager: machines(t, sandbox.Config{Level: &weak, MinLevel: sandbox.LevelFull}), MinLevel: sandbox.LevelFull}))
		p.ends("level", "is seccomp, and at least full")
		p.looks("level")
	})
	t.Run("no server", func(t *testing.T) {
		p.visit(t, realServer(t, nil))
		p.ends("no-server", "this copy of the page has none")
		p.looks("no-server")
	})
}

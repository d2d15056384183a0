//go:build !wasm

// Package pagetest is for tests that run a module of the engine as the page
// does: in node, and in a Worker of a browser under the site's security policy.
//
//	func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }
//
//	wasm := pagetest.Module(t, "skep/wasm/run")
//	pagetest.Node(t, []string{"SKEP_ENGINE=" + wasm}, "--test", pagetest.Bundle(t, "jit/same.test"))
package pagetest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	esbuild "github.com/evanw/esbuild/pkg/api"
)

var built struct {
	sync.Mutex
	dir   string
	files map[string]string // by package
}

// Main runs the tests of a package and removes what they built.
func Main(m *testing.M) int {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	return code
}

// Module builds a module as the page gets it, once for all tests.
func Module(t testing.TB, pkg string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if file := built.files[pkg]; file != "" {
		return file
	}
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "skep-module")
		if err != nil {
			t.Fatal(err)
		}
		built.dir, built.files = dir, make(map[string]string)
	}
	out := filepath.Join(built.dir, filepath.Base(pkg)+".wasm")
	if text, err := exec.Command("go", "run", "skep/wasm/build", "-package", pkg, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("build of %s: %v\n%s", pkg, err, text)
	}
	built.files[pkg] = out
	return out
}

// Root is the module's folder.
func Root(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out[:len(out)-1])
}

// Platforms that scripts are bundled for.
const (
	ForNode    = esbuild.PlatformNode
	ForBrowser = esbuild.PlatformBrowser
)

// Bundle makes one script of a TypeScript file, named without its ending from
// web/src on.
func Bundle(t testing.TB, name string, platform esbuild.Platform) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), filepath.Base(name)+".mjs")
	r := esbuild.Build(esbuild.BuildOptions{
		EntryPoints: []string{filepath.Join(Root(t), "web", "src", filepath.FromSlash(name)+".ts")},
		Outfile:     out, Bundle: true, Write: true, Platform: platform, Format: esbuild.FormatESModule, Target: esbuild.ES2022,
		LogLevel: esbuild.LogLevelSilent,
	})
	for _, e := range r.Errors {
		t.Fatalf("%s: %s", name, e.Text)
	}
	return out
}

// Node runs node and returns what it prints.
func Node(t testing.TB, env []string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is needed for the tests of the page's side: make install, or apt install nodejs")
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), env...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node %v: %v\n%s", args, err, text)
	}
	return string(text)
}

// Chromium opens a page whose Worker has a script, beside files by their paths,
// and returns the lines that the Worker posts.
func Chromium(t testing.TB, script string, files map[string]string) []string {
	t.Helper()
	exe := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			exe = p
			break
		}
	}
	if exe == "" {
		t.Fatal("no chromium found: run make setup")
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'")
		switch {
		case r.URL.Path == "/worker.js":
			w.Header().Set("Content-Type", "text/javascript")
			http.ServeFile(w, r, script)
		case files[r.URL.Path] != "":
			http.ServeFile(w, r, files[r.URL.Path])
		case r.URL.Path == "/page.js":
			w.Header().Set("Content-Type", "text/javascript")
			w.Write([]byte(`new Worker('worker.js').onmessage = e => { window.lines = e.data; };`))
		default:
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte(`<!doctype html><title>cases</title><script src="page.js"></script>`))
		}
	}))
	defer srv.Close()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(exe), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("disable-background-networking", true))
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/")); err != nil {
		t.Fatal(err)
	}
	const wait = `new Promise(done => { const t = setInterval(() => { if (window.lines) { clearInterval(t); done(window.lines); } }, 100); })`
	lines, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](wait, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"
	esbuild "github.com/evanw/esbuild/pkg/api"
)

// openChromium has a Worker of a browser ask for batches.
func openChromium(dir string) (runner, error) {
	exe := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			exe = p
			break
		}
	}
	if exe == "" {
		return nil, errors.New("no chromium found: run make setup")
	}
	if err := buildPage(dir, "worker", esbuild.PlatformBrowser); err != nil {
		return nil, err
	}
	b := &browser{batches: make(chan []byte), answers: make(chan []byte)}
	b.server = httptest.NewServer(b.routes(dir))
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(exe), chromedp.UserDataDir(filepath.Join(dir, "chromium")),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("disable-background-networking", true),
	}
	ctx, stopExe := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, stop := chromedp.NewContext(ctx)
	b.stop = func() { stop(); stopExe() }
	if err := chromedp.Do(ctx, chromedp.Navigate(b.server.URL+"/")); err != nil {
		b.close()
		return nil, err
	}
	return &page{b.ask, b.close}, nil
}

type browser struct {
	server           *httptest.Server
	stop             func()
	batches, answers chan []byte
}

// patience is how long the page may take for a batch.
const patience = 10 * time.Minute

func (b *browser) ask(batch []byte) ([]byte, error) {
	select {
	case b.batches <- batch:
	case <-time.After(patience):
		return nil, errors.New("the page does not ask for work")
	}
	select {
	case a := <-b.answers:
		return a, nil
	case <-time.After(patience):
		return nil, errors.New("the page does not answer")
	}
}

func (b *browser) close() error {
	close(b.batches)
	b.stop()
	b.server.Close()
	return nil
}

func (b *browser) routes(dir string) http.Handler {
	text := func(kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			io.WriteString(w, body)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", text("text/html", `<!doctype html><title>equal</title><script src="page.js"></script>`))
	mux.HandleFunc("GET /page.js", text("text/javascript", `new Worker('worker.mjs', { type: 'module' });`))
	for _, name := range []string{"worker.mjs", "jit.wasm"} {
		kind := map[string]string{".mjs": "text/javascript", ".wasm": "application/wasm"}[filepath.Ext(name)]
		mux.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			http.ServeFile(w, r, filepath.Join(dir, name))
		})
	}
	mux.HandleFunc("POST /batch", func(w http.ResponseWriter, r *http.Request) {
		answer, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if len(answer) > 0 {
			b.answers <- answer
		}
		select {
		case batch, ok := <-b.batches:
			if ok {
				w.Write(batch)
				return
			}
			http.Error(w, "no more", http.StatusGone)
		case <-r.Context().Done():
		}
	})
	return mux
}

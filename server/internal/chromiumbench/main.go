// Command chromiumbench measures the programs of package workload as WebAssembly in Chromium, in a Worker under the
// site's security policy: the engine of `skep bench -chromium`, which starts it from the source tree.
//
//	go run ./server/internal/chromiumbench   (rounds of package kernelbench on standard input)
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/chromedp/chromedp"
	esbuild "github.com/evanw/esbuild/pkg/api"

	"skep/jit/workload"
	"skep/server/internal/kernelbench"
	"skep/vm/isa"
	"skep/wasm/fullspeed"
)

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "chromium: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	exe, err := browser()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "skep-chromium-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := build(dir); err != nil {
		return err
	}
	address, err := serve(ctx, dir)
	if err != nil {
		return err
	}
	ctx, cancel := chromedp.NewExecAllocator(ctx, chromedp.ExecPath(exe), chromedp.UserDataDir(filepath.Join(dir, "profile")),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("disable-background-networking", true))
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		return err
	}
	return kernelbench.Serve(in, out, page{ctx})
}

func browser() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no chromium: run make setup")
}

// build puts the full-speed module and the worker's script into dir.
func build(dir string) error {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(file), "../../..")
	cmd := exec.Command("go", "run", "skep/wasm/build", "-package", "skep/wasm/jit", "-o", filepath.Join(dir, "jit.wasm"))
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the full-speed module: %w\n%s", err, text)
	}
	r := esbuild.Build(esbuild.BuildOptions{
		EntryPoints: []string{filepath.Join(root, "web/src/jit/round-worker.ts")}, Outfile: filepath.Join(dir, "worker.js"),
		Bundle: true, Write: true, Platform: esbuild.PlatformBrowser, Format: esbuild.FormatESModule, Target: esbuild.ES2022,
		LogLevel: esbuild.LogLevelSilent,
	})
	if len(r.Errors) > 0 {
		return fmt.Errorf("the worker: %s", r.Errors[0].Text)
	}
	for name, text := range map[string]string{
		"index.html": `<!doctype html><title>bench</title><script src="page.js"></script>`,
		"page.js": `const worker = new Worker('worker.js');
window.ask = q => new Promise(done => { worker.onmessage = e => done(e.data); worker.postMessage(q); });`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// serve serves dir with the site's security policy, isolated: only such a page has a clock of microseconds.
func serve(ctx context.Context, dir string) (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	files := http.FileServer(http.Dir(dir))
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Embedder-Policy", "require-corp")
		files.ServeHTTP(w, r)
	})}
	go srv.Serve(l)
	context.AfterFunc(ctx, func() { srv.Close() })
	return "http://" + l.Addr().String() + "/", nil
}

// page is the engine.
type page struct{ ctx context.Context }

// roundTimeout bounds a round, of which the first of a program has some warming up in it.
const roundTimeout = time.Minute

func (p page) Round(q kernelbench.Request) (*kernelbench.Round, error) {
	ask, err := frames(q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(p.ctx, roundTimeout)
	defer cancel()
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[struct {
		NS     float64 `json:"ns"`
		R0     string  `json:"r0"`
		Packet string  `json:"packet"`
		Error  string  `json:"error"`
	}]("ask("+string(ask)+")", chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	r := &kernelbench.Round{NS: answer.NS}
	if answer.R0 != "" {
		r0, err := strconv.ParseUint(answer.R0, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("r0: %w", err)
		}
		r.Outcome = &kernelbench.Outcome{R0: r0, Packet: answer.Packet}
	}
	return r, nil
}

// frames is the request as web/src/jit/round-worker.ts has it.
func frames(q kernelbench.Request) ([]byte, error) {
	all := workload.All()
	i := slices.IndexFunc(all, func(w workload.Workload) bool { return w.Name == q.Program })
	if i < 0 {
		return nil, fmt.Errorf("there is no program %q", q.Program)
	}
	v, err := kernelbench.Program(&all[i])
	if err != nil {
		return nil, err
	}
	p := &fullspeed.Program{Type: v.Type.String(), License: "GPL", Seed: 1, Insns: isa.EncodeAll(v.Insns), Maps: kernelbench.Maps(), Accepted: q.Facts}
	in := &fullspeed.Input{Packet: kernelbench.Packet(all[i].Packet), Compiled: true}
	form := "checked"
	if q.Facts {
		form = "facts"
	}
	return json.Marshal(map[string]any{
		"form": form, "name": q.Program, "load": hex.EncodeToString(p.Append(nil)), "begin": hex.EncodeToString(in.Append(nil)),
		"ms": float64(q.NS) / 1e6,
	})
}

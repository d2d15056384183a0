package main

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	esbuild "github.com/evanw/esbuild/pkg/api"

	"skep/jit/workload"
	"skep/verifier"
	"skep/vm"
	"skep/vm/asm"
	"skep/vm/conformance"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/vm/packet"
	"skep/wasm/compiled"
	"skep/wasm/fullspeed"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

// built compiles the module as the page gets it, once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "skep-jit")
	if err != nil {
		return "", err
	}
	out := filepath.Join(dir, "jit.wasm")
	text, err := exec.Command("go", "run", "skep/wasm/build", "-package", "skep/wasm/jit", "-o", out).CombinedOutput()
	if err != nil {
		return "", errors.New("build of the module: " + string(text))
	}
	return out, nil
})

func module(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// testCase is a Case of web/src/jit/cases.ts.
type testCase struct {
	Name        string `json:"name"`
	Load        string `json:"load"`
	Compiled    string `json:"compiled"`
	Interpreted string `json:"interpreted"`
	R0          string `json:"r0"`
	Fault       string `json:"fault"`
}

// newCase runs the program in the interpreter here.
func newCase(t testing.TB, name string, p *fullspeed.Program, in fullspeed.Input) testCase {
	t.Helper()
	c := testCase{Name: name, Load: hex.EncodeToString(p.Append(nil)), Interpreted: hex.EncodeToString(in.Append(nil))}
	in.Compiled = true
	c.Compiled = hex.EncodeToString(in.Append(nil))
	typ, ok := hook.ByName(p.Type)
	if !ok {
		t.Fatalf("program type %q", p.Type)
	}
	insns, err := isa.DecodeAll(p.Insns)
	if err != nil {
		t.Fatal(err)
	}
	m, err := vm.New(vm.Config{Maps: p.Maps, Seed: p.Seed, NoHistory: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Load(&vm.Program{Type: typ, Attach: hook.AttachType(p.Attach), License: p.License, Insns: insns}); err != nil {
		t.Fatal(err)
	}
	if err := m.Reset(vm.Input{Ctx: in.Ctx, Packet: in.Packet, R2: in.R2}); err != nil {
		t.Fatal(err)
	}
	switch m.Run(1 << 20) {
	case vm.StopExit:
		c.R0 = strconv.FormatUint(m.Reg(isa.R0), 16)
	case vm.StopFault:
		c.R0, c.Fault = "0", m.Fault().Error()
	}
	return c
}

// suite is every file of bpf_conformance that loads, and the runs of the
// gallery's packet programs, with and without checks.
func suite(t testing.TB) (cases []testCase) {
	t.Helper()
	_, err := conformance.Run(os.DirFS("../../vm/conformance/testdata"), "interp", func(prog []isa.Insn, mem []byte) (uint64, error) {
		r0, err := conformance.Interpreter(prog, mem)
		m, _ := vm.New(vm.Config{})
		if _, bad := m.Load(&vm.Program{Insns: prog}); bad == nil {
			p := &fullspeed.Program{Type: "socket_filter", Insns: isa.EncodeAll(prog)}
			cases = append(cases, newCase(t, "conformance "+strconv.Itoa(len(cases)), p, fullspeed.Input{Ctx: append([]byte{}, mem...), R2: uint64(len(mem))}))
		}
		return r0, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 313 {
		t.Fatalf("%d conformance programs", len(cases))
	}
	n := len(cases)
	for _, file := range gallery(t) {
		cases = append(cases, galleryCases(t, file)...)
	}
	t.Logf("%d programs of the conformance suite, %d runs of the gallery", n, len(cases)-n)
	if len(cases) < n+10 {
		t.Errorf("only %d runs of the gallery", len(cases)-n)
	}
	return cases
}

func gallery(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../../web/gallery/*/example.json")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d gallery programs (%v), at least 8 expected", len(files), err)
	}
	return files
}

// galleryCases is a program of the gallery over each of its packets, each with
// fresh maps; none for one that runs on events, or asks for a kernel's types.
func galleryCases(t testing.TB, file string) (cases []testCase) {
	t.Helper()
	var ex struct {
		Program string
		Input   []string
		Maps    []struct{ Map, Key, Value string }
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &ex); err != nil {
		t.Fatal(err)
	}
	if len(ex.Input) == 0 {
		return nil
	}
	dir := filepath.Dir(file)
	name := filepath.Base(dir)
	src := gallerySource(t, dir)
	var l *verdict.Loaded
	for i := 0; l == nil || ex.Program != "" && l.Name != ex.Program; i++ {
		var problems []protocol.Problem
		if l, problems = verdict.Load(src, i, verdict.Options{}); l == nil {
			t.Fatalf("%s: %+v", name, problems)
		}
	}
	if l.Feature != "" {
		return nil
	}
	v := l.Program
	p := &fullspeed.Program{Type: v.Type.String(), Attach: uint32(v.Attach), License: "GPL", Seed: 1, Insns: isa.EncodeAll(v.Insns)}
	for i := range v.Maps {
		s := compiled.MapSpec(&v.Maps[i])
		for _, kv := range ex.Maps {
			if kv.Map == s.Name {
				s.Init = append(s.Init, maps.KV{Key: unhex(t, kv.Key), Value: unhex(t, kv.Value)})
			}
		}
		p.Maps = append(p.Maps, s)
	}
	res, err := verifier.Verify(v, verifier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	packets, errs := packet.Parse(strings.Join(ex.Input, "\n"))
	if len(errs) > 0 {
		t.Fatalf("%s: %+v", name, errs)
	}
	for i, pkt := range packets {
		in := fullspeed.Input{Packet: pkt.Data}
		cases = append(cases, newCase(t, name+" "+strconv.Itoa(i), p, in))
		if c := &cases[len(cases)-1]; res.Verdict == verifier.Accepted && c.Fault == "" {
			accepted := *p
			accepted.Accepted = true
			cases = append(cases, newCase(t, name+" "+strconv.Itoa(i)+" accepted", &accepted, in))
		}
	}
	return cases
}

// gallerySource is a gallery program as the page loads it.
func gallerySource(t testing.TB, dir string) protocol.WireSource {
	t.Helper()
	if text, err := os.ReadFile(filepath.Join(dir, "prog.s")); err == nil {
		return protocol.WireSource{Text: string(text)}
	}
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		t.Fatal("clang-19 is needed for the programs of the gallery: make setup installs it")
	}
	obj := filepath.Join(t.TempDir(), "prog.bpf.o")
	cmd := exec.Command(clang, "-target", "bpf", "-mcpu=v3", "-g", "-O2", "-D__TARGET_ARCH_x86", "-D__x86_64__", "-idirafter", "/usr/include/x86_64-linux-gnu", "-c", "prog.bpf.c", "-o", obj)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: clang: %v\n%s", dir, err, text)
	}
	b, err := os.ReadFile(obj)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b, Name: "prog.bpf.o"}
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func assemble(t testing.TB, text string) []byte {
	t.Helper()
	res := asm.Assemble(text, asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatalf("%v\n%s", res.Errors[0], text)
	}
	return isa.EncodeAll(res.Insns)
}

// wildText is a program that no verifier would accept: it writes all over the
// page's memory, 4 KiB apart.
const wildText = `
	r1 = 0
	r2 = -1
top:
	*(u64 *)(r1 +0) = r2
	*(u64 *)(r1 -32768) = r2
	*(u64 *)(r1 +32767) = r2
	r1 += 4096
	w3 = w1
	if r3 != 0 goto top
	r0 = 1
	exit`

// writeCases makes the file that the page's side reads.
func writeCases(t testing.TB, cases, speed []testCase) string {
	t.Helper()
	endless := newCase(t, "endless", &fullspeed.Program{Type: "xdp", Insns: assemble(t, "top:\nr0 += 1\ncall f\ngoto top\nf:\nr1 += 1\nif r1 != 0 goto f\nexit")}, fullspeed.Input{})
	wild := endless
	wild.Name = "wild"
	wild.Load = hex.EncodeToString((&fullspeed.Program{Type: "xdp", Accepted: true, Insns: assemble(t, wildText)}).Append(nil))
	b, err := json.Marshal(map[string]any{"cases": cases, "endless": endless, "wild": wild, "speed": speed})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// bundle makes one file of a TypeScript file.
func bundle(t testing.TB, name string, platform esbuild.Platform) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".mjs")
	r := esbuild.Build(esbuild.BuildOptions{
		EntryPoints: []string{"../../web/src/jit/" + name + ".ts"},
		Outfile:     out, Bundle: true, Write: true, Platform: platform, Format: esbuild.FormatESModule, Target: esbuild.ES2022,
		LogLevel: esbuild.LogLevelSilent,
	})
	for _, e := range r.Errors {
		t.Fatalf("%s: %s", name, e.Text)
	}
	return out
}

func node(t testing.TB, cases string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is needed for the tests of the page's side: make install, or apt install nodejs")
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "SKEP_ENGINE="+module(t), "SKEP_CASES="+cases)
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node %v: %v\n%s", args, err, text)
	}
	return string(text)
}

// In node every program does compiled what it does in the interpreter, there
// and here.
func TestNode(t *testing.T) {
	text := node(t, writeCases(t, suite(t), nil), "--test", bundle(t, "fullspeed.test", esbuild.PlatformNode))
	if testing.Verbose() {
		t.Log(text)
	}
}

// The same in a browser, in a Worker, under the site's security policy.
func TestChromium(t *testing.T) {
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
	files := map[string]string{
		"/jit.wasm": module(t), "/cases.json": writeCases(t, suite(t), nil), "/worker.js": bundle(t, "cases-worker", esbuild.PlatformBrowser),
	}
	const page = `<!doctype html><title>cases</title><script src="page.js"></script>`
	const script = `new Worker('worker.js').onmessage = e => { window.lines = e.data; };`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; worker-src 'self'")
		switch {
		case files[r.URL.Path] != "":
			http.ServeFile(w, r, files[r.URL.Path])
		case r.URL.Path == "/page.js":
			w.Header().Set("Content-Type", "text/javascript")
			w.Write([]byte(script))
		default:
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte(page))
		}
	}))
	defer srv.Close()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), chromedp.ExecPath(exe), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.Flag("disable-background-networking", true))
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/")); err != nil {
		t.Fatal(err)
	}
	const wait = `new Promise(done => { const t = setInterval(() => { if (window.lines) { clearInterval(t); done(window.lines); } }, 100); })`
	lines, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](wait, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 1 || !strings.HasSuffix(lines[0], " programs") {
		t.Errorf("%d differ:\n%s", len(lines)-1, strings.Join(lines, "\n"))
	}
	t.Log(lines[0])
}

// BenchmarkNode is the programs of package workload in V8: ns of one run
// compiled with checks, without, and interpreted. skep bench has the other
// engines.
func BenchmarkNode(b *testing.B) {
	var keys []maps.KV
	for i := range uint32(200) {
		keys = append(keys, maps.KV{Key: binary.LittleEndian.AppendUint32(nil, i), Value: make([]byte, 8)})
	}
	specs := []maps.Spec{
		{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 64},
		{Name: "hash", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 256, Init: keys},
		{Name: "backends", Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 16},
	}
	var speed []testCase
	for _, w := range workload.All() {
		p := &fullspeed.Program{Type: "sched_cls", License: "GPL", Seed: 1, Insns: assemble(b, w.Text), Maps: specs}
		in := fullspeed.Input{Packet: make([]byte, w.Packet)}
		speed = append(speed, newCase(b, w.Name, p, in))
		p.Accepted = true
		speed = append(speed, newCase(b, w.Name, p, in))
	}
	lines := strings.Split(strings.TrimSpace(node(b, writeCases(b, nil, speed), bundle(b, "speed.test", esbuild.PlatformNode))), "\n")
	for _, line := range lines {
		f := strings.Fields(line)
		if len(f) != 4 {
			b.Fatalf("node printed %q", line)
		}
		b.Run(f[0], func(b *testing.B) {
			for i, unit := range []string{"ns-safe", "ns-facts", "ns-interp"} {
				v, err := strconv.ParseFloat(f[i+1], 64)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(v, unit)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

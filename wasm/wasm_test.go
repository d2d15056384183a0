package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"skep/vm/conformance"
	"skep/vm/isa"
	"skep/wasm/internal/pagetest"
	"skep/wasm/protocol"
	"skep/wasm/session"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

func module(t testing.TB) string { return pagetest.Module(t, "skep/wasm") }

// hosted is the module in wazero, called as the Worker calls it.
type hosted struct {
	t                    testing.TB
	mod                  api.Module
	request, call, reply api.Function
}

func host(t testing.TB) *hosted {
	t.Helper()
	code, err := os.ReadFile(module(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	t.Cleanup(func() { rt.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	mod, err := rt.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions("_initialize").WithStderr(os.Stderr))
	if err != nil {
		t.Fatal(err)
	}
	return &hosted{t, mod, mod.ExportedFunction("skep_request"), mod.ExportedFunction("skep_call"), mod.ExportedFunction("skep_reply")}
}

func (h *hosted) value(f api.Function, args ...uint64) uint32 {
	h.t.Helper()
	out, err := f.Call(context.Background(), args...)
	if err != nil {
		h.t.Fatal(err)
	}
	return uint32(out[0])
}

// frame sends one frame.
func (h *hosted) frame(b []byte) []byte {
	h.t.Helper()
	at := h.value(h.request, uint64(len(b)))
	if !h.mod.Memory().Write(at, b) {
		h.t.Fatalf("no room for %d bytes at %d", len(b), at)
	}
	n := h.value(h.call, uint64(len(b)))
	out, ok := h.mod.Memory().Read(h.value(h.reply), n)
	if !ok {
		h.t.Fatal("the reply lies outside of memory")
	}
	return bytes.Clone(out)
}

// ask sends a request and parses the reply.
func (h *hosted) ask(q, a protocol.Message) {
	h.t.Helper()
	b := h.frame(protocol.Pack(nil, 1, q))
	if err := protocol.Parse(b, a); err != nil {
		var f protocol.Failed
		if protocol.Parse(b, &f) == nil {
			h.t.Fatalf("%T: %s", q, f.Problem.Message)
		}
		h.t.Fatalf("%T: %v", q, err)
	}
}

// TestSameModuleInWazero runs the conformance suite through the very bytes
// that the page gets: same programs, same results as natively.
func TestSameModuleInWazero(t *testing.T) {
	h := host(t)
	native, err := conformance.Run(os.DirFS("../vm/conformance/testdata"), "interp", conformance.Interpreter)
	if err != nil {
		t.Fatal(err)
	}
	wasm, err := conformance.Run(os.DirFS("../vm/conformance/testdata"), "interp", func(prog []isa.Insn, mem []byte) (uint64, error) {
		var a protocol.Executed
		h.ask(&protocol.Exec{Insns: isa.EncodeAll(prog), Memory: mem, Budget: 1 << 20, Raw: true}, &a)
		if !a.OK {
			return 0, &execError{a.Error}
		}
		return a.Ret, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(wasm) < 300 || len(native) != len(wasm) {
		t.Fatalf("%d files ran in wazero and %d natively, at least 300 expected", len(wasm), len(native))
	}
	passed := 0
	for i := range wasm {
		if wasm[i] != native[i] {
			t.Errorf("%s: wazero %+v, native %+v", wasm[i].File, wasm[i], native[i])
		}
		if wasm[i].OK {
			passed++
		}
	}
	t.Logf("%d of %d files pass in wazero, all as natively", passed, len(wasm))
}

type execError struct{ text string }

func (e *execError) Error() string { return e.text }

// TestSameViews: a session in wazero gives byte for byte the replies that the
// native session gives.
func TestSameViews(t *testing.T) {
	source := ".prog xdp\n.map seen hash key=4 value=8 entries=8\nr2 = *(u32 *)(r1 + 4)\nr1 = *(u32 *)(r1 + 0)\nr3 = r1\nr3 += 34\n" +
		"if r3 > r2 goto out\nr4 = *(u32 *)(r1 + 26)\n*(u32 *)(r10 - 4) = r4\n*(u64 *)(r10 - 16) = 1\nr1 = map[seen]\nr2 = r10\nr2 += -4\n" +
		"r3 = r10\nr3 += -16\nr4 = 0\ncall bpf_map_update_elem\nout:\nr0 = 2\nexit\n"
	frames := [][]byte{
		protocol.Pack(nil, 1, &protocol.Load{Source: protocol.WireSource{Text: source}}),
		protocol.Pack(nil, 1, &protocol.Start{Input: protocol.WireInput{Text: "ipv4 / udp\nipv4(src=192.0.2.9) / tcp\narp"}, Options: session.DefaultOptions()}),
		protocol.Pack(nil, 1, &protocol.Move{Movement: protocol.MovementMeasure, Slice: 100}),
		protocol.Pack(nil, 1, &protocol.Continue{Slice: 1 << 20}),
	}
	for range 20 {
		frames = append(frames, protocol.Pack(nil, 1, &protocol.Move{Movement: protocol.MovementStep, N: 1, Slice: 100}))
	}
	for range 7 {
		frames = append(frames, protocol.Pack(nil, 1, &protocol.Move{Movement: protocol.MovementBack, N: 1, Slice: 100}))
	}
	frames = append(frames, protocol.Pack(nil, 1, &protocol.OutputPcap{Dropped: true}), protocol.Pack(nil, 1, &protocol.Hooks{}), []byte("garbage!"))
	h := host(t)
	var e session.Engine
	for i, f := range frames {
		native, wasm := e.Handle(nil, f), h.frame(f)
		if !bytes.Equal(native, wasm) {
			t.Fatalf("request %d: wazero answers otherwise\nnative % x\nwazero % x", i, native, wasm)
		}
	}
}

// TestEngineSize holds the module to its share of the first load.
func TestEngineSize(t *testing.T) {
	const budget = 800_000 // bytes, brotli at its highest level, as it is served
	code, err := os.ReadFile(module(t))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: brotli.BestCompression, LGWin: 24}) // as web/build packs it
	if _, err := w.Write(code); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("engine.wasm: %d bytes, %d after brotli", len(code), out.Len())
	if out.Len() > budget {
		t.Errorf("engine.wasm is %d bytes after brotli, its budget is %d", out.Len(), budget)
	}
}

// TestImports keeps what costs size or start-up time out of the engine, and
// the module to the ten functions that the page provides.
func TestImports(t *testing.T) {
	// What the standard library imports itself (encoding/binary has reflect)
	// the linker drops where nothing of ours uses it.
	cmd := exec.Command("go", "list", "-deps", "-f", `{{if not .Standard}}{{.ImportPath}} {{join .Imports " "}}{{end}}`, ".")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	deps, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(deps)) {
		words := strings.Fields(line)
		for _, dep := range words[min(1, len(words)):] {
			switch {
			case dep == "fmt", dep == "reflect", dep == "regexp", dep == "encoding/json", dep == "text/template", dep == "os",
				strings.HasPrefix(dep, "debug/"), dep == "net", strings.HasPrefix(dep, "net/") && dep != "net/netip":
				t.Errorf("%s imports %s", words[0], dep)
			}
		}
	}
	code, err := os.ReadFile(module(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	compiled, err := rt.CompileModule(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	provided, err := os.ReadFile("../web/src/engine/wasi.ts")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range compiled.ImportedFunctions() {
		from, name, _ := f.Import()
		if from != "wasi_snapshot_preview1" || !bytes.Contains(provided, []byte("    "+name+":")) {
			t.Errorf("the module imports %s.%s, which wasi.ts does not provide", from, name)
		}
	}
}

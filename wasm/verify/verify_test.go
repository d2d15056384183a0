package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"skep/vm/asm"
	"skep/wasm/internal/pagetest"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

func module(t testing.TB) string { return pagetest.Module(t, "skep/wasm/verify") }

// TestSameAnswersInWazero: the very bytes that the page gets answer as the
// native verifier does, to the byte.
func TestSameAnswersInWazero(t *testing.T) {
	code, err := os.ReadFile(module(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	mod, err := rt.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions("_initialize").WithStderr(os.Stderr))
	if err != nil {
		t.Fatal(err)
	}
	call := func(name string, args ...uint64) uint32 {
		t.Helper()
		out, err := mod.ExportedFunction(name).Call(ctx, args...)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(out[0])
	}
	frames := [][]byte{protocol.Pack(nil, 0, &protocol.VerifyHello{}), []byte("garbage!"), nil}
	files, err := filepath.Glob("../verdict/testdata/*.[os]")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d programs (%v), at least 10 expected", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		q := &protocol.Verify{Source: protocol.WireSource{Text: string(b)}, Options: protocol.VerifyOptions{Level: 2}}
		if strings.HasSuffix(file, ".o") {
			q.Source = protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b, Name: "prog.bpf.o"}
		}
		frames = append(frames, protocol.Pack(nil, 7, q))
	}
	for i, frame := range frames {
		if at := call("skep_request", uint64(len(frame))); !mod.Memory().Write(at, frame) {
			t.Fatalf("no room for %d bytes", len(frame))
		}
		n := call("skep_call", uint64(len(frame)))
		got, ok := mod.Memory().Read(call("skep_reply"), n)
		if want := new(verdict.Server).Handle(nil, frame); !ok || !bytes.Equal(got, want) {
			t.Errorf("frame %d: wazero and native answer differently: %d and %d bytes", i, len(got), len(want))
		}
	}
}

// node runs a TypeScript file of web/src against the module.
func node(t testing.TB, env []string, name string, args ...string) string {
	t.Helper()
	return pagetest.Node(t, append(env, "SKEP_ENGINE="+module(t)), append(args, pagetest.Bundle(t, name, pagetest.ForNode))...)
}

// TestClient runs the TypeScript client against the module in node.
func TestClient(t *testing.T) {
	text := node(t, nil, "engine/verdict.test", "--test")
	if testing.Verbose() {
		t.Log(text)
	}
}

// typed is a program of about 200 instructions as a student might have it: a
// packet parser with a bounds check, a branch and a map access at each step,
// ending in last.
func typed(last string) string {
	var b strings.Builder
	b.WriteString(".prog xdp\n.license GPL\n.map counts array key=4 value=64 entries=8\n\tr6 = *(u32 *)(r1 + 0)\n\tr7 = *(u32 *)(r1 + 4)\n\tr8 = 0\n")
	for i := range 11 {
		n := strconv.Itoa(i)
		b.WriteString("\tr1 = r6\n\tr1 += " + strconv.Itoa(14+4*i) + "\n\tif r1 > r7 goto out\n\tr2 = *(u8 *)(r1 - 2)\n\tif r2 == " + n + " goto skip" + n + "\n\tr2 &= 7\n\tr8 += r2\n" +
			"\t*(u32 *)(r10 - 4) = r2\n\tr2 = r10\n\tr2 += -4\n\tr1 = map[counts]\n\tcall bpf_map_lookup_elem\n\tif r0 == 0 goto skip" + n + "\n\tr1 = *(u64 *)(r0 + 8)\n\tr1 += r8\n\t*(u64 *)(r0 + 8) = r1\nskip" + n + ":\n")
	}
	return b.String() + "out:\n\tr0 = 2\n\t" + last + "\n\texit\n"
}

// BenchmarkKeystroke measures the time from a changed text to the verdict, for
// a program of about 200 instructions that is accepted and rejected in turn:
// assembling, loading, verifying and, in V8, the frames there and back. Budget:
// 50 ms in the page. The ratio is of the times that a tenth of the requests
// beat: the median of V8 has its compiler in it, which works beside the first
// hundred requests, and whatever else the machine does.
func BenchmarkKeystroke(b *testing.B) {
	for _, level := range []uint8{0, 2} {
		b.Run("level"+strconv.Itoa(int(level)), func(b *testing.B) {
			compareEngines(b, []string{typed("r1 = r8"), typed("r1 = *(u8 *)(r6 + 0)")}, level, 200)
		})
	}
}

// BenchmarkProcessed is BenchmarkKeystroke for a loop that takes 126,149
// processed instructions: the verifier alone. Budget: 5 times native.
func BenchmarkProcessed(b *testing.B) {
	long := func(last string) string {
		return ".prog xdp\n\tr6 = 0\n\tr7 = *(u32 *)(r1 + 0)\n\tr8 = *(u32 *)(r1 + 4)\nagain:\n\tr2 = r7\n\tr2 += 20\n\tif r2 > r8 goto next\n" +
			"\tr3 = *(u8 *)(r7 + 9)\n\tr3 &= 15\n\t*(u64 *)(r10 - 8) = r3\n\tr4 = *(u64 *)(r10 - 8)\n\tr4 += r6\n\tif r4 > 77 goto next\n" +
			"\tr5 = r4\n\tr5 <<= 2\nnext:\n\tr6 += 1\n\tif r6 < 400 goto again\n\tr0 = 2\n\t" + last + "\n\texit\n"
	}
	compareEngines(b, []string{long("r1 = r6"), long("r1 = *(u8 *)(r7 + 0)")}, 0, 40)
}

// compareEngines times verdicts of two texts in turn, the first accepted and
// the second rejected, natively and in V8.
func compareEngines(b *testing.B, texts []string, level uint8, rounds int) {
	res := asm.Assemble(texts[0], asm.Options{})
	var native []time.Duration
	var v *protocol.Verified
	for i := range rounds + 1 {
		from := time.Now()
		v = verdict.Verify(&protocol.Verify{Source: protocol.WireSource{Text: texts[i%2]}, Options: protocol.VerifyOptions{Level: level}})
		native = append(native, time.Since(from))
		if want := protocol.Outcome(i % 2); v.Outcome != want {
			b.Fatalf("outcome %d, want %d: %v%v%s", v.Outcome, want, v.Errors, v.Problems, v.Feature)
		}
	}
	slices.Sort(native)
	list, err := json.Marshal(texts)
	if err != nil {
		b.Fatal(err)
	}
	env := []string{"SKEP_TEXTS=" + string(list), "SKEP_LEVEL=" + strconv.Itoa(int(level)), "SKEP_ROUNDS=" + strconv.Itoa(rounds)}
	f := strings.Fields(node(b, env, "engine/verdict-speed.test"))
	if len(f) != 4 {
		b.Fatalf("node printed %q", f)
	}
	var ms [4]float64
	for i := range f {
		if ms[i], err = strconv.ParseFloat(f[i], 64); err != nil {
			b.Fatal(err)
		}
	}
	fast := float64(native[len(native)/10].Microseconds()) / 1000
	b.ReportMetric(float64(len(res.Insns)), "insns")
	b.ReportMetric(float64(v.Processed), "processed")
	b.ReportMetric(fast, "ms-native")
	b.ReportMetric(ms[1], "ms-V8")
	b.ReportMetric(ms[2], "ms-V8-median")
	b.ReportMetric(ms[0], "ms-V8-first")
	b.ReportMetric(ms[3], "ms-V8-worst")
	b.ReportMetric(ms[1]/fast, "V8/native")
	b.ReportMetric(0, "ns/op")
}

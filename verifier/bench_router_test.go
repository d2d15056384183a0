package verifier_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"skep/verifier"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

// router is testdata/bench/router.c as a loader hands it to the kernel.
func router(tb testing.TB) *verifier.Program {
	tb.Helper()
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		if os.Getenv("SKEP_CI") != "" {
			tb.Fatal(err)
		}
		tb.Skipf("no compiler: make setup installs clang-19: %v", err)
	}
	obj := filepath.Join(tb.TempDir(), "router.o")
	cmd := exec.Command(clang, "-g", "-O2", "-target", "bpf", "-mcpu=v3", "-idirafter", "/usr/include/x86_64-linux-gnu",
		"-c", "testdata/bench/router.c", "-o", obj)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(obj)
	if err != nil {
		tb.Fatal(err)
	}
	l, problems := verdict.Load(protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b, Name: "router.o"}, 0, verdict.Options{})
	if l == nil {
		tb.Fatalf("%+v", problems)
	}
	return l.Program
}

func TestRouter(t *testing.T) {
	p := router(t)
	res, err := verifier.Verify(p, verifier.Config{})
	if err != nil || res.Verdict != verifier.Accepted || len(p.Insns) < 3000 || res.InsnProcessed < 10_000 {
		t.Errorf("%d instructions: %v %q, %d processed, %v", len(p.Insns), res.Verdict, res.Message, res.InsnProcessed, err)
	}
}

// BenchmarkRouter is BenchmarkVerify for a program like Cilium's.
func BenchmarkRouter(b *testing.B) {
	p := router(b)
	b.ReportAllocs()
	n, peak := 0, 0
	for b.Loop() {
		res, err := verifier.Verify(p, verifier.Config{})
		if err != nil {
			b.Fatal(err)
		}
		n += res.InsnProcessed
		peak = res.PeakStates
	}
	b.ReportMetric(float64(n)/1e6/b.Elapsed().Seconds(), "Minsn/s")
	b.ReportMetric(float64(peak), "states")
}

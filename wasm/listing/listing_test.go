package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"skep/wasm/internal/pagetest"
)

func TestMain(m *testing.M) { os.Exit(pagetest.Main(m)) }

func module(t testing.TB) string { return pagetest.Module(t, "skep/wasm/listing") }

// TestClient runs the page's side against the module as the page gets it.
func TestClient(t *testing.T) {
	text := pagetest.Node(t, []string{"SKEP_ENGINE=" + module(t)}, "--test", pagetest.Bundle(t, "machine/machine.test", pagetest.ForNode))
	if testing.Verbose() {
		t.Log(text)
	}
}

// BenchmarkKeystroke is the time from a changed text to its code in V8, for a
// program of about 200 instructions: assembling, loading, verifying for the
// facts, compiling and naming each instruction. Budget: 50 ms.
func BenchmarkKeystroke(b *testing.B) {
	f := strings.Fields(pagetest.Node(b, []string{"SKEP_ENGINE=" + module(b)}, pagetest.Bundle(b, "machine/speed.test", pagetest.ForNode)))
	if len(f) != 3 {
		b.Fatalf("node printed %q", f)
	}
	for i, unit := range []string{"ms-first", "ms-median", "ms-option"} {
		ms, err := strconv.ParseFloat(f[i], 64)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(ms, unit)
	}
	b.ReportMetric(0, "ns/op")
}

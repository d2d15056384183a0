package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	esbuild "github.com/evanw/esbuild/pkg/api"
)

// bundle makes one file for node of a TypeScript test or benchmark.
func bundle(t testing.TB, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".mjs")
	r := esbuild.Build(esbuild.BuildOptions{
		EntryPoints: []string{"../web/src/engine/" + name + ".ts"},
		Outfile:     out, Bundle: true, Write: true, Platform: esbuild.PlatformNode, Format: esbuild.FormatESModule, Target: esbuild.ES2022,
		LogLevel: esbuild.LogLevelSilent,
	})
	for _, e := range r.Errors {
		t.Fatalf("%s: %s", name, e.Text)
	}
	return out
}

func node(t testing.TB, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is needed for the tests of the page's client: make install, or apt install nodejs")
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "SKEP_ENGINE="+module(t))
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("node %v: %v\n%s", args, err, text)
	}
	return text
}

// TestClient runs the TypeScript client against the module in node.
func TestClient(t *testing.T) {
	for _, name := range []string{"engine.test", "link.test"} {
		t.Run(name, func(t *testing.T) {
			text := node(t, "--test", bundle(t, name))
			if testing.Verbose() {
				t.Logf("%s", text)
			}
		})
	}
}

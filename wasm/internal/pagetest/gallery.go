//go:build !wasm

package pagetest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"skep/wasm/protocol"
)

// Example is a program of the gallery as the page loads it.
type Example struct {
	Name    string `json:"-"`
	Hook    string
	Program string // "" is the first
	Input   []string
	Events  []string
	Maps    []struct{ Map, Key, Value string } // in hex
	Source  protocol.WireSource                `json:"-"`
}

// Gallery is all of them; the C ones are compiled.
func Gallery(t testing.TB) []Example {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(Root(t), "web", "gallery", "*", "example.json"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%d gallery programs (%v), at least 8 expected", len(files), err)
	}
	var all []Example
	for _, file := range files {
		dir := filepath.Dir(file)
		ex := Example{Name: filepath.Base(dir), Source: source(t, dir)}
		b, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(b, &ex)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ex)
	}
	return all
}

func source(t testing.TB, dir string) protocol.WireSource {
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

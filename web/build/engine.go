package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// engineFolders hold the Go code of the engine.
var engineFolders = []string{"vm", "verifier", "jit", "labs", "wasm"}

// buildEngine compiles a module of the engine, package pkg, and returns its
// file name in dist, "" with the canned engine.
func buildEngine(t tree, s *stamps, name, pkg string) (string, error) {
	if t.fake {
		return "", nil
	}
	h := newHash(name, runtime.Version())
	h.add(filepath.Join(t.root, "go.mod"), nil)
	for _, f := range engineFolders {
		h.add(filepath.Join(t.root, f), func(name string) bool {
			return filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go")
		})
	}
	if h.err != nil {
		return "", h.err
	}
	st, err := s.stage(name, h.done(), func() (map[string][]byte, map[string]string, error) {
		tmp, err := os.MkdirTemp("", "skep-engine")
		if err != nil {
			return nil, nil, err
		}
		defer os.RemoveAll(tmp)
		file := filepath.Join(tmp, name+".wasm")
		cmd := exec.Command("go", "run", "./wasm/build", "-package", pkg, "-o", file)
		cmd.Dir = t.root
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, nil, fmt.Errorf("go run ./wasm/build: %w\n%s", err, out)
		}
		body, err := os.ReadFile(file)
		return map[string][]byte{name + "-*.wasm": body}, nil, err
	})
	if err != nil {
		return "", err
	}
	return st.Files[0], nil
}

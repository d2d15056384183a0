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

// buildEngine compiles the engine and returns its file name in dist, "" with
// the canned engine.
func buildEngine(t tree, s *stamps) (string, error) {
	if t.fake {
		return "", nil
	}
	h := newHash("engine", runtime.Version())
	h.add(filepath.Join(t.root, "go.mod"), nil)
	for _, f := range engineFolders {
		h.add(filepath.Join(t.root, f), func(name string) bool {
			return filepath.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go")
		})
	}
	if h.err != nil {
		return "", h.err
	}
	st, err := s.stage("engine", h.done(), func() (map[string][]byte, map[string]string, error) {
		tmp, err := os.MkdirTemp("", "skep-engine")
		if err != nil {
			return nil, nil, err
		}
		defer os.RemoveAll(tmp)
		file := filepath.Join(tmp, "engine.wasm")
		cmd := exec.Command("go", "run", "./wasm/build", "-o", file)
		cmd.Dir = t.root
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, nil, fmt.Errorf("go run ./wasm/build: %w\n%s", err, out)
		}
		body, err := os.ReadFile(file)
		return map[string][]byte{"engine-*.wasm": body}, nil, err
	})
	if err != nil {
		return "", err
	}
	return st.Files[0], nil
}

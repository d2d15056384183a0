// Command build makes engine.wasm and its like, as small as they can be for the page.
//
//	go run ./wasm/build -o web/dist/engine.wasm
//	go run ./wasm/build -package ./wasm/verify -o verify.wasm
//
// It compiles package wasm, or another of its kind, as a reactor and clears
// what only a traceback would print or run. Read next: strip.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// buildFlags turn inlining off but where it makes the interpreter fast: it is
// a tenth of the module. The runtime's own bounds checks go as well: it does
// not rely on them, and the module cannot reach beyond its memory anyway. For a
// package the last pattern that matches holds.
var buildFlags = []string{
	"-trimpath", "-buildvcs=false", "-ldflags=-w", "-buildmode=c-shared", "-gcflags=all=-l", "-gcflags=runtime=-l -B",
	"-gcflags=skep/vm=", "-gcflags=skep/vm/isa=", "-gcflags=skep/vm/arena=", "-gcflags=skep/verifier=",
}

func main() {
	out := flag.String("o", "", "file to write")
	pkg := flag.String("package", "skep/wasm", "package to build")
	plain := flag.Bool("plain", false, "do not strip: panics have names and lines")
	flag.Parse()
	if flag.NArg() != 0 || *out == "" {
		fmt.Fprintln(os.Stderr, "usage: go run ./wasm/build [-package P] [-plain] -o FILE")
		os.Exit(2)
	}
	if err := build(*pkg, *out, *plain); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

// build runs anywhere in the module when pkg is an import path.
func build(pkg, out string, plain bool) error {
	cmd := exec.Command("go", append(append([]string{"build", "-o", out}, buildFlags...), pkg)...)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if strings.HasPrefix(runtime.Version(), "go1.26") {
		// The collector of Go 1.25. The new one is made for several cores and
		// vector instructions, and 25 KB larger.
		cmd.Env = append(cmd.Env, "GOEXPERIMENT=nogreenteagc")
	}
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, text)
	}
	if plain {
		return nil
	}
	b, err := os.ReadFile(out)
	if err == nil {
		b, err = strip(b)
	}
	if err == nil {
		err = os.WriteFile(out, b, 0o644)
	}
	return err
}

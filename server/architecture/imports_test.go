// Package architecture holds the tests of the project's shape.
package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// layer is a part of the tree and what of skep it may import. "x/..." allows
// x and everything below it.
type layer struct {
	path string
	may  []string
}

// The design's direction of imports; the first layer that matches a package
// holds for it.
var layers = []layer{
	{"vm/isa", nil},
	{"vm/btf", []string{"vm/isa"}},
	{"vm/asm", []string{"vm/isa", "vm/btf"}},
	{"vm/object", []string{"vm/isa", "vm/btf"}},
	{"vm/packet", nil},
	{"vm/arena", nil},
	{"vm/maps/...", []string{"vm/isa", "vm/btf", "vm/arena", "vm/maps/..."}},
	{"vm/helper/...", []string{"vm/isa", "vm/btf", "vm/maps/...", "vm/hook/...", "vm/helper/..."}},
	{"vm/hook/...", []string{"vm/isa", "vm/btf", "vm/maps/...", "vm/hook/..."}},
	{"vm/...", []string{"vm/..."}},
	{"verifier/klog", nil},
	{"verifier/explain", []string{"verifier/...", "vm/isa", "vm/btf", "vm/asm", "vm/helper/...", "vm/hook/...", "vm/maps/..."}},
	{"verifier/loader", []string{"verifier", "vm/btf", "vm/hook/...", "vm/maps/...", "vm/source"}},
	{"verifier/...", []string{"verifier/...", "vm/isa", "vm/btf", "vm/asm", "vm/helper/...", "vm/hook/...", "vm/maps/..."}},
	{"jit/...", []string{"jit/...", "vm/isa", "vm/arena", "vm/helper/..."}},
	{"labs/plan", nil},
	{"labs/...", []string{"labs/...", "vm/...", "verifier/..."}},
	{"wasm/...", []string{"wasm/...", "vm/...", "verifier/...", "jit/...", "labs/..."}},
	{"web/...", []string{"web/...", "labs/plan"}},
	{"server/...", []string{"server/...", "vm/...", "verifier/...", "jit/...", "labs/...", "web/...", "wasm/..."}},
}

// engine packages are part of the module that the browser loads: what these
// standard packages bring does not fit the byte budget (browser.md).
var (
	engine = []string{"vm/...", "verifier/...", "jit/...", "labs/...", "wasm/..."}
	heavy  = []string{"fmt", "encoding/json", "reflect", "regexp", "text/template", "html/template", "debug/elf", "debug/dwarf", "net/http"}
)

type pkg struct {
	ImportPath string
	Name       string
	Imports    []string
}

func match(pattern, name string) bool {
	base, deep := strings.CutSuffix(pattern, "/...")
	return name == base || deep && strings.HasPrefix(name, base+"/")
}

func matchAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return match(p, path) })
}

// list is the packages that patterns below the module name.
func list(t *testing.T, patterns []string, env ...string) []pkg {
	t.Helper()
	args := []string{"list", "-json=ImportPath,Name,Imports"}
	for _, f := range patterns {
		args = append(args, path.Join("skep", f))
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(cmd.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range list(t, []string{"..."}) {
		path := strings.TrimPrefix(p.ImportPath, "skep/")
		i := slices.IndexFunc(layers, func(l layer) bool { return match(l.path, path) })
		if i < 0 {
			t.Errorf("%s is in no layer", path)
			continue
		}
		for _, imp := range p.Imports {
			dep, ours := strings.CutPrefix(imp, "skep/")
			if ours && !matchAny(layers[i].may, dep) {
				t.Errorf("%s imports %s: the design does not allow it", path, dep)
			}
		}
	}
}

// Commands and test helpers below an engine folder are not part of the engine:
// generators (internal/gen...) may use what they like.
func TestEngineIsLight(t *testing.T) {
	for _, p := range list(t, engine, "GOOS=wasip1", "GOARCH=wasm") {
		path := strings.TrimPrefix(p.ImportPath, "skep/")
		if !matchAny(engine, path) || strings.Contains(path, "/internal/") || (p.Name == "main" && path != "wasm") {
			continue
		}
		for _, imp := range p.Imports {
			if slices.Contains(heavy, imp) {
				t.Errorf("%s imports %s: too heavy for the engine in the browser", path, imp)
			}
		}
	}
}

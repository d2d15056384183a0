package object

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

var compiled struct {
	sync.Mutex
	objects map[string][]byte
}

// clangs are the compilers of this machine, newest first. clang-19 is what
// make test installs: without it the tests of compiled objects fail in CI and
// skip elsewhere.
func clangs(t testing.TB) []string {
	t.Helper()
	var found []string
	for _, v := range []string{"19", "18", "17", "16", "15", "14"} {
		if _, err := exec.LookPath("clang-" + v); err == nil {
			found = append(found, "clang-"+v)
		}
	}
	if len(found) == 0 || found[0] != "clang-19" {
		msg := "clang-19 is not installed: apt-get install clang-19 libbpf-dev"
		if os.Getenv("SKEP_CI") == "1" {
			t.Fatal(msg)
		}
		t.Skip(msg)
	}
	return found
}

// compile returns the object that a compiler makes of a C file, once a test run.
func compile(t testing.TB, clang, source string, flags ...string) []byte {
	t.Helper()
	key := strings.Join(append([]string{clang, source}, flags...), " ")
	compiled.Lock()
	defer compiled.Unlock()
	if b := compiled.objects[key]; b != nil {
		return b
	}
	out := filepath.Join(t.TempDir(), "out.o")
	args := []string{"-target", "bpf", "-mcpu=v3", "-g", "-O2", "-Wno-unknown-attributes"}
	// Debian keeps asm/types.h in a folder by architecture, which the BPF
	// target does not search.
	args = append(args, "-I/usr/include/"+map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]+"-linux-gnu")
	args = append(append(args, flags...), "-c", source, "-o", out)
	if msg, err := exec.Command(clang, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", clang, source, err, msg)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if compiled.objects == nil {
		compiled.objects = make(map[string][]byte)
	}
	compiled.objects[key] = b
	return b
}

func sources(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources match %s: %v", pattern, err)
	}
	return files
}

package compile

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A kernel's BTF is megabytes; that of a small object shows the same.
func TestHeaders(t *testing.T) {
	c := need(t)
	res, err := c.Compile(context.Background(), Request{Source: `struct task_like { int pid; char comm[16]; }; struct task_like t;`})
	if err != nil || !res.OK {
		t.Fatalf("%+v %v", res, err)
	}
	dir := t.TempDir()
	obj, raw := filepath.Join(dir, "x.o"), filepath.Join(dir, "btf")
	if err := os.WriteFile(obj, res.Object, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("llvm-objcopy-19", "--dump-section", ".BTF="+raw, obj).CombinedOutput(); err != nil {
		t.Fatalf("llvm-objcopy-19: %v: %s", err, out)
	}
	headers, err := Headers(context.Background(), filepath.Join(dir, "cache"), raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(headers, "vmlinux.h"))
	if err != nil || !bytes.Contains(text, []byte("struct task_like {")) {
		t.Fatalf("%v %s", err, text)
	}

	with, err := New(Config{Headers: headers})
	if err != nil {
		t.Fatal(err)
	}
	res, err = with.Compile(context.Background(), Request{Source: "#include \"vmlinux.h\"\nint f(struct task_like *t) { return t->pid; }\n"})
	if err != nil || !res.OK {
		t.Errorf("%+v %v", res, err)
	}

	if _, err := Headers(context.Background(), dir, filepath.Join(dir, "nowhere")); err == nil || !strings.Contains(err.Error(), "vmlinux.h") {
		t.Errorf("got %v", err)
	}
}

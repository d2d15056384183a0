package sandbox

import (
	"bytes"
	"context"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

func TestTargetELF(t *testing.T) {
	b := targetELF()
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	syms, err := f.Symbols()
	if err != nil || len(syms) != 2 || syms[1].Name != "target_fn" {
		t.Fatalf("symbols %v, %v", syms, err)
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("runs on linux/amd64 only")
	}
	path := filepath.Join(t.TempDir(), "utarget")
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, tt := range []struct {
		args []string
		want int
	}{{nil, 0}, {[]string{"a"}, 1 + 2}, {[]string{"a", "b", "c"}, 3 + 4}} {
		cmd := exec.CommandContext(ctx, path, tt.args...)
		cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != tt.want {
			t.Errorf("utarget %q: exit code %d, want %d", tt.args, got, tt.want)
		}
	}
}

//go:build linux && !arm64

package jit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The tests of this package again, for arm64, in the emulator of Debian's
// qemu-user-static.
func TestARM64(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the tests for another processor")
	}
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		if os.Getenv("SKEP_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip("no qemu-aarch64-static: install Debian's qemu-user-static (make setup does)")
	}
	dir := t.TempDir()
	for _, pkg := range []string{"skep/jit/native", "skep/jit"} {
		bin := filepath.Join(dir, filepath.Base(pkg)+".test")
		build := exec.Command("go", "test", "-c", "-o", bin, pkg)
		build.Env = append(os.Environ(), "GOARCH=arm64", "GOOS=linux", "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", pkg, err, out)
		}
		run := exec.Command(qemu, bin, "-test.short")
		run.Env = append(os.Environ(), "SKEP_ONLY=arm64")
		out, err := run.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", pkg, err, out)
		}
	}
}

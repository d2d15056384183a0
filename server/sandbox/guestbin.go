package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
)

// The two static programs that go with the sandbox: the agent is PID 1 of the guest, the jail confines QEMU on the host.
//
// Where they come from: a binary built with -tags embedagent (make build) carries them (embed.go). Every other build,
// which is go run and go test, builds them from the module's source with the go tool; the build cache makes that
// 0.3 s when nothing changed. A stale embedded copy can therefore never be tested by accident.
var guestBin struct {
	sync.Mutex
	files map[string][]byte
}

// embedded is set by embed.go.
var embedded func(name string) ([]byte, error)

// program returns the static program server/sandbox/NAME for Linux.
func program(ctx context.Context, name string) ([]byte, error) {
	guestBin.Lock()
	defer guestBin.Unlock()
	if b := guestBin.files[name]; b != nil {
		return b, nil
	}
	b, err := loadBinary(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("sandbox %s: %w", name, err)
	}
	if guestBin.files == nil {
		guestBin.files = map[string][]byte{}
	}
	guestBin.files[name] = b
	return b, nil
}

func loadBinary(ctx context.Context, name string) ([]byte, error) {
	if embedded != nil {
		return embedded(name)
	}
	dir, err := sourceDir()
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "skep-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	out := filepath.Join(tmp, name)
	arch := "amd64" // of the guest
	if name == "jail" {
		arch = runtime.GOARCH
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", out, "./"+name)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=", "GOTOOLCHAIN=local")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w: %s", err, bytes.TrimSpace(msg))
	}
	return os.ReadFile(out)
}

// sourceDir is this package's directory, known from the position of this file at compile time.
func sourceDir() (string, error) {
	_, file, _, ok := runtime.Caller(0)
	dir := filepath.Dir(file)
	if !ok || !filepath.IsAbs(dir) {
		return "", errors.New("this binary was built without its agent; build it with make build (-tags embedagent)")
	}
	if _, err := os.Stat(filepath.Join(dir, "agent", "main.go")); err != nil {
		return "", fmt.Errorf("the source it is built from is gone (%w); build with make build (-tags embedagent)", err)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("the go tool is not in PATH; build with make build (-tags embedagent)")
	}
	return dir, nil
}

var sealed struct {
	sync.Mutex
	files map[string]*os.File
}

// sealedProgram is a program in sealed memory, for the host to execute through its descriptor.
func sealedProgram(ctx context.Context, name string) (*os.File, error) {
	sealed.Lock()
	defer sealed.Unlock()
	if f := sealed.files[name]; f != nil {
		return f, nil
	}
	b, err := program(ctx, name)
	if err != nil {
		return nil, err
	}
	w, err := memfd("skep-"+name, 0)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	if _, err := w.Write(b); err != nil {
		return nil, fmt.Errorf("sandbox %s: %w", name, err)
	}
	if err := seal(w); err != nil {
		return nil, fmt.Errorf("sandbox %s: %w", name, err)
	}
	// Only a read-only descriptor may be executed.
	f, err := reopen(w)
	if err != nil {
		return nil, fmt.Errorf("sandbox %s: %w", name, err)
	}
	if sealed.files == nil {
		sealed.files = map[string]*os.File{}
	}
	sealed.files[name] = f
	return f, nil
}

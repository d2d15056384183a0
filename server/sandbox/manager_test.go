//go:build linux

package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// children counts our child processes.
func children(t *testing.T) int {
	t.Helper()
	n := 0
	files, _ := filepath.Glob("/proc/self/task/*/children")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		n += len(strings.Fields(string(b)))
	}
	return n
}

// TestWarmPool fills a pool, takes from it, watches it fill again and leaves nothing behind.
func TestWarmPool(t *testing.T) {
	if h := Doctor(t.Context()); !h.OK() {
		if os.Getenv("SKEP_CI") == "1" {
			t.Fatalf("%+v", h)
		}
		t.Skipf("%+v", h)
	}
	before := children(t)
	m, err := NewManager(Config{Kernels: []string{DefaultKernel}, Warm: 2, MaxVMs: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	full := func() {
		t.Helper()
		for range 600 {
			if m.Stats().Warm[DefaultKernel] == 2 {
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Fatalf("the pool does not fill: %+v", m.Stats())
	}
	full()
	p := m.pools[DefaultKernel]
	m.mu.Lock()
	warm := map[*VM]bool{p.warm[0]: true, p.warm[1]: true}
	m.mu.Unlock()
	vm, err := m.Acquire(t.Context(), Job{Owner: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if !warm[vm] {
		t.Error("the job did not get a warm VM")
	}
	if v, err := vm.Load(t.Context(), warmProgram()); err != nil || !v.OK {
		t.Errorf("verdict %+v, %v", v, err)
	}
	vm.Close()
	if err := vm.Gone(); err != nil {
		t.Error(err)
	}
	full()
	if s := m.Stats(); s.Busy != 0 || s.Waiting != 0 || s.Average <= 0 {
		t.Errorf("stats %+v", s)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if n := children(t); n > before {
		t.Errorf("%d child processes before, %d after", before, n)
	}
	if _, err := m.Acquire(t.Context(), Job{}); err == nil {
		t.Error("a closed manager gave out a VM")
	}
}

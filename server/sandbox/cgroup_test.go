//go:build linux

package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestFindHierarchies(t *testing.T) {
	root := t.TempDir()
	for _, d := range []string{"cpu", "pids", "memory/job", "unified/app"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	hs, words := findHierarchies(root, "4:memory:/job\n8:pids:/\n2:cpu:/\n0::/\nnonsense\n")
	if len(hs) != 2 || words != "pids, cpu (version 1)" || hs[0].parent != filepath.Join(root, "pids") {
		t.Errorf("%v %q: the memory group above us is not ours to divide", hs, words)
	}
	v2 := filepath.Join(root, "unified")
	if err := os.WriteFile(filepath.Join(v2, "cgroup.controllers"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if hs, words := findHierarchies(v2, "0::/app\n"); hs != nil || !strings.Contains(words, "not ours to divide") {
		t.Errorf("a group without subtree_control: %v %q", hs, words)
	}
	if err := os.WriteFile(filepath.Join(v2, "app", "cgroup.subtree_control"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if hs, words := findHierarchies(v2, "0::/app\n"); len(hs) != 1 || !hs[0].v2 || words != "memory, pids, cpu (version 2)" {
		t.Errorf("a group of our own: %v %q", hs, words)
	}
}

// Only the groups of processes that are gone are stale.
func TestRemoveStale(t *testing.T) {
	parent := t.TempDir()
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skip(err)
	}
	mine, stale := filepath.Join(parent, groupPrefix+strconv.Itoa(os.Getpid())+"-1"), filepath.Join(parent, groupPrefix+strconv.Itoa(gone.Process.Pid)+"-1")
	other := filepath.Join(parent, groupPrefix+"server")
	for _, d := range []string{mine, stale, other} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	removeStale(parent)
	for d, want := range map[string]bool{mine: true, stale: false, other: true} {
		if _, err := os.Stat(d); (err == nil) != want {
			t.Errorf("%s: there %v, want %v", filepath.Base(d), err == nil, want)
		}
	}
}

// template loads the reference kernel's template, or skips.
func template(t *testing.T) *Template {
	t.Helper()
	k, err := FindKernel(DefaultKernel)
	var tpl *Template
	if err == nil {
		level, _ := probeLevel()
		tpl, err = LoadTemplate(t.Context(), k, level)
	}
	if err != nil {
		if os.Getenv("SKEP_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(func() { tpl.Close() })
	return tpl
}

// TestCgroup looks at a VM's groups while it runs and after it.
func TestCgroup(t *testing.T) {
	hs, words := hierarchies()
	t.Log(words)
	if len(hs) == 0 {
		t.Skip("cgroup limits: " + words)
	}
	vm, err := template(t).Clone(t.Context(), 30)
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	var groups []string
	for _, h := range hs {
		mine, _ := filepath.Glob(filepath.Join(h.parent, groupPrefix+"[0-9]*"))
		i := slices.IndexFunc(mine, func(d string) bool {
			b, _ := os.ReadFile(filepath.Join(d, "cgroup.procs"))
			return slices.Contains(strings.Fields(string(b)), strconv.Itoa(vm.cmd.Process.Pid))
		})
		if i < 0 {
			t.Errorf("%s: QEMU is in no group of ours", h.parent)
			continue
		}
		groups = append(groups, mine[i])
		for _, l := range h.limits {
			if b, err := os.ReadFile(filepath.Join(mine[i], l.file)); err == nil && strings.TrimSpace(string(b)) != l.value {
				t.Errorf("%s is %q, want %s", filepath.Join(mine[i], l.file), b, l.value)
			}
		}
	}
	vm.Close()
	for _, g := range groups {
		if _, err := os.Stat(g); err == nil {
			t.Errorf("%s is still there", g)
		}
	}
}

// TestKill measures how long it takes from the decision to end a VM until its process is gone: 100 ms in the middle of
// nine. On a busy machine the best of three rounds counts.
func TestKill(t *testing.T) {
	tpl := template(t)
	var median time.Duration
	for range 3 {
		var took []time.Duration
		for range 9 {
			vm, err := tpl.Clone(t.Context(), 30)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			vm.Close()
			took = append(took, time.Since(start))
			if err := vm.Gone(); err != nil {
				t.Error(err)
			}
		}
		slices.Sort(took)
		median = took[len(took)/2]
		t.Logf("killed in %v", took)
		if median <= 100*time.Millisecond {
			return
		}
	}
	t.Errorf("killing a VM takes %v in the middle, want at most 100 ms", median)
}

// TestTwentyAtOnce holds twenty VMs at the same time and compares the host before and after.
func TestTwentyAtOnce(t *testing.T) {
	const n = 20
	template(t) // or skips
	m, err := NewManager(Config{Kernels: []string{DefaultKernel}, Warm: -1, MaxVMs: n})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.template(t.Context(), DefaultKernel); err != nil {
		t.Fatal(err)
	}
	type host struct{ files, children, mounts, groups int }
	look := func() (h host) {
		es, _ := os.ReadDir("/proc/self/fd")
		h.files, h.children = len(es), children(t)
		b, _ := os.ReadFile("/proc/self/mounts")
		h.mounts = strings.Count(string(b), "\n")
		hs, _ := hierarchies()
		for _, x := range hs {
			mine, _ := filepath.Glob(filepath.Join(x.parent, groupPrefix+strconv.Itoa(os.Getpid())+"-*"))
			h.groups += len(mine)
		}
		return h
	}
	before := look()
	var ready, done sync.WaitGroup
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			vm, err := m.Acquire(t.Context(), Job{Owner: strconv.Itoa(i), Limits: Limits{Wall: 5 * time.Minute, CPU: time.Minute}})
			ready.Done()
			if err != nil {
				t.Error(err)
				return
			}
			defer vm.Close()
			ready.Wait() // now there are twenty
			if v, err := vm.Load(t.Context(), warmProgram()); err != nil || !v.OK {
				t.Errorf("verdict %+v, %v", v, err)
			}
		})
	}
	ready.Wait()
	if busy := m.Stats().Busy; busy == 0 {
		t.Error("no VM is busy")
	}
	done.Wait()
	var after host
	for range 100 { // readers close their sockets a moment after the process is gone
		if after = look(); after == before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("the host before: %+v, after: %+v", before, after)
}

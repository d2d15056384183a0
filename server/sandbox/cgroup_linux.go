package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Cgroup limits of one VM, behind the rlimits: what counts a process with all its threads, and the memory that it really
// has. A guest has one CPU; QEMU's own threads need a little beside it.
var (
	limitsV2 = []groupLimit{{"memory.max", "536870912"}, {"memory.swap.max", "0"}, {"pids.max", "64"}, {"cpu.max", "150000 100000"}}
	limitsV1 = map[string][]groupLimit{
		"memory": {{"memory.limit_in_bytes", "536870912"}},
		"pids":   {{"pids.max", "64"}},
		"cpu":    {{"cpu.cfs_period_us", "100000"}, {"cpu.cfs_quota_us", "150000"}},
	}
)

type groupLimit struct{ file, value string }

// hierarchy is a directory below which a VM's group can be made.
type hierarchy struct {
	parent string
	limits []groupLimit
	v2     bool
}

const cgroupRoot = "/sys/fs/cgroup"

// hierarchies finds out once where this process may make groups, and says it in words.
var hierarchies = sync.OnceValues(func() ([]hierarchy, string) {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, "none: " + err.Error()
	}
	hs, words := findHierarchies(cgroupRoot, string(own))
	for _, h := range hs {
		removeStale(h.parent)
	}
	return hs, words
})

// removeStale deletes the groups of servers that were killed. A group is empty for a moment after it was made, so only
// those whose maker is gone are touched.
func removeStale(parent string) {
	dirs, _ := filepath.Glob(filepath.Join(parent, groupPrefix+"*"))
	for _, d := range dirs {
		maker, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(d), groupPrefix), "-")
		if pid, err := strconv.Atoi(maker); err == nil && errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
			unix.Rmdir(d) // fails while somebody is in it
		}
	}
}

// findHierarchies reads /proc/self/cgroup. In a version 1 hierarchy only a process at its root, as in a container, makes
// groups: deeper ones belong to somebody.
func findHierarchies(root, own string) (hs []hierarchy, words string) {
	var names []string
	for line := range strings.Lines(own) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		if f[1] == "" && f[0] == "0" {
			if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err != nil {
				continue // not where version 2 is mounted
			}
			parent := filepath.Join(root, f[2])
			if err := delegate(parent); err != nil {
				words = "none: " + err.Error()
				continue
			}
			return []hierarchy{{parent, limitsV2, true}}, "memory, pids, cpu (version 2)"
		}
		for _, c := range strings.Split(f[1], ",") {
			parent := filepath.Join(root, c)
			if limits := limitsV1[c]; limits != nil && f[2] == "/" && unix.Access(parent, unix.W_OK) == nil {
				hs, names = append(hs, hierarchy{parent, limits, false}), append(names, c)
			}
		}
	}
	if len(hs) > 0 {
		return hs, strings.Join(names, ", ") + " (version 1)"
	}
	if words == "" {
		words = "none: there is no group that this process may divide"
	}
	return nil, words
}

// delegate lets groups below parent have limits. The kernel wants that no process is in parent itself, so we move to a
// group beside those of the VMs; when others are there too we move back and do without.
func delegate(parent string) error {
	if err := unix.Access(filepath.Join(parent, "cgroup.subtree_control"), unix.W_OK); err != nil {
		return fmt.Errorf("%s is not ours to divide: %w", parent, err)
	}
	self := filepath.Join(parent, groupPrefix+"server")
	if err := os.Mkdir(self, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	pid := fmt.Sprint(os.Getpid())
	err := os.WriteFile(filepath.Join(self, "cgroup.procs"), []byte(pid), 0)
	if err == nil {
		err = os.WriteFile(filepath.Join(parent, "cgroup.subtree_control"), []byte("+memory +pids +cpu"), 0)
	}
	if err != nil {
		os.WriteFile(filepath.Join(parent, "cgroup.procs"), []byte(pid), 0)
		unix.Rmdir(self)
		return fmt.Errorf("%s cannot be divided: %w", parent, err)
	}
	return nil
}

const groupPrefix = "skep-vm-"

var groupNumber atomic.Int64

// group is the cgroups of one VM.
type group struct {
	dirs []string
	fd   *os.File // of version 2: the process starts inside
}

// newGroup makes a VM's groups; nil where there are none to make.
func newGroup() (*group, error) {
	hs, _ := hierarchies()
	if len(hs) == 0 {
		return nil, nil
	}
	g := &group{}
	name := fmt.Sprintf("%s%d-%d", groupPrefix, os.Getpid(), groupNumber.Add(1))
	for _, h := range hs {
		dir := filepath.Join(h.parent, name)
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			g.dirs = append(g.dirs, dir)
		}
		for _, l := range h.limits {
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, l.file), []byte(l.value), 0)
			}
			if l.file == "memory.swap.max" && errors.Is(err, os.ErrNotExist) {
				err = nil // a kernel without swap accounting
			}
		}
		if err == nil && h.v2 {
			g.fd, err = os.Open(dir)
		}
		if err != nil {
			g.remove()
			return nil, fmt.Errorf("cgroup: %w", err)
		}
	}
	return g, nil
}

// prepare makes a process start in the group, where the kernel can do that.
func (g *group) prepare(a *syscall.SysProcAttr) {
	if g != nil && g.fd != nil {
		a.UseCgroupFD, a.CgroupFD = true, int(g.fd.Fd())
	}
}

// add puts a process that has just started into the groups.
func (g *group) add(pid int) error {
	if g == nil || g.fd != nil {
		return nil
	}
	for _, d := range g.dirs {
		if err := os.WriteFile(filepath.Join(d, "cgroup.procs"), []byte(fmt.Sprint(pid)), 0); err != nil {
			return fmt.Errorf("cgroup: %w", err)
		}
	}
	return nil
}

// remove deletes the groups once their processes are gone.
func (g *group) remove() {
	if g == nil {
		return
	}
	if g.fd != nil {
		g.fd.Close()
	}
	for _, d := range g.dirs {
		unix.Rmdir(d) // what is left is removed by the next server
	}
}

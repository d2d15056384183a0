//go:build linux

package sandbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestIsolation reads what the kernel says about a running clone's process at every level that works here.
func TestIsolation(t *testing.T) {
	best, why := probeLevel()
	t.Logf("strongest level here: %v %s", best, why)
	k, err := FindKernel(DefaultKernel)
	if err == nil {
		_, err = qemu()
	}
	if err != nil {
		if os.Getenv("SKEP_CI") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	for l := LevelSeccomp; l <= best; l++ {
		t.Run(l.String(), func(t *testing.T) {
			if l == LevelUID && os.Getuid() != 0 {
				t.Skip("only root can become another user")
			}
			tpl, err := LoadTemplate(t.Context(), k, l)
			if err != nil {
				t.Fatal(err)
			}
			defer tpl.Close()
			vm, err := tpl.Clone(t.Context(), 30)
			if err != nil {
				t.Fatal(err)
			}
			defer vm.Close()
			proc := fmt.Sprintf("/proc/%d", vm.cmd.Process.Pid)
			status, err := os.ReadFile(proc + "/status")
			if err != nil {
				t.Fatal(err)
			}
			want := []string{"Seccomp:\t2"}
			none := "0000000000000000"
			if l >= LevelUID {
				want = append(want, "CapEff:\t"+none, "CapPrm:\t"+none)
				if os.Getuid() == 0 {
					want = append(want, "Uid:\t65534\t65534\t65534\t65534", "Gid:\t65534\t65534\t65534\t65534")
				}
			}
			if l == LevelFull {
				want = append(want, "NoNewPrivs:\t1", "CapInh:\t"+none, "CapBnd:\t"+none, "CapAmb:\t"+none)
			}
			for _, w := range want {
				if !strings.Contains(string(status), w+"\n") {
					t.Errorf("/proc/PID/status lacks %q", w)
				}
			}
			if l == LevelFull {
				checkJail(t, proc)
			}
		})
	}
}

// checkJail looks at the namespaces, root and limits of a fully jailed process.
func checkJail(t *testing.T, proc string) {
	t.Helper()
	for _, ns := range []string{"user", "mnt", "pid", "net", "ipc", "uts"} {
		ours, err1 := os.Readlink("/proc/self/ns/" + ns)
		theirs, err2 := os.Readlink(proc + "/ns/" + ns)
		if err1 != nil || err2 != nil || ours == theirs {
			t.Errorf("namespace %s: ours %s, theirs %s, %v %v", ns, ours, theirs, err1, err2)
		}
	}
	es, err := os.ReadDir(proc + "/root")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range es {
		names = append(names, e.Name())
	}
	for _, n := range names {
		switch n {
		case "dev", "lib", "lib64", "proc", "usr", "bin", "sbin":
		default:
			t.Errorf("root holds %q", n)
		}
	}
	for _, p := range []string{"/etc/passwd", "/root", "/home", "/tmp", "/var", "/dev/kvm"} {
		if _, err := os.Stat(filepath.Join(proc, "root", p)); err == nil {
			t.Errorf("%s is visible in the jail", p)
		}
	}
	mounts, err := os.ReadFile(proc + "/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if f[2] != "proc" && !strings.HasPrefix(f[3], "ro") {
			t.Errorf("writable mount: %s", line)
		}
	}
	limits, err := os.ReadFile(proc + "/limits")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []string{"Max cpu time              30 ", "Max file size             0 ", "Max core file size        0 ", "Max open files            64 ", "Max address space         1677721600 "} {
		if !strings.Contains(string(limits), l) {
			t.Errorf("limits lack %q", l)
		}
	}
	fds, err := os.ReadDir(proc + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		to, _ := os.Readlink(filepath.Join(proc, "fd", fd.Name()))
		if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "/memfd:skep-") && to != "/dev/null" && !strings.HasPrefix(to, "/dev/zero") {
			t.Errorf("descriptor %s is %s", fd.Name(), to)
		}
	}
}

// TestTemplateIsSealed checks that nobody can write to what every clone maps.
func TestTemplateIsSealed(t *testing.T) {
	k, err := FindKernel(DefaultKernel)
	if err != nil {
		t.Skip(err)
	}
	tpl, err := LoadTemplate(t.Context(), k, LevelSeccomp)
	if err != nil {
		t.Skip(err)
	}
	defer tpl.Close()
	if _, err := tpl.ram.WriteAt([]byte{1}, 0); err == nil {
		t.Error("the template's memory was written to")
	}
	if err := tpl.ram.Truncate(0); err == nil {
		t.Error("the template's memory was cut")
	}
}

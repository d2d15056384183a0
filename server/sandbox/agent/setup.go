//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// mounts in order; a failure is reported in HELLO and does not stop the guest.
var mounts = []struct{ fs, dir, opts string }{
	{"proc", "/proc", ""},
	{"sysfs", "/sys", ""},
	{"devtmpfs", "/dev", ""},
	{"tracefs", "/sys/kernel/tracing", ""},
	{"debugfs", "/sys/kernel/debug", ""},
	{"bpf", "/sys/fs/bpf", ""},
	{"cgroup2", "/sys/fs/cgroup", ""},
	{"securityfs", "/sys/kernel/security", ""},
	{"tmpfs", "/tmp", "mode=1777"},
	{"tmpfs", "/run", ""},
	{"devpts", "/dev/pts", "ptmxmode=0666"},
}

// sysctls make the guest a place where BPF can be taught: everything may be seen and tried.
var sysctls = []struct{ name, value string }{
	{"kernel/unprivileged_bpf_disabled", "0"},
	{"kernel/perf_event_paranoid", "-1"},
	{"kernel/kptr_restrict", "0"},
	{"kernel/bpf_stats_enabled", "0"},
	{"kernel/panic", "-1"},
	{"kernel/panic_on_oops", "1"},
	{"kernel/printk", "4 4 1 7"},
	{"kernel/hung_task_timeout_secs", "0"},
	{"net/core/bpf_jit_enable", "1"},
	{"net/core/bpf_jit_kallsyms", "1"},
	{"net/ipv6/conf/all/disable_ipv6", "0"},
	{"net/ipv6/conf/default/accept_dad", "0"},
	{"net/ipv6/conf/default/router_solicitations", "0"},
}

func setup() (problems []string) {
	note := func(what string, err error) {
		if err != nil {
			problems = append(problems, what+": "+err.Error())
		}
	}
	for _, m := range mounts {
		os.MkdirAll(m.dir, 0o755)
		if err := unix.Mount(m.fs, m.dir, m.fs, 0, m.opts); err != nil && !errors.Is(err, unix.EBUSY) {
			note("mount "+m.dir, err)
		}
	}
	mods, _ := filepath.Glob("/modules/*.ko")
	sort.Strings(mods)
	for _, m := range mods {
		note("module "+filepath.Base(m), insmod(m))
	}
	for _, s := range sysctls {
		note("sysctl "+s.name, os.WriteFile("/proc/sys/"+s.name, []byte(s.value), 0))
	}
	unix.Sethostname([]byte("skep"))
	os.Setenv("PATH", "/bin:/sbin")
	os.Setenv("HOME", "/root")
	os.Setenv("TERM", "xterm-256color")
	note("lo", linkUp("lo"))
	if _, err := os.Stat("/bin/busybox"); err == nil {
		note("busybox", run("/bin/busybox", "--install", "-s", "/bin"))
	}
	return problems
}

func insmod(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

func release() string {
	var u unix.Utsname
	unix.Uname(&u)
	return unix.ByteSliceToString(u.Release[:])
}

func uptime() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
	return time.Duration(ts.Nano())
}

// features names what the hook table depends on.
func features() []string {
	var f []string
	has := func(name string, ok bool) {
		if ok {
			f = append(f, name)
		}
	}
	exists := func(p string) bool { _, err := os.Stat(p); return err == nil }
	lsm, _ := os.ReadFile("/sys/kernel/security/lsm")
	has("btf", exists("/sys/kernel/btf/vmlinux"))
	has("lsm", strings.Contains(string(lsm), "bpf"))
	has("tracefs", exists("/sys/kernel/tracing/events"))
	has("busybox", exists("/bin/busybox"))
	has("bpftool", exists("/sbin/bpftool"))
	return f
}

// openPort opens the virtio-serial port of that name. The device node appears some time after the module.
func openPort(name string) (*os.File, error) {
	for range 200 {
		names, _ := filepath.Glob("/sys/class/virtio-ports/*/name")
		for _, n := range names {
			b, _ := os.ReadFile(n)
			if strings.TrimSpace(string(b)) != name {
				continue
			}
			fd, err := unix.Open("/dev/"+filepath.Base(filepath.Dir(n)), unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err == nil {
				return os.NewFile(uintptr(fd), name), nil
			}
			if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EBUSY) {
				return nil, fmt.Errorf("port %s: %w", name, err)
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, fmt.Errorf("port %s: not there", name)
}

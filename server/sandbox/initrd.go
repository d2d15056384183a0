package sandbox

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// initrd builds the guest's root file system: the agent as /init, the kernel's modules, and the tools of the
// terminal (busybox, bpftool) where the host has them.
func (k *Kernel) initrd(ctx context.Context) ([]byte, error) {
	agent, err := program(ctx, "agent")
	if err != nil {
		return nil, err
	}
	var w cpioWriter
	for _, d := range []string{"dev", "proc", "sys", "tmp", "run", "etc", "bin", "sbin", "root", "lib", "modules"} {
		w.dir(d)
	}
	w.char("dev/console", 0o600, 5, 1)
	w.char("dev/null", 0o666, 1, 3)
	w.file("init", 0o755, agent)
	w.file("bin/utarget", 0o755, targetELF())
	for i, m := range k.Modules {
		b, err := os.ReadFile(filepath.Join(k.dir, "modules", m))
		if err != nil {
			return nil, fmt.Errorf("kernel %s: %w", k.Version, err)
		}
		w.file(fmt.Sprintf("modules/%02d-%s", i, m), 0o644, b)
	}
	w.file("etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/bin/sh\nstudent:x:1000:1000::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"))
	w.file("etc/group", 0o644, []byte("root:x:0:\nstudent:x:1000:\nnogroup:x:65534:\n"))
	w.file("etc/hostname", 0o644, []byte("skep\n"))
	w.file("etc/hosts", 0o644, []byte("127.0.0.1 localhost\n::1 localhost\n"))
	w.file("etc/profile", 0o644, []byte("export PATH=/bin:/sbin PS1='\\w # ' HOME=/root TERM=xterm-256color\n"))
	addTools(&w)
	return w.bytes(), nil
}

// addTools adds a static busybox, and bpftool with its libraries. Without them the terminal falls back to the agent's
// own small shell; nothing else needs them.
func addTools(w *cpioWriter) {
	if p, err := exec.LookPath("busybox"); err == nil {
		if b, err := os.ReadFile(p); err == nil && isStatic(b) {
			w.file("bin/busybox", 0o755, b)
			w.symlink("bin/sh", "busybox")
		}
	}
	bpftool := "/usr/sbin/bpftool"
	b, err := os.ReadFile(bpftool)
	if err != nil {
		return
	}
	libs, err := exec.Command("ldd", bpftool).Output()
	if err != nil {
		return
	}
	made := map[string]bool{"bin": true, "sbin": true, "lib": true}
	w.file("sbin/bpftool", 0o755, b)
	for _, line := range strings.Split(string(libs), "\n") {
		f := strings.Fields(line)
		path := ""
		switch {
		case len(f) >= 3 && f[1] == "=>":
			path = f[2]
		case len(f) >= 1 && strings.HasPrefix(f[0], "/"):
			path = f[0]
		}
		lib, err := os.ReadFile(path)
		if path == "" || err != nil {
			continue
		}
		path = strings.TrimPrefix(path, "/")
		for i, c := range path {
			if c == '/' && !made[path[:i]] {
				made[path[:i]] = true
				w.dir(path[:i])
			}
		}
		w.file(path, 0o755, lib)
	}
}

// isStatic reports whether an ELF program needs no interpreter.
func isStatic(b []byte) bool { return !strings.Contains(string(b[:min(len(b), 4096)]), "/ld-linux") }

package sandbox

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Health is what Doctor found.
type Health struct {
	QEMU       string         `json:"qemu"` // version, or why not
	QEMUOK     bool           `json:"qemu_ok"`
	Accel      string         `json:"accel"` // "kvm" or "tcg"
	AccelWhy   string         `json:"accel_why"`
	Level      Level          `json:"-"`
	LevelName  string         `json:"level"`
	LevelWhy   string         `json:"level_why,omitempty"` // why not stronger
	Kernels    []KernelHealth `json:"kernels"`
	Tools      []ToolHealth   `json:"tools"`
	UserNS     string         `json:"user_namespaces"`
	Cgroups    string         `json:"cgroups"` // which limits a VM gets from them
	MemoryMiB  int64          `json:"memory_mib"`
	CacheDir   string         `json:"cache_dir"`
	AgentError string         `json:"agent_error,omitempty"`
}

// KernelHealth is one kernel's state.
type KernelHealth struct {
	Version string `json:"version"`
	Release string `json:"release,omitempty"`
	Error   string `json:"error,omitempty"`
}

// ToolHealth is a host program that is nice to have.
type ToolHealth struct {
	Name string `json:"name"`
	For  string `json:"for"`
	OK   bool   `json:"ok"`
}

// OK reports whether jobs can run at all.
func (h *Health) OK() bool {
	for _, k := range h.Kernels {
		if k.Error == "" {
			return h.QEMUOK && h.AgentError == ""
		}
	}
	return false
}

// Doctor examines the machine: QEMU, accelerator, isolation, kernels. It boots a kernel once when KVM has to be probed.
func Doctor(ctx context.Context) *Health {
	h := &Health{MemoryMiB: memoryMiB()}
	h.CacheDir, _ = CacheDir()
	if q, err := qemu(); err != nil {
		h.QEMU = err.Error()
	} else {
		h.QEMU, h.QEMUOK = q.version, true
	}
	for _, v := range Versions() {
		k, err := FindKernel(v)
		kh := KernelHealth{Version: v}
		if err != nil {
			kh.Error = err.Error()
		} else {
			kh.Release = k.Release
			if h.QEMUOK && h.Accel == "" {
				if a, err := pickAccel(ctx, k); err == nil {
					h.Accel, _, _ = strings.Cut(string(a), ",")
					h.AccelWhy = accelProbe.why
				}
			}
		}
		h.Kernels = append(h.Kernels, kh)
	}
	if _, err := program(ctx, "agent"); err != nil {
		h.AgentError = err.Error()
	}
	if h.QEMUOK {
		h.Level, h.LevelWhy = probeLevel()
	}
	h.LevelName = h.Level.String()
	b, err := os.ReadFile("/proc/sys/user/max_user_namespaces")
	h.UserNS = strings.TrimSpace(string(b))
	if err != nil {
		h.UserNS = err.Error()
	}
	_, h.Cgroups = hierarchies()
	for _, t := range []ToolHealth{
		{Name: "apt-get", For: "downloading kernels"}, {Name: "dpkg-deb", For: "unpacking kernels"},
		{Name: "zstd", For: "unpacking 6.12"}, {Name: "lz4", For: "unpacking 6.1"}, {Name: "xz", For: "unpacking modules"},
		{Name: "busybox", For: "the shell of the terminal"}, {Name: "bpftool", For: "the terminal"},
	} {
		_, err := exec.LookPath(t.Name)
		if err != nil && t.Name == "bpftool" {
			_, err = os.Stat("/usr/sbin/bpftool")
		}
		t.OK = err == nil
		h.Tools = append(h.Tools, t)
	}
	return h
}

// Print writes the findings for people.
func (h *Health) Print(w io.Writer) {
	mark := func(ok bool) string {
		if ok {
			return "ok  "
		}
		return "MISS"
	}
	fmt.Fprintf(w, "%s qemu       %s\n", mark(h.QEMUOK), h.QEMU)
	for _, k := range h.Kernels {
		text := k.Release
		if k.Error != "" {
			text = k.Error
		}
		fmt.Fprintf(w, "%s kernel     %s: %s\n", mark(k.Error == ""), k.Version, text)
	}
	if h.Accel != "" {
		fmt.Fprintf(w, "ok   accel      %s (%s)\n", h.Accel, h.AccelWhy)
	}
	if h.AgentError != "" {
		fmt.Fprintf(w, "MISS agent      %s\n", h.AgentError)
	}
	fmt.Fprintf(w, "%s isolation  %s", mark(h.Level == LevelFull), h.Level)
	if h.LevelWhy != "" {
		fmt.Fprintf(w, " (%s)", h.LevelWhy)
	}
	fmt.Fprintf(w, "\n     user namespaces allowed: %s\n", h.UserNS)
	fmt.Fprintf(w, "     cgroup limits: %s\n", h.Cgroups)
	for _, t := range h.Tools {
		fmt.Fprintf(w, "%s tool       %s, for %s\n", mark(t.OK), t.Name, t.For)
	}
	fmt.Fprintf(w, "     memory available %d MiB, cache %s\n", h.MemoryMiB, h.CacheDir)
}

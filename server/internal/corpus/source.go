package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// tree is a folder with the part of a kernel's sources that the tests need.
type tree string

func (t tree) path(elem ...string) string {
	return filepath.Join(append([]string{string(t)}, elem...)...)
}

const selftests = "tools/testing/selftests/bpf"

// unpack takes the tests and their headers out of Debian's archive, once.
func (t tree) unpack(ctx context.Context, archive string) error {
	done := t.path(".unpacked-2") // the number goes up with the list of what is taken
	if _, err := os.Stat(done); err == nil {
		return nil
	}
	if _, err := os.Stat(archive); err != nil {
		return fmt.Errorf("no kernel source: apt-get install linux-source-6.12, or name it with -source: %w", err)
	}
	if err := os.MkdirAll(string(t), 0o755); err != nil {
		return err
	}
	archive, err := filepath.Abs(archive)
	if err != nil {
		return err
	}
	args := []string{"-xJf", archive, "--wildcards", "--strip-components=1"}
	for _, p := range []string{selftests + "/*.h", selftests + "/progs/*", selftests + "/test_verifier.c", selftests + "/verifier/*",
		"tools/lib/bpf/*.h", "tools/include/*", "tools/arch/x86/include/*", "scripts/bpf_doc.py"} {
		args = append(args, "*/"+p)
	}
	if _, err := command(ctx, string(t), "tar", args...); err != nil {
		return err
	}
	return os.WriteFile(done, nil, 0o644)
}

// headers makes what the kernel's build generates: vmlinux.h of the kernel that
// judges, the helpers' prototypes, and libbpf's headers as <bpf/...>.
func (t tree) headers(ctx context.Context, btfFile string) error {
	if _, err := os.Stat(t.path("include", "vmlinux.h")); err == nil {
		return nil
	}
	if err := os.MkdirAll(t.path("include", "bpf"), 0o755); err != nil {
		return err
	}
	vmlinux, err := command(ctx, "", "bpftool", "btf", "dump", "file", btfFile, "format", "c")
	if err != nil {
		return err
	}
	helpers, err := command(ctx, "", "python3", t.path("scripts/bpf_doc.py"), "--header", "--file", t.path("tools/include/uapi/linux/bpf.h"))
	if err != nil {
		return err
	}
	libbpf, err := filepath.Glob(t.path("tools/lib/bpf/*.h"))
	if err != nil {
		return err
	}
	for _, h := range libbpf {
		b, err := os.ReadFile(h)
		if err != nil {
			return err
		}
		if err := os.WriteFile(t.path("include", "bpf", filepath.Base(h)), b, 0o644); err != nil {
			return err
		}
	}
	return errors.Join(os.WriteFile(t.path("include", "bpf", "bpf_helper_defs.h"), helpers, 0o644),
		os.WriteFile(t.path("include", "vmlinux.h"), vmlinux, 0o644))
}

// programs are the C files of progs/ whose name, without .c, matches.
func (t tree) programs(match *regexp.Regexp) ([]string, error) {
	all, err := filepath.Glob(t.path(selftests, "progs", "*.c"))
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p string) bool { return !match.MatchString(strings.TrimSuffix(filepath.Base(p), ".c")) }), nil
}

// compile makes an object as the tests' own Makefile does, unless it is there.
func (t tree) compile(ctx context.Context, clang, src, obj string) error {
	if _, err := os.Stat(obj); err == nil {
		return nil
	}
	_, err := command(ctx, "", clang, "-g", "-O2", "-target", "bpf", "-mcpu=v3", "-mlittle-endian", "-std=gnu11", "-fno-strict-aliasing",
		"-D__TARGET_ARCH_x86", "-DENABLE_ATOMICS_TESTS", "-Wno-compare-distinct-pointer-types",
		"-I"+t.path("include"), "-I"+t.path(selftests), "-I"+t.path("tools/include/uapi"), "-idirafter", "/usr/include/x86_64-linux-gnu",
		"-c", src, "-o", obj)
	return err
}

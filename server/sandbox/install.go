package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Install makes the kernel of that version available offline: Debian's package is downloaded with apt-get (never
// installed on the host), unpacked, and vmlinux, modules and BTF are cached. A package file named in deb is used
// instead when not empty. Progress goes to w, a line a step.
func Install(ctx context.Context, version, deb string, w io.Writer) (*Kernel, error) {
	src, err := sourceOf(version)
	if err != nil {
		return nil, err
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(cache, "install-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	if deb == "" {
		if deb, err = download(ctx, src, tmp, w); err != nil {
			return nil, err
		}
	}
	root := filepath.Join(tmp, "root")
	fmt.Fprintf(w, "unpacking %s\n", filepath.Base(deb))
	if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", deb, root).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("dpkg-deb: %w: %s", err, bytes.TrimSpace(out))
	}
	k, files, err := collect(root, src)
	if err != nil {
		return nil, err
	}
	k.Package = strings.TrimSuffix(filepath.Base(deb), ".deb")
	return k, k.store(filepath.Join(cache, "kernel", version), files)
}

// download fetches the newest matching package into dir.
func download(ctx context.Context, src source, dir string, w io.Writer) (string, error) {
	const advice = "on another system download a Debian package linux-image-*-cloud-amd64 of that version and pass it with --deb FILE"
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", fmt.Errorf("kernel %s: this system has no apt-get; %s", src.version, advice)
	}
	var opts []string
	if src.version == Backports {
		var err error
		if opts, err = backportsApt(ctx, dir); err != nil {
			return "", err
		}
	}
	out, err := exec.CommandContext(ctx, "apt-cache", append(opts, "search", "--names-only", src.pattern)...).Output()
	if err != nil {
		return "", fmt.Errorf("apt-cache: %w", err)
	}
	best := ""
	for s := bufio.NewScanner(bytes.NewReader(out)); s.Scan(); {
		name, _, _ := strings.Cut(s.Text(), " ")
		if best == "" || versionLess(best, name) {
			best = name
		}
	}
	if best == "" {
		return "", fmt.Errorf("kernel %s: apt offers no package like %s; run apt-get update; %s", src.version, src.pattern, advice)
	}
	fmt.Fprintf(w, "downloading %s\n", best)
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-o", "APT::Sandbox::User=root"}, append(opts, "download", best)...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("apt-get download %s: %w: %s", best, err, bytes.TrimSpace(out))
	}
	debs, _ := filepath.Glob(filepath.Join(dir, "*.deb"))
	if len(debs) != 1 {
		return "", fmt.Errorf("apt-get download %s: no file", best)
	}
	return debs[0], nil
}

// installQEMU gets QEMU with apt where we may; elsewhere the next step says what to install.
func installQEMU(ctx context.Context, w io.Writer) error {
	if _, err := exec.LookPath("qemu-system-x86_64"); err == nil {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Getuid() != 0 {
		return nil
	}
	fmt.Fprintln(w, "installing qemu-system-x86")
	cmd := exec.CommandContext(ctx, "apt-get", "-q", "-y", "--no-install-recommends", "install", "qemu-system-x86")
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apt-get install qemu-system-x86: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// versionLess compares names with numbers inside by their numbers.
func versionLess(a, b string) bool {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			da, db := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if len(da) != len(db) {
				return len(da) < len(db)
			}
			if da != db {
				return da < db
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return a[0] < b[0]
		}
		a, b = a[1:], b[1:]
	}
	return len(a) < len(b)
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// collect reads kernel, modules and BTF out of an unpacked package.
func collect(root string, src source) (*Kernel, map[string][]byte, error) {
	images, _ := filepath.Glob(filepath.Join(root, "boot", "vmlinuz-*"))
	if len(images) != 1 {
		return nil, nil, fmt.Errorf("kernel %s: the package has %d files boot/vmlinuz-*, want 1", src.version, len(images))
	}
	k := &Kernel{Version: src.version, Release: strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-")}
	if src.version != Backports && !strings.HasPrefix(k.Release, src.version+".") {
		return nil, nil, fmt.Errorf("kernel %s: the package holds %s", src.version, k.Release)
	}
	bz, err := os.ReadFile(images[0])
	if err != nil {
		return nil, nil, err
	}
	vmlinux, err := vmlinuxOf(bz)
	if err != nil {
		return nil, nil, err
	}
	btf, err := btfOf(vmlinux)
	if err != nil {
		return nil, nil, err
	}
	files := map[string][]byte{"vmlinux": vmlinux, "btf": btf}
	found := map[string]string{}
	err = filepath.WalkDir(filepath.Join(root, "lib", "modules"), func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			if name, _, ok := strings.Cut(d.Name(), ".ko"); ok {
				found[strings.ReplaceAll(name, "-", "_")] = p
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	var add func(m string) error
	add = func(m string) error {
		p, ok := found[m]
		if _, have := files["modules/"+m+".ko"]; have || !ok {
			return nil // built in, or there already
		}
		b, err := os.ReadFile(p)
		if err == nil {
			b, err = decompress(b)
		}
		if err != nil {
			return fmt.Errorf("module %s: %w", m, err)
		}
		files["modules/"+m+".ko"] = b
		for _, d := range moduleDepends(b) {
			if err := add(d); err != nil {
				return err
			}
		}
		k.Modules = append(k.Modules, m+".ko")
		return nil
	}
	for _, m := range src.modules {
		if err := add(m); err != nil {
			return nil, nil, err
		}
	}
	k.SHA256 = hashFiles(files)
	return k, files, nil
}

// moduleDepends reads the modules that one needs out of its .modinfo: modules.dep is not part of the package.
func moduleDepends(ko []byte) []string {
	f, err := elf.NewFile(bytes.NewReader(ko))
	if err != nil {
		return nil
	}
	sec := f.Section(".modinfo")
	if sec == nil {
		return nil
	}
	info, err := sec.Data()
	if err != nil {
		return nil
	}
	for _, field := range strings.Split(string(info), "\x00") {
		if list, ok := strings.CutPrefix(field, "depends="); ok && list != "" {
			return strings.Split(strings.ReplaceAll(list, "-", "_"), ",")
		}
	}
	return nil
}

// store writes the kernel's files; kernel.json comes last and makes it visible.
func (k *Kernel) store(dir string, files map[string][]byte) error {
	k.dir = dir
	os.Remove(filepath.Join(dir, "kernel.json"))
	for name, b := range files {
		if err := writeFile(filepath.Join(dir, name), b, 0o644); err != nil {
			return err
		}
	}
	j, err := json.MarshalIndent(k, "", "\t")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "kernel.json"), append(j, '\n'), 0o644)
}

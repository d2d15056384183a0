package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
)

// DefaultKernel is the reference kernel of the whole project.
const DefaultKernel = "6.12"

// ErrNotInstalled is wrapped by errors that `skep sandbox install` repairs.
var ErrNotInstalled = errors.New("not installed")

// source says where a kernel comes from: the newest Debian package whose name matches.
type source struct {
	version string // as users name it, or Backports
	pattern string // of the Debian package's name, a regular expression for apt-cache
	modules []string
}

// netModules are loaded in every guest; those that a kernel has built in are left out at install time. Order matters.
var netModules = []string{"veth", "sch_ingress", "cls_bpf", "act_bpf"}

var sources = []source{
	{"6.12", `^linux-image-6\.12\.[0-9.]*[+~a-z0-9]*-cloud-amd64$`, netModules},
	{"6.1", `^linux-image-6\.1\.[0-9]+-[0-9]+-cloud-amd64$`, allModules},
}

// allModules are for kernels that may have virtio as modules, as 6.1 does: without them the agent has no channel.
// Dependencies are added by themselves.
var allModules = append([]string{"virtio_pci", "virtio_console"}, netModules...)

// Kernel is an installed guest kernel: plain files in the user's cache directory.
type Kernel struct {
	Version string   `json:"version"` // "6.12"
	Release string   `json:"release"` // "6.12.117+deb12-cloud-amd64"
	Package string   `json:"package"` // Debian package and version it came from
	Modules []string `json:"modules"` // file names below dir/modules, in loading order
	SHA256  string   `json:"sha256"`  // over vmlinux and the modules
	dir     string
}

// Vmlinux is the path of the ELF kernel.
func (k *Kernel) Vmlinux() string { return filepath.Join(k.dir, "vmlinux") }

// BTFFile is the path of the kernel's raw BTF.
func (k *Kernel) BTFFile() string { return filepath.Join(k.dir, "btf") }

// CacheDir is where kernels, agents and templates are kept: SKEP_CACHE, or skep in os.UserCacheDir.
func CacheDir() (string, error) {
	if d := os.Getenv("SKEP_CACHE"); d != "" {
		return d, nil
	}
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cache directory: %w; set SKEP_CACHE", err)
	}
	return filepath.Join(d, "skep"), nil
}

// Versions lists the kernels that are installed by default, reference kernel first.
func Versions() []string {
	var v []string
	for _, s := range sources {
		v = append(v, s.version)
	}
	return v
}

func sourceOf(version string) (source, error) {
	for _, s := range sources {
		if s.version == version {
			return s, nil
		}
	}
	switch {
	case version == Backports:
		return source{version, `^linux-image-[0-9][0-9.]*[+~a-z0-9]*-cloud-amd64$`, allModules}, nil
	case otherVersion.MatchString(version):
		return source{version, `^linux-image-` + regexp.QuoteMeta(version) + `\.[0-9.]*[-+~a-z0-9]*-cloud-amd64$`, allModules}, nil
	}
	return source{}, fmt.Errorf("kernel %q: unknown; there are %v, %s, and versions such as 6.16 where apt has one", version, Versions(), Backports)
}

// otherVersion is a kernel that Debian may have.
var otherVersion = regexp.MustCompile(`^[1-9][0-9]?\.[0-9]{1,3}$`)

// FindKernel returns the installed kernel of that version.
func FindKernel(version string) (*Kernel, error) {
	if _, err := sourceOf(version); err != nil {
		return nil, err
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(cache, "kernel", version)
	b, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w; run: skep sandbox install --kernel %s", version, ErrNotInstalled, version)
	}
	k := &Kernel{dir: dir}
	if err := json.Unmarshal(b, k); err != nil {
		return nil, fmt.Errorf("kernel %s: kernel.json: %w; run: skep sandbox install --kernel %s", version, err, version)
	}
	return k, nil
}

// Kernels lists the installed kernels, reference kernel first, those that were asked for by name last.
func Kernels() []*Kernel {
	versions := Versions()
	if cache, err := CacheDir(); err == nil {
		es, _ := os.ReadDir(filepath.Join(cache, "kernel"))
		for _, e := range es {
			if e.IsDir() && !slices.Contains(versions, e.Name()) {
				versions = append(versions, e.Name())
			}
		}
	}
	var ks []*Kernel
	for _, v := range versions {
		if k, err := FindKernel(v); err == nil {
			ks = append(ks, k)
		}
	}
	return ks
}

// hashFiles is the sha256 over names and contents, in sorted order.
func hashFiles(files map[string][]byte) string {
	var names []string
	for n := range files {
		names = append(names, n)
	}
	sort.Strings(names)
	h := sha256.New()
	for _, n := range names {
		sum := sha256.Sum256(files[n])
		fmt.Fprintf(h, "%s %x\n", n, sum)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writeFile writes through a temporary name, so that a killed install leaves no half file behind.
func writeFile(path string, b []byte, perm os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(perm)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

//go:build linux

// Command jail confines QEMU and then becomes it. The host starts it inside fresh user, mount, PID, network, IPC and UTS namespaces
// (level.go); it builds a read-only root of the few files that QEMU reads, gives up every capability, sets
// resource limits and executes QEMU. It is a program of its own so that no Go program that imports the sandbox needs
// to recognise itself as a child.
//
// What crosses the boundary: the inherited sockets and memory files, and nothing else.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Spec is the only argument, as JSON. The host's type jailSpec mirrors it.
type Spec struct {
	Binds  []string          `json:"binds"`           // files and directories, the same path inside
	Links  map[string]string `json:"links,omitempty"` // symbolic links to make
	Limits map[int]uint64    `json:"limits"`          // setrlimit(2) by resource number
	Self   int               `json:"self"`            // descriptor of this program, not for QEMU
	Argv   []string          `json:"argv"`
}

func main() {
	if len(os.Args) != 2 {
		fail(errors.New("usage: jail SPEC (started by skep's sandbox only)"))
	}
	var s Spec
	if err := json.Unmarshal([]byte(os.Args[1]), &s); err != nil {
		fail(fmt.Errorf("spec: %w", err))
	}
	if len(s.Argv) == 0 {
		fail(errors.New("spec: nothing to execute"))
	}
	for _, step := range []struct {
		name string
		do   func(*Spec) error
	}{
		{"root", buildRoot}, {"capabilities", dropCapabilities}, {"limits", setLimits},
	} {
		if err := step.do(&s); err != nil {
			fail(fmt.Errorf("%s: %w", step.name, err))
		}
	}
	unix.CloseOnExec(s.Self)
	fail(fmt.Errorf("exec %s: %w", s.Argv[0], unix.Exec(s.Argv[0], s.Argv, []string{"PATH=/usr/bin", "HOME=/"})))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "jail:", err)
	os.Exit(126)
}

const root = "/tmp"

// buildRoot makes a small tmpfs with read-only binds the root of this mount namespace and detaches the old one.
func buildRoot(s *Spec) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private: %w", err)
	}
	if err := unix.Mount("tmpfs", root, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "size=64k,mode=755"); err != nil {
		return fmt.Errorf("tmpfs: %w", err)
	}
	for _, b := range append(s.Binds, "/dev/null") {
		if err := bind(b); err != nil {
			return fmt.Errorf("bind %s: %w", b, err)
		}
	}
	for name, to := range s.Links {
		os.MkdirAll(filepath.Dir(root+name), 0o755)
		if err := os.Symlink(to, root+name); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	for _, d := range []string{"/proc", "/old"} {
		if err := os.MkdirAll(root+d, 0o755); err != nil {
			return err
		}
	}
	// QEMU opens the guest's memory as /proc/self/fd/N.
	if err := unix.Mount("proc", root+"/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("proc: %w", err)
	}
	if err := unix.PivotRoot(root, root+"/old"); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := unix.Unmount("/old", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	os.Remove("/old")
	if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("read-only: %w", err)
	}
	return nil
}

func bind(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	to := root + path
	if st.IsDir() {
		err = os.MkdirAll(to, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(to), 0o755); err == nil {
		err = os.WriteFile(to, nil, 0o644)
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(path, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	flags := uintptr(unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY | unix.MS_NOSUID)
	if !strings.HasPrefix(path, "/dev/") {
		flags |= unix.MS_NODEV
	}
	// Flags that the original mount has locked must be kept.
	var sf unix.Statfs_t
	if err := unix.Statfs(to, &sf); err == nil {
		flags |= uintptr(sf.Flags) & (unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_RELATIME)
	}
	return unix.Mount("", to, "", flags, "")
}

// dropCapabilities empties all five sets and makes sure that no exec can fill them again.
func dropCapabilities(*Spec) error {
	for c := 0; c <= 63; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil {
			if errors.Is(err, unix.EINVAL) {
				break // the last one that this kernel knows
			}
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&hdr, &none[0])
}

func setLimits(s *Spec) error {
	for res, n := range s.Limits {
		if err := unix.Setrlimit(res, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			return fmt.Errorf("resource %d: %w", res, err)
		}
	}
	return nil
}

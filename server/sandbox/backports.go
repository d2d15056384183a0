package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Backports names the newest kernel of Debian's backports instead of a version.
const Backports = "backports"

// debianKeys is where Debian keeps the keys of its archives.
const debianKeys = "/usr/share/keyrings/debian-archive-keyring.gpg"

// backportsApt makes a private state for apt below dir, with the backports of this Debian release, and returns the options
// that use it: the system's package sources stay as they are. The mirror is the one that the system is configured with.
func backportsApt(ctx context.Context, dir string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages").Output()
	if err != nil {
		return nil, fmt.Errorf("apt-get indextargets: %w", err)
	}
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return nil, fmt.Errorf("backports: %w", err)
	}
	mirror, suite, err := backportsOf(string(out), string(release))
	if err != nil {
		return nil, err
	}
	list := filepath.Join(dir, "backports.list")
	for _, d := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, err
		}
	}
	line := fmt.Sprintf("deb [signed-by=%s] %s %s main\n", debianKeys, mirror, suite)
	if err := os.WriteFile(list, []byte(line), 0o644); err != nil {
		return nil, err
	}
	opts := []string{"-o", "Dir::Etc::sourcelist=" + list, "-o", "Dir::Etc::sourceparts=-", "-o", "Dir::State::lists=" + filepath.Join(dir, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(dir, "cache"), "-o", "APT::Sandbox::User=root"}
	msg, err := exec.CommandContext(ctx, "apt-get", append([]string{"-q", "-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Retries=1"}, append(opts, "update")...)...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("backports: %s of the mirror %s cannot be read: %w: %s; where there is a network, download its package linux-image-*-cloud-amd64 and pass it with --deb FILE",
			suite, mirror, err, lastLine(msg))
	}
	return opts, nil
}

// backportsOf finds the mirror and the suite from what apt is configured with and /etc/os-release.
func backportsOf(targets, release string) (mirror, suite string, err error) {
	codename := ""
	for line := range strings.Lines(release) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), "VERSION_CODENAME="); ok {
			codename = strings.Trim(v, `"`)
		}
	}
	if codename == "" {
		return "", "", errors.New("backports: /etc/os-release names no release of Debian")
	}
	for line := range strings.Lines(targets) {
		if f := strings.Fields(line); len(f) == 2 && f[1] == codename {
			return f[0], codename + "-backports", nil
		}
	}
	return "", "", fmt.Errorf("backports: apt is not configured with a mirror of Debian %s", codename)
}

func lastLine(b []byte) string {
	b = bytes.TrimSpace(b)
	return string(b[bytes.LastIndexByte(b, '\n')+1:])
}

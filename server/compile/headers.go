package compile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Headers makes a folder with vmlinux.h, all types of a kernel as C, from its
// raw BTF (bpftool's words: btf dump file BTF format c). The result is kept
// below cache under the BTF's content hash, and the folder's path returned.
func Headers(ctx context.Context, cache, btf string) (string, error) {
	blob, err := os.ReadFile(btf)
	if err != nil {
		return "", fmt.Errorf("vmlinux.h: %w", err)
	}
	sum := sha256.Sum256(blob)
	dir := filepath.Join(cache, "headers", hex.EncodeToString(sum[:8]))
	file := filepath.Join(dir, "vmlinux.h")
	if _, err := os.Stat(file); err == nil {
		return dir, nil
	}
	tool, err := findBpftool()
	if err != nil {
		return "", err
	}
	var out, words bytes.Buffer
	cmd := exec.CommandContext(ctx, tool, "btf", "dump", "file", btf, "format", "c")
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("vmlinux.h: bpftool: %w: %s", err, firstLine(words.String()))
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("vmlinux.h: %w", err)
	}
	// Another process may write the same file: rename is atomic.
	tmp, err := os.CreateTemp(dir, "vmlinux-*")
	if err != nil {
		return "", fmt.Errorf("vmlinux.h: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(out.Bytes())
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(tmp.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return "", fmt.Errorf("vmlinux.h: %w", err)
	}
	return dir, nil
}

// findBpftool also looks where Debian puts it outside of a user's PATH.
func findBpftool() (string, error) {
	if path, err := exec.LookPath("bpftool"); err == nil {
		return path, nil
	}
	if _, err := os.Stat("/usr/sbin/bpftool"); err == nil {
		return "/usr/sbin/bpftool", nil
	}
	return "", fmt.Errorf("vmlinux.h: no bpftool; install Debian's bpftool (make setup does)")
}

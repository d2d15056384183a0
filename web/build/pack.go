package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// compress writes x.br and x.gz beside x, unless packing does not pay (fonts
// and pictures are packed already, small files fit one packet).
func compress(full string) error {
	body, err := os.ReadFile(full)
	if err != nil {
		return err
	}
	os.Remove(full + ".br")
	os.Remove(full + ".gz")
	if len(body) < 512 || filepath.Ext(full) == ".woff2" || filepath.Ext(full) == ".png" {
		return nil
	}
	out, err := exec.Command("brotli", "--quality=11", "--lgwin=24", "--force", "--keep", "--output="+full+".br", full).CombinedOutput()
	if err != nil {
		return fmt.Errorf("brotli (install it, or run make setup): %w: %s", err, bytes.TrimSpace(out))
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	w.Write(body)
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(full+".gz", b.Bytes(), 0o644)
}

package asm

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"skep/vm/isa"
)

// conformanceFiles reads the test files of bpf_conformance, from the package
// that owns them or from the archive in the test data.
func conformanceFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	dir := filepath.Join("..", "conformance", "testdata")
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".data") {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel(dir, path)
			files[filepath.ToSlash(rel)] = string(b)
		}
		return nil
	})
	if len(files) > 300 {
		return files
	}
	f, err := os.Open(dataFile(t, "bpf_conformance_tests.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(h.Name, ".data") {
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			files[h.Name] = string(b)
		}
	}
}

// section is the text of a section of a test file.
func section(file, name string) (text string, ok bool) {
	in := false
	for _, line := range strings.Split(file, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if strings.Contains(line, "--") && !strings.HasPrefix(line, "#") {
			in = strings.TrimSpace(strings.TrimPrefix(line, "--")) == name
			ok = ok || in
			continue
		}
		if in {
			text += line + "\n"
		}
	}
	return text, ok
}

// All asm sections assemble, give the bytes of the raw section where there is
// one, and survive the disassembler.
func TestConformanceFiles(t *testing.T) {
	files := conformanceFiles(t)
	var names []string
	for name := range files {
		if !isNegative(name) {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	assembled, compared := 0, 0
	for _, name := range names {
		src, ok := section(files[name], "asm")
		if !ok {
			continue
		}
		res := Assemble(src, Options{Dialect: Conformance})
		if len(res.Errors) > 0 {
			t.Errorf("%s: %v", name, res.Errors)
			continue
		}
		assembled++
		for d := range numDialects {
			back := Assemble(Disassemble(d, res.Insns, nil), Options{Dialect: d})
			if len(back.Errors) > 0 || string(isa.EncodeAll(back.Insns)) != string(isa.EncodeAll(res.Insns)) {
				t.Errorf("%s: does not survive %v: %v", name, d, back.Errors)
			}
		}
		for pc := 0; pc < len(res.Insns); pc++ {
			if _, err := isa.Check(res.Insns, pc); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if res.Insns[pc].IsWide() {
				pc++
			}
		}
		raw, ok := section(files[name], "raw")
		if !ok {
			continue
		}
		var want []uint64
		for _, w := range strings.Fields(raw) {
			n, err := strconv.ParseUint(w, 0, 64)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, n)
		}
		compared++
		for n, i := range res.Insns {
			b := i.Append(nil)
			got := uint64(0)
			for k := range b {
				got |= uint64(b[k]) << (8 * k)
			}
			if n >= len(want) || got != want[n] {
				t.Errorf("%s: slot %d is %#x, want %#x", name, n, got, want)
			}
		}
	}
	if assembled != 313 || compared < 1 {
		t.Errorf("%d files assembled and %d compared, want 313 and 1", assembled, compared)
	}
}

// The negative files whose assembly is wrong give an error with a place.
func TestConformanceNegative(t *testing.T) {
	for name, file := range conformanceFiles(t) {
		src, ok := section(file, "asm")
		if !ok || !isNegative(name) {
			continue
		}
		res := Assemble(src, Options{Dialect: Conformance})
		for _, e := range res.Errors {
			if e.Line < 1 || e.Col < 1 {
				t.Errorf("%s: no place in %v", name, e)
			}
		}
		// This one is wrong in its directives, the others in their assembly.
		base := name[strings.LastIndexByte(name, '/')+1:]
		if strings.HasPrefix(base, "invalid_") && base != "invalid_unknown_directive.data" && len(res.Errors) == 0 {
			t.Errorf("%s: assembles", name)
		}
	}
}

func isNegative(name string) bool { return strings.Contains("/"+name, "/negative/") }

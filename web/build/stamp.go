package main

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// stamps remembers for each stage the hash of its inputs and the files it made.
type stamps struct {
	dist   string
	Stages map[string]stamp
	used   map[string]bool
	ran    int
	total  int
}

type stamp struct {
	Inputs string            `json:"inputs"`
	Files  []string          `json:"files"` // in dist, without compressed forms
	Notes  map[string]string `json:"notes,omitempty"`
}

func stampsFile(dist string) string { return filepath.Join(dist, ".stamps.json") }

func readStamps(dist string) (*stamps, error) {
	s := &stamps{dist: dist, Stages: map[string]stamp{}, used: map[string]bool{}}
	text, err := os.ReadFile(stampsFile(dist))
	if os.IsNotExist(err) {
		return s, nil
	} else if err != nil {
		return nil, err
	}
	if json.Unmarshal(text, &s.Stages) != nil {
		s.Stages = map[string]stamp{} // of another version: build all again
	}
	return s, nil
}

func (s *stamps) write() error {
	text, err := json.MarshalIndent(s.Stages, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(stampsFile(s.dist), text, 0o644)
}

// stage runs make unless its inputs are those of the last time and its files
// are still there. make returns the contents of the files by name; a "*" in a
// name becomes a hash of the content.
func (s *stamps) stage(name, inputs string, make func() (map[string][]byte, map[string]string, error)) (stamp, error) {
	s.used[name] = true
	s.total++
	if old, ok := s.Stages[name]; ok && old.Inputs == inputs && s.present(old.Files) {
		return old, nil
	}
	s.ran++
	files, notes, err := make()
	if err != nil {
		return stamp{}, fmt.Errorf("%s: %w", name, err)
	}
	now := stamp{Inputs: inputs, Notes: notes}
	for _, pattern := range slices.Sorted(keys(files)) {
		body := files[pattern]
		file := strings.Replace(pattern, "*", short(body), 1)
		full := filepath.Join(s.dist, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			return stamp{}, err
		}
		if err := os.WriteFile(full, body, 0o644); err != nil {
			return stamp{}, err
		}
		if err := compress(full); err != nil {
			return stamp{}, err
		}
		now.Files = append(now.Files, file)
	}
	s.Stages[name] = now
	return now, nil
}

func keys(m map[string][]byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (s *stamps) present(files []string) bool {
	for _, f := range files {
		if _, err := os.Stat(filepath.Join(s.dist, filepath.FromSlash(f))); err != nil {
			return false
		}
	}
	return true
}

// files lists what the stages of this run made.
func (s *stamps) files() []string {
	var all []string
	for name, st := range s.Stages {
		if s.used[name] {
			all = append(all, st.Files...)
		}
	}
	slices.Sort(all)
	return all
}

// sweep removes what no stage of this run made.
func (s *stamps) sweep() error {
	for name := range s.Stages {
		if !s.used[name] {
			delete(s.Stages, name)
		}
	}
	keep := map[string]bool{"manifest.json": true}
	for _, f := range s.files() {
		keep[f], keep[f+".br"], keep[f+".gz"] = true, true, true
	}
	return filepath.WalkDir(s.dist, func(full string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		name, err := filepath.Rel(s.dist, full)
		if err != nil || keep[filepath.ToSlash(name)] {
			return err
		}
		return os.Remove(full)
	})
}

// short is the hash that goes into file names: 8 capitals and digits, the form
// that the server takes as "never changes".
func short(body []byte) string {
	sum := sha256.Sum256(body)
	return base32.StdEncoding.EncodeToString(sum[:])[:8]
}

// hash is the hash of inputs: words, and files or folders (all files below
// that keep accepts).
type hash struct {
	sum  io.Writer
	done func() string
	err  error
}

func newHash(words ...string) *hash {
	h := sha256.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d %s\n", len(w), w)
	}
	return &hash{sum: h, done: func() string { return hex.EncodeToString(h.Sum(nil)) }}
}

func (h *hash) add(path string, keep func(name string) bool) {
	if h.err != nil {
		return
	}
	h.err = filepath.WalkDir(path, func(full string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || d.IsDir() || keep != nil && !keep(d.Name()) {
			return err
		}
		body, err := os.ReadFile(full)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(path, full)
		fmt.Fprintf(h.sum, "%s %d\n", filepath.ToSlash(rel), len(body))
		h.sum.Write(body)
		return nil
	})
}

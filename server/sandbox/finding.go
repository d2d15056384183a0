package sandbox

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// Finding is a difference between our verifier and a kernel, with what it takes to look into it.
type Finding struct {
	ID        string            `json:"id"`
	Time      time.Time         `json:"time"`
	Kind      string            `json:"kind"` // verdict, errno, log
	Kernel    string            `json:"kernel"`
	Version   string            `json:"version"` // of skep
	Privilege string            `json:"privilege,omitempty"`
	Program   []byte            `json:"-"` // batch record
	Files     map[string][]byte `json:"-"` // by name: logs, source
}

// Findings is a folder of bundles, bounded in number and bytes: the oldest go first. The zero value and nil keep none.
type Findings struct {
	Dir string
	Max int   // bundles; 0 is 500
	Big int64 // bytes of all; 0 is 256 MiB

	mu sync.Mutex
}

var errNoFindings = errors.New("findings are not kept here")

// maxFinding bounds one bundle's files.
const maxFinding = 16 << 20

var findingID = regexp.MustCompile(`^[0-9a-f]{16}$`)

// FindingsDir is the folder below the cache that skep serve uses.
func FindingsDir() (string, error) {
	cache, err := CacheDir()
	return filepath.Join(cache, "findings"), err
}

// Keep stores a finding and returns its id. The same difference of the same program is kept once.
func (f *Findings) Keep(x Finding) (id string, err error) {
	if f == nil || f.Dir == "" {
		return "", errNoFindings
	}
	size := len(x.Program)
	for _, b := range x.Files {
		size += len(b)
	}
	if size > maxFinding {
		return "", fmt.Errorf("finding: %d bytes, at most %d are kept", size, maxFinding)
	}
	x.ID = hashFiles(map[string][]byte{"kind": []byte(x.Kind), "kernel": []byte(x.Kernel), "version": []byte(x.Version), "program": x.Program})[:16]
	if x.Time.IsZero() {
		x.Time = time.Now().UTC()
	}
	head, err := json.MarshalIndent(x, "", " ")
	if err != nil {
		return "", fmt.Errorf("finding: %w", err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	names := []string{"finding.json", "program.json"}
	for n := range x.Files {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		body := x.Files[n]
		switch n {
		case "finding.json":
			body = append(head, '\n')
		case "program.json":
			body = x.Program
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: n, Method: zip.Deflate, Modified: x.Time})
		if err == nil {
			_, err = w.Write(body)
		}
		if err != nil {
			return "", fmt.Errorf("finding: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("finding: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := writeFile(f.path(x.ID), b.Bytes(), 0o644); err != nil {
		return "", fmt.Errorf("finding: %w", err)
	}
	f.bound()
	return x.ID, nil
}

func (f *Findings) path(id string) string { return filepath.Join(f.Dir, id+".zip") }

// bound deletes the oldest bundles beyond number and bytes.
func (f *Findings) bound() {
	most, big := f.Max, f.Big
	if most == 0 {
		most = 500
	}
	if big == 0 {
		big = 256 << 20
	}
	type file struct {
		name string
		info os.FileInfo
	}
	var files []file
	es, _ := os.ReadDir(f.Dir)
	for _, e := range es {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), ".zip") {
			files = append(files, file{e.Name(), info})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return b.info.ModTime().Compare(a.info.ModTime()) })
	var total int64
	for i, x := range files {
		if total += x.info.Size(); i >= most || total > big {
			os.Remove(filepath.Join(f.Dir, x.name))
		}
	}
}

// Bundle is a finding's zip file.
func (f *Findings) Bundle(id string) ([]byte, error) {
	if f == nil || f.Dir == "" {
		return nil, errNoFindings
	}
	if !findingID.MatchString(id) {
		return nil, fmt.Errorf("finding %q: no such id", id)
	}
	return os.ReadFile(f.path(id))
}

// List reads the findings without their files, newest first.
func (f *Findings) List() ([]Finding, error) {
	paths, err := filepath.Glob(filepath.Join(f.Dir, "*.zip"))
	if err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	var all []Finding
	for _, p := range paths {
		x, err := readFinding(p)
		if err != nil {
			return nil, fmt.Errorf("findings: %s: %w", filepath.Base(p), err)
		}
		all = append(all, x)
	}
	slices.SortFunc(all, func(a, b Finding) int { return b.Time.Compare(a.Time) })
	return all, nil
}

func readFinding(path string) (x Finding, err error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return x, err
	}
	defer z.Close()
	r, err := z.Open("finding.json")
	if err != nil {
		return x, err
	}
	defer r.Close()
	err = json.NewDecoder(r).Decode(&x)
	return x, err
}

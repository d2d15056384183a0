// Command build makes web/dist: the engine, the scripts and styles, the
// gallery's objects, each with compressed forms, and manifest.json.
//
//	go run ./web/build           // builds what is not up to date
//	go run ./web/build -budget   // checks byte budgets, exit code 1 when over
//	go run ./web/build -fake     // a canned engine instead of the real one
//
// It runs from anywhere inside the module. A stage runs again only when the
// content of its inputs has changed (dist/.stamps.json).
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"skep/web"
)

// tree is where things are.
type tree struct {
	root string // of the module
	web  string
	dist string
	fake bool
}

func main() {
	budget := flag.Bool("budget", false, "check byte budgets of what is built")
	fake := flag.Bool("fake", false, "use the canned engine of src/engine/fake.ts (development)")
	flag.Parse()
	if err := run(*budget, *fake); err != nil {
		fmt.Fprintln(os.Stderr, "web/build:", err)
		os.Exit(1)
	}
}

func run(budget, fake bool) error {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("go env GOMOD: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(out)))
	t := tree{root: root, web: filepath.Join(root, "web"), dist: filepath.Join(root, "web", "dist"), fake: fake}
	if budget {
		return checkBudget(t)
	}
	from := time.Now()
	if err := os.MkdirAll(t.dist, 0o755); err != nil {
		return err
	}
	s, err := readStamps(t.dist)
	if err != nil {
		return err
	}
	var b built
	if err := b.all(t, s); err != nil {
		return err
	}
	if err := s.write(); err != nil {
		return err
	}
	if s.ran > 0 {
		fmt.Printf("web/build: %d of %d stages, %d files in web/dist, %.1f s\n", s.ran, s.total, len(s.files()), time.Since(from).Seconds())
	}
	return nil
}

// built gathers what later stages need to know of earlier ones.
type built struct {
	wasm, verify, grade, run, listing, worker string
	manifest                                  web.Manifest
}

func (b *built) all(t tree, s *stamps) error {
	var err error
	if b.wasm, err = buildEngine(t, s, "engine", "skep/wasm"); err != nil {
		return err
	}
	if b.verify, err = buildEngine(t, s, "verify", "skep/wasm/verify"); err != nil {
		return err
	}
	if b.grade, err = buildEngine(t, s, "grade", "skep/wasm/grade"); err != nil {
		return err
	}
	if b.run, err = buildEngine(t, s, "run", "skep/wasm/run"); err != nil {
		return err
	}
	if b.listing, err = buildEngine(t, s, "listing", "skep/wasm/listing"); err != nil {
		return err
	}
	if b.worker, err = buildWorker(t, s); err != nil {
		return err
	}
	if b.manifest.Examples, err = buildGallery(t, s); err != nil {
		return err
	}
	page, err := buildPage(t, s, b)
	if err != nil {
		return err
	}
	if b.manifest.Reference, err = buildReference(t, s); err != nil {
		return err
	}
	b.manifest.App, b.manifest.Preload = page.App, page.Preload
	b.manifest.Style, b.manifest.Font = page.Style, page.Font
	b.manifest.Lab, b.manifest.LabPreload, b.manifest.Grade = page.Lab, page.LabPreload, b.grade
	b.manifest.Run, b.manifest.Listing = b.run, b.listing
	b.manifest.First = append([]string{page.Style, page.Font, page.App}, page.Preload...)
	if !t.fake {
		b.manifest.First = append(b.manifest.First, b.worker, b.wasm)
	}
	b.manifest.Later = append(b.manifest.Later, page.Lazy...)
	if !t.fake {
		b.manifest.Later = append(b.manifest.Later, b.verify)
	}
	b.manifest.Later = append(b.manifest.Later, b.manifest.Reference)
	if err := buildServiceWorker(t, s, b, page); err != nil {
		return err
	}
	text, err := json.MarshalIndent(&b.manifest, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(t.dist, "manifest.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return s.sweep()
}

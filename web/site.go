package web

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// SiteOptions says how a static copy is written.
type SiteOptions struct {
	// NoCompressed leaves out the .br and .gz files, which only some web
	// servers know how to use.
	NoCompressed bool
	// Reference is what the reference pages show.
	Reference *Reference
	// Labs is the course.
	Labs []*Lab
}

// WriteSite writes playground, gallery, labs and reference as plain files below dir, which it
// makes. They work from any web server and any folder of it.
func WriteSite(dir string, o SiteOptions) error {
	files := Assets()
	m, err := ReadManifest(files)
	if err != nil {
		return err
	}
	m.Tables, m.Labs = o.Reference, o.Labs
	err = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		if ext := path.Ext(name); o.NoCompressed && (ext == ".br" || ext == ".gz") {
			return nil
		}
		body, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return write(dir, name, body)
	})
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	for _, l := range o.Labs {
		if err := write(dir, "labs/"+l.ID+"/"+solutionsFile, l.Solutions); err != nil {
			return fmt.Errorf("site: %w", err)
		}
	}
	all := append([]page{{file: "404.html", root: "./", view: notFoundPage}}, pages...)
	all = slices.Concat(all, labPages(o.Labs), coursePages())
	for _, p := range all {
		body, err := render(context.Background(), p.view(m, p.root))
		if err != nil {
			return fmt.Errorf("site: page %s: %w", p.file, err)
		}
		if err := write(dir, p.file, body); err != nil {
			return fmt.Errorf("site: %w", err)
		}
	}
	return nil
}

func write(dir, name string, body []byte) error {
	full := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	return os.WriteFile(full, body, 0o644)
}

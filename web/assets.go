package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
)

// dist is empty but for a placeholder until web/build has run; the pages say so.
//
//go:embed all:dist
var dist embed.FS

// Assets returns the built files: hashed scripts and styles, the engine, fonts,
// gallery objects, each with its compressed forms x.br and x.gz beside it.
func Assets() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path
	}
	return sub
}

// Manifest is dist/manifest.json: which hashed file plays which part.
type Manifest struct {
	// App and Style are the playground's script and the style of all pages.
	App   string `json:"app"`
	Style string `json:"style"`
	// Preload lists scripts that App imports at once.
	Preload []string `json:"preload"`
	// Font is the regular weight of the monospace font.
	Font string `json:"font"`
	// First lists everything that is fetched before a program can be stepped.
	First []string `json:"first"`
	// Later lists what is fetched once the page has settled: the editor, the
	// verifier.
	Later    []string  `json:"later"`
	Examples []Example `json:"examples"`
	// Reference is the script of the reference pages: their filter.
	Reference string `json:"reference"`
	// Lab is the script of the lab pages, LabPreload what it imports at once,
	// Grade the grader's module, which only these pages and the server load.
	Lab        string   `json:"lab"`
	LabPreload []string `json:"lab_preload"`
	Grade      string   `json:"grade"`
	// Run is the engine with a compiler, loaded for the first run at full speed.
	Run string `json:"run"`
	// Listing is the module that shows machine code, loaded when that is looked
	// at.
	Listing string `json:"listing"`
	// Labs is the course; it comes from whoever serves it.
	Labs []*Lab `json:"-"`
	// Tables is what these show; it comes from whoever serves them.
	Tables *Reference `json:"-"`
}

// Example is a gallery entry as pages and script see it; see gallery/README.md.
type Example struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	About string `json:"about"`
	Watch string `json:"watch"`
	Order int    `json:"order"`
	Hook  string `json:"hook"`
	// Lang is "c" or "asm"; Source and Object are paths below dist (Object is
	// empty for assembly).
	Lang    string     `json:"lang"`
	Source  string     `json:"source"`
	Object  string     `json:"object,omitempty"`
	Program string     `json:"program,omitempty"`
	Input   []string   `json:"input,omitempty"`
	Events  []string   `json:"events,omitempty"` // instead of packets: lines of the event language
	Maps    []MapEntry `json:"maps,omitempty"`
	Step    int        `json:"step,omitempty"`
	Expect  []string   `json:"expect,omitempty"`
	// Shows are helpers, map types and "prog xdp" for program types that the
	// reference pages link here.
	Shows []string `json:"shows,omitempty"`
}

// MapEntry is what user space puts into a map before the first packet; key and
// value in hex.
type MapEntry struct {
	Map   string `json:"map"`
	Key   string `json:"key"`
	Value string `json:"value"`
}

// ReadManifest reads manifest.json of a built tree. The error says what to do
// when there is none.
func ReadManifest(files fs.FS) (*Manifest, error) {
	text, err := fs.ReadFile(files, "manifest.json")
	if err != nil {
		return nil, fmt.Errorf("web: the pages are not built, run `make web`: %w", err)
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("web: manifest.json: %w", err)
	}
	return &m, nil
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// sources hashes everything that bundles are made of.
func sources(t tree, words ...string) (string, error) {
	h := newHash(append(words, runtime.Version())...)
	h.add(filepath.Join(t.web, "src"), func(name string) bool {
		// prog.test.ts, prog.fuzz.ts: run by node, never bundled.
		return strings.Count(name, ".") < 2 || strings.HasSuffix(name, ".d.ts")
	})
	for _, f := range []string{"static", "package-lock.json", "tsconfig.json", filepath.Join("build", "bundle.go")} {
		h.add(filepath.Join(t.web, f), nil)
	}
	return h.done(), h.err
}

// options are those of every bundle.
func options(t tree, define map[string]string) api.BuildOptions {
	return api.BuildOptions{
		AbsWorkingDir:     t.web,
		Bundle:            true,
		Write:             false,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		Outdir:            t.dist,
		MinifySyntax:      true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		LegalComments:     api.LegalCommentsNone,
		Loader:            map[string]api.Loader{".css": api.LoaderText},
		Define:            define,
		LogLevel:          api.LogLevelSilent,
		Metafile:          true,
		EntryNames:        "[name]-[hash]",
		ChunkNames:        "[name]-[hash]",
		AssetNames:        "[name]-[hash]",
	}
}

func bundle(o api.BuildOptions) (*api.BuildResult, error) {
	r := api.Build(o)
	if len(r.Errors) > 0 {
		lines := api.FormatMessages(r.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		return nil, fmt.Errorf("esbuild\n%s", strings.Join(lines, ""))
	}
	return &r, nil
}

// collect returns the output files by name below dist.
func collect(t tree, r *api.BuildResult) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, f := range r.OutputFiles {
		name, err := filepath.Rel(t.dist, f.Path)
		if err != nil {
			return nil, err
		}
		files[filepath.ToSlash(name)] = f.Contents
	}
	return files, nil
}

// buildWorker bundles the engine's Worker and returns its file name.
func buildWorker(t tree, s *stamps) (string, error) {
	if t.fake {
		return "", nil
	}
	return buildScript(t, s, "worker", api.EntryPoint{InputPath: "src/engine/worker-main.ts", OutputPath: "engine-worker"})
}

// buildReference bundles the script of the reference pages and returns its
// file name.
func buildReference(t tree, s *stamps) (string, error) {
	return buildScript(t, s, "reference", api.EntryPoint{InputPath: "src/reference/main.ts", OutputPath: "reference"})
}

// buildScript bundles a script that is one file.
func buildScript(t tree, s *stamps, stage string, entry api.EntryPoint) (string, error) {
	inputs, err := sources(t, stage)
	if err != nil {
		return "", err
	}
	st, err := s.stage(stage, inputs, func() (map[string][]byte, map[string]string, error) {
		o := options(t, nil)
		o.EntryPointsAdvanced = []api.EntryPoint{entry}
		r, err := bundle(o)
		if err != nil {
			return nil, nil, err
		}
		files, err := collect(t, r)
		return files, nil, err
	})
	if err != nil {
		return "", err
	}
	return st.Files[0], nil
}

// page is what the playground is made of.
type page struct {
	App, Style, Font string
	Preload          []string // chunks that App imports at once
	Lab              string   // the script of the lab pages
	LabPreload       []string // chunks that Lab imports at once
	Lazy             []string // chunks that come later
	Plain            []string // icons and the like, by fixed names
}

// metafile is the part of esbuild's metafile that says which chunks an output
// imports.
type metafile struct {
	Outputs map[string]struct {
		EntryPoint string
		Imports    []struct{ Path, Kind string }
	}
}

func buildPage(t tree, s *stamps, b *built) (page, error) {
	var p page
	shown := slices.Clone(b.manifest.Examples)
	for i := range shown {
		shown[i].Shows = nil // only pages use it
	}
	gallery, err := json.Marshal(shown)
	if err != nil {
		return p, err
	}
	inputs, err := sources(t, "page", b.wasm, b.verify, b.grade, b.run, b.listing, b.worker, string(gallery), fmt.Sprint(t.fake))
	if err != nil {
		return p, err
	}
	st, err := s.stage("page", inputs, func() (map[string][]byte, map[string]string, error) {
		files, style, font, err := buildStyle(t)
		if err != nil {
			return nil, nil, err
		}
		o := options(t, map[string]string{
			"SKEP_FAKE":    fmt.Sprint(t.fake),
			"SKEP_WASM":    quote(b.wasm),
			"SKEP_WORKER":  quote(b.worker),
			"SKEP_VERIFY":  quote(b.verify),
			"SKEP_GRADE":   quote(b.grade),
			"SKEP_RUN":     quote(b.run),
			"SKEP_LISTING": quote(b.listing),
			"SKEP_GALLERY": string(gallery),
		})
		o.Splitting = true
		o.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "src/app.ts", OutputPath: "app"}, {InputPath: "src/lab/main.ts", OutputPath: "lab"}}
		r, err := bundle(o)
		if err != nil {
			return nil, nil, err
		}
		js, err := collect(t, r)
		if err != nil {
			return nil, nil, err
		}
		var m metafile
		if err := json.Unmarshal([]byte(r.Metafile), &m); err != nil {
			return nil, nil, err
		}
		made := page{Style: style, Font: font}
		for name, o := range m.Outputs {
			switch o.EntryPoint {
			case "src/app.ts":
				made.App = strings.TrimPrefix(name, "dist/")
			case "src/lab/main.ts":
				made.Lab = strings.TrimPrefix(name, "dist/")
			}
		}
		made.Preload = m.imports("dist/" + made.App)
		made.LabPreload = m.imports("dist/" + made.Lab)
		for name, body := range js {
			files[name] = body
			if name != made.App && !slices.Contains(made.Preload, name) {
				made.Lazy = append(made.Lazy, name)
			}
		}
		slices.Sort(made.Lazy)
		names, err := os.ReadDir(filepath.Join(t.web, "static"))
		if err != nil {
			return nil, nil, err
		}
		for _, f := range names {
			body, err := os.ReadFile(filepath.Join(t.web, "static", f.Name()))
			if err != nil {
				return nil, nil, err
			}
			files[f.Name()] = body
			made.Plain = append(made.Plain, f.Name())
		}
		note, err := json.Marshal(&made)
		return files, map[string]string{"page": string(note)}, err
	})
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal([]byte(st.Notes["page"]), &p)
}

// imports lists the chunks that an output loads before it runs, and theirs.
func (m *metafile) imports(output string) []string {
	var all []string
	var walk func(string)
	walk = func(name string) {
		for _, i := range m.Outputs[name].Imports {
			short := strings.TrimPrefix(i.Path, "dist/")
			if i.Kind == "import-statement" && !slices.Contains(all, short) {
				all = append(all, short)
				walk(i.Path)
			}
		}
	}
	walk(output)
	slices.Sort(all)
	return all
}

// buildStyle bundles the style of all pages with the fonts it names.
func buildStyle(t tree) (files map[string][]byte, style, font string, err error) {
	o := options(t, nil)
	o.Loader = map[string]api.Loader{".woff2": api.LoaderFile}
	o.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "src/styles/page.css", OutputPath: "page"}}
	r, err := bundle(o)
	if err != nil {
		return nil, "", "", err
	}
	if files, err = collect(t, r); err != nil {
		return nil, "", "", err
	}
	for name := range files {
		switch {
		case filepath.Ext(name) == ".css":
			style = name
		case strings.HasPrefix(name, "mono-400"):
			font = name
		}
	}
	return files, style, font, nil
}

// buildServiceWorker bundles sw.js with the list of files that it keeps for
// offline use.
func buildServiceWorker(t tree, s *stamps, b *built, p page) error {
	keep := append(slices.Clone(b.manifest.First), b.manifest.Later...)
	for _, f := range s.files() {
		base := filepath.Base(f)
		if filepath.Ext(f) == ".woff2" || strings.HasPrefix(f, "gallery/") || slices.Contains(p.Plain, base) {
			keep = append(keep, f)
		}
	}
	slices.Sort(keep)
	keep = slices.DeleteFunc(slices.Compact(keep), func(f string) bool { return f == "" })
	list, err := json.Marshal(keep)
	if err != nil {
		return err
	}
	// Pages carry hashed names and change when these do.
	version := short(list)
	inputs, err := sources(t, "service worker", string(list))
	if err != nil {
		return err
	}
	_, err = s.stage("service worker", inputs, func() (map[string][]byte, map[string]string, error) {
		o := options(t, map[string]string{"SKEP_KEEP": string(list), "SKEP_VERSION": quote(version)})
		o.EntryNames = "[name]" // its address must not change
		o.Format = api.FormatIIFE
		o.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "src/offline/sw.ts", OutputPath: "sw"}}
		r, err := bundle(o)
		if err != nil {
			return nil, nil, err
		}
		files, err := collect(t, r)
		return files, nil, err
	})
	return err
}

func quote(s string) string {
	b, _ := json.Marshal(s) // strings always marshal
	return string(b)
}

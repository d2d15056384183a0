package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"skep/web"
)

// clang and how it is called for gallery programs, which are our own; what
// students write goes through the jail of server/compile instead.
var (
	clangs     = []string{"clang-19", "clang-18", "clang-17", "clang-16", "clang"}
	clangFlags = []string{"-target", "bpf", "-mcpu=v3", "-g", "-O2", "-Wall", "-D__TARGET_ARCH_x86", "-D__x86_64__",
		"-idirafter", "/usr/include/x86_64-linux-gnu", "-fdebug-compilation-dir=."}
)

// buildGallery compiles each folder of web/gallery and returns the examples in
// their order.
func buildGallery(t tree, s *stamps) ([]web.Example, error) {
	folders, err := filepath.Glob(filepath.Join(t.web, "gallery", "*", "example.json"))
	if err != nil {
		return nil, err
	}
	clang := ""
	for _, name := range clangs {
		if _, err := exec.LookPath(name); err == nil {
			clang = name
			break
		}
	}
	var all []web.Example
	for _, file := range folders {
		dir := filepath.Dir(file)
		id := filepath.Base(dir)
		h := newHash("gallery", clang)
		h.add(dir, nil)
		if h.err != nil {
			return nil, h.err
		}
		st, err := s.stage("gallery "+id, h.done(), func() (map[string][]byte, map[string]string, error) {
			return compileExample(dir, id, clang)
		})
		if err != nil {
			return nil, err
		}
		var e web.Example
		if err := json.Unmarshal([]byte(st.Notes["example"]), &e); err != nil {
			return nil, fmt.Errorf("gallery %s: %w", id, err)
		}
		for _, f := range st.Files {
			if filepath.Ext(f) == ".o" {
				e.Object = f
			} else {
				e.Source = f
			}
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b web.Example) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

func compileExample(dir, id, clang string) (map[string][]byte, map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "example.json"))
	if err != nil {
		return nil, nil, err
	}
	var e web.Example
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, nil, fmt.Errorf("example.json: %w", err)
	}
	if e.ID = id; e.Title == "" || e.About == "" || (len(e.Input) == 0) == (len(e.Events) == 0) {
		return nil, nil, fmt.Errorf("example.json: title, about and either input or events are needed")
	}
	files := map[string][]byte{}
	if src, err := os.ReadFile(filepath.Join(dir, "prog.s")); err == nil {
		e.Lang = "asm"
		files["gallery/"+id+"-*.s"] = src
	} else {
		e.Lang = "c"
		if src, err = os.ReadFile(filepath.Join(dir, "prog.bpf.c")); err != nil {
			return nil, nil, fmt.Errorf("neither prog.s nor prog.bpf.c: %w", err)
		}
		if clang == "" {
			return nil, nil, fmt.Errorf("no clang found (tried %v): install clang-19, or run make setup", clangs)
		}
		tmp, err := os.MkdirTemp("", "skep-gallery")
		if err != nil {
			return nil, nil, err
		}
		defer os.RemoveAll(tmp)
		object := filepath.Join(tmp, "prog.o")
		cmd := exec.Command(clang, append(slices.Clone(clangFlags), "-o", object, "-c", "prog.bpf.c")...)
		cmd.Dir = dir // so that no path of this machine gets into debug information
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, nil, fmt.Errorf("%s: %w\n%s", clang, err, out)
		}
		body, err := os.ReadFile(object)
		if err != nil {
			return nil, nil, err
		}
		files["gallery/"+id+"-*.c"] = src
		files["gallery/"+id+"-*.o"] = body
	}
	note, err := json.Marshal(&e)
	return files, map[string]string{"example": string(note)}, err
}

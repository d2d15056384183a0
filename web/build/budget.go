package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"skep/web"
)

// Budgets in bytes as sent with brotli (design.md, "Time, size and speed").
const (
	firstBudget   = 1_200_000
	engineBudget  = 800_000
	verifyBudget  = 800_000   // the verifier's module, which comes later
	gradeBudget   = 1_100_000 // the grader's module, of lab pages only
	listingBudget = 1_100_000 // the compilers with disassemblers and a verifier, when machine code is looked at
	runBudget     = 950_000   // the engine with its compiler, at the first run at full speed
	pageBudget    = 150_000   // our own: scripts, style and font before the editor
)

// modules are the WebAssembly modules beside the engine, by what their file
// names begin with.
var modules = []struct {
	name, what string
	budget     int
}{
	{"verify", "later, the verifier", verifyBudget},
	{"run", "at full speed, the engine with its compiler", runBudget},
	{"listing", "to show machine code, the compilers", listingBudget},
	{"grade", "on lab pages, the grader", gradeBudget},
}

// checkBudget measures what is fetched before a program can be stepped, and the
// modules that come later.
func checkBudget(t tree) error {
	m, err := web.ReadManifest(os.DirFS(t.dist))
	if err != nil {
		return err
	}
	var first, engine int
	for _, name := range m.First {
		n, err := sent(filepath.Join(t.dist, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("budget: %w", err)
		}
		first += n
		if strings.HasSuffix(name, ".wasm") {
			engine = n
		}
		fmt.Printf("%9d  %s\n", n, name)
	}
	over := false
	check := func(what string, n, budget int) {
		word := "within"
		if n > budget {
			word, over = "OVER", true
		}
		fmt.Printf("%9d  %s, %s the budget of %d\n", n, what, word, budget)
	}
	check("first load", first, firstBudget)
	check("of it the engine", engine, engineBudget)
	check("of it the page", first-engine, pageBudget)
	for _, b := range modules {
		for _, name := range append([]string{m.Grade, m.Run, m.Listing}, m.Later...) {
			if !strings.HasPrefix(name, b.name+"-") || !strings.HasSuffix(name, ".wasm") {
				continue
			}
			n, err := sent(filepath.Join(t.dist, filepath.FromSlash(name)))
			if err != nil {
				return fmt.Errorf("budget: %w", err)
			}
			check(b.what, n, b.budget)
		}
	}
	if over {
		return fmt.Errorf("over a byte budget: find what grew, do not raise the budget")
	}
	return nil
}

// sent is how many bytes a browser receives for a file.
func sent(full string) (int, error) {
	info, err := os.Stat(full + ".br")
	if err != nil {
		info, err = os.Stat(full)
	}
	if err != nil {
		return 0, err
	}
	return int(info.Size()), nil
}

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
	firstBudget  = 1_200_000
	engineBudget = 800_000
	verifyBudget = 800_000   // the verifier's module, which comes later
	gradeBudget  = 1_100_000 // the grader's module, of lab pages only
	pageBudget   = 150_000   // our own: scripts, style and font before the editor
)

// checkBudget measures what is fetched before a program can be stepped.
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
	verify := 0
	for _, name := range m.Later {
		if strings.HasSuffix(name, ".wasm") {
			if verify, err = sent(filepath.Join(t.dist, filepath.FromSlash(name))); err != nil {
				return fmt.Errorf("budget: %w", err)
			}
		}
	}
	grade := 0
	if m.Grade != "" {
		if grade, err = sent(filepath.Join(t.dist, filepath.FromSlash(m.Grade))); err != nil {
			return fmt.Errorf("budget: %w", err)
		}
	}
	over := false
	for _, b := range []struct {
		what      string
		n, budget int
	}{{"first load", first, firstBudget}, {"of it the engine", engine, engineBudget}, {"of it the page", first - engine, pageBudget},
		{"later, the verifier", verify, verifyBudget}, {"on lab pages, the grader", grade, gradeBudget}} {
		word := "within"
		if b.n > b.budget {
			word, over = "OVER", true
		}
		fmt.Printf("%9d  %s, %s the budget of %d\n", b.n, b.what, word, b.budget)
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

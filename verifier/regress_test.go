package verifier

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// regression is a file of testdata/regress: a program on which a verifier of
// ours and the kernel once differed, and what the kernel says. Differences
// that campaigns find are written so; programs that stem from the kernel's own
// tests stay out of the repository.
type regression struct {
	Note   string          `json:"note,omitempty"` // what was wrong
	Record json.RawMessage `json:"record"`         // in the batch format
	Kernel verdict         `json:"kernel"`
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// saveRegression writes what the kernel says of r to a file in dir.
func saveRegression(dir string, r *record) error {
	rec, err := json.Marshal(r.batch())
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(regression{Record: rec, Kernel: r.Kernel}, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, notInNames.ReplaceAllString(r.ID, "_")+".json"), append(b, '\n'), 0o644)
}

func TestRegress(t *testing.T) {
	files, err := filepath.Glob("testdata/regress/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no regressions: %v", err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var g regression
			r := new(record)
			if err := json.Unmarshal(b, &g); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(g.Record, r); err != nil {
				t.Fatal(err)
			}
			r.Kernel = g.Kernel
			c := new(corpus)
			p, err := c.program(r)
			if err != nil {
				t.Fatal(err)
			}
			o := judgeSafe(t, c, r, p)
			if o.res != nil && o.res.Verdict == NotModelled && kernelBTF() == nil {
				t.Skip("needs the BTF of a kernel: make setup installs it")
			}
			if !o.verdict || !o.counters || !o.log {
				report(t, o)
				t.Error("differs from the kernel")
			}
		})
	}
}

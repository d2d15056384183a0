package grading_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"skep/labs"
	"skep/server/course"
	"skep/server/grading"
	"skep/wasm/protocol"
	"skep/web"
)

// simulator is the module that the page has, compiled once for all tests.
var simulator = sync.OnceValues(func() (*grading.Simulator, error) {
	m, err := web.ReadManifest(web.Assets())
	if err != nil {
		return nil, err
	}
	module, err := fs.ReadFile(web.Assets(), m.Grade)
	if err != nil {
		return nil, err
	}
	return grading.NewSimulator(context.Background(), module)
})

func start(t *testing.T) *grading.Simulator {
	t.Helper()
	s, err := simulator()
	if err != nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err) // not built, or of another build: run make web
	}
	return s
}

func question(ex *labs.Exercise, text string) *protocol.Grade {
	return &protocol.Grade{
		Source: protocol.WireSource{Kind: protocol.SourceKindAsm, Text: text}, Setup: ex.Setup, Trace: ex.Trace, Grade: ex.GradeText, Seed: 1,
	}
}

// The module grades as labs/trial does in this process: every program in
// assembly of every lab.
func TestSimulatorAgrees(t *testing.T) {
	s := start(t)
	all, err := course.Read(labs.Content())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, l := range all {
		for _, try := range grading.Tries(l, 1) {
			if try.Source.Lang != "asm" {
				continue
			}
			q := question(try.Exercise, try.Source.Text)
			switch l.Verifier.Privilege {
			case "cap_bpf":
				q.Privilege = protocol.PrivilegeCapBpf
			case "unprivileged":
				q.Privilege = protocol.PrivilegeUnprivileged
			}
			got, err := s.Grade(t.Context(), "", q, nil)
			if err != nil {
				t.Fatalf("%s/%s: %v", l.ID, try.String(), err)
			}
			if n++; try.Kind == grading.Solution != got.Passed {
				t.Errorf("%s/%s: passed is %v, %d of %d points", l.ID, try.String(), got.Passed, got.Points, got.Total)
			}
		}
	}
	t.Logf("%d programs", n)
}

// Hostile submissions get a clear answer in bounded time, and the next one is
// graded as if nothing had been.
func TestSimulatorHostile(t *testing.T) {
	s := start(t)
	all, err := course.Read(labs.Content())
	if err != nil {
		t.Fatal(err)
	}
	ex := all[0].Exercises[0]
	good := ""
	for _, sol := range ex.Solutions {
		good = sol.Text
	}
	const head = ".prog syscall\n.license GPL\n"
	for _, c := range []struct {
		name, text string
		err        error // nil: a report that has not passed
	}{
		{"empty", "", nil},
		{"endless", head + "l:\n goto l\n", nil},
		{"a million instructions", head + "r0 = 0\nl:\n r0 += 1\n if r0 < 900000 goto l\n exit\n", nil},
		{"many states", head + "r0 = 0\n r6 = r1\n" + strings.Repeat(" r2 = *(u32 *)(r6 + 0)\n if r2 > 7 goto +1\n r0 += 1\n", 4000) + " exit\n", nil},
		{"huge", strings.Repeat("r0 = 0\n", 1<<18), grading.ErrSize},
		{"large and invalid", head + strings.Repeat("r0 = 0\n", 1<<16), nil},
		{"garbage", strings.Repeat("\x00\xff\x1b", 1000), nil},
		{"deep stack", head + strings.Repeat("call f\n", 200) + "exit\nf:\n call f\n exit\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := time.Now()
			g, err := s.Grade(t.Context(), "", question(ex, c.text), nil)
			t.Logf("%.1f s", time.Since(from).Seconds())
			switch {
			case !errors.Is(err, c.err) && !errors.Is(err, grading.ErrTime):
				t.Errorf("error %v, want %v", err, c.err)
			case err == nil && g.Passed:
				t.Error("passed")
			case err == nil && g.Message == "" && len(g.Problems) == 0 && len(g.Findings) == 0:
				t.Error("nothing is said")
			}
			if g, err := s.Grade(t.Context(), "", question(ex, good), nil); err != nil || !g.Passed {
				t.Errorf("the next submission: %+v, %v", g, err)
			}
		})
	}
	t.Run("object", func(t *testing.T) {
		q := question(ex, "")
		q.Source = protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: []byte("\x7fELF" + strings.Repeat("\xff", 5000))}
		if g, err := s.Grade(t.Context(), "", q, nil); err != nil || g.Passed || len(g.Problems) == 0 {
			t.Errorf("%+v, %v", g, err)
		}
	})
	t.Run("gone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Grade(ctx, "", question(ex, good), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

// 200 submissions at once are all graded.
func TestSimulatorMany(t *testing.T) {
	s := start(t)
	all, err := course.Read(labs.Content())
	if err != nil {
		t.Fatal(err)
	}
	ex := all[0].Exercises[0]
	from := time.Now()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			text := ex.Solutions[0].Text
			if i%2 == 1 {
				text = ex.Starters[0].Text
			}
			g, err := s.Grade(t.Context(), "", question(ex, text), nil)
			if err != nil || g.Passed != (i%2 == 0) {
				t.Errorf("submission %d: %+v, %v", i, g, err)
			}
		})
	}
	wg.Wait()
	t.Logf("200 in %.1f s", time.Since(from).Seconds())
}

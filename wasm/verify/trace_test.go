package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"skep/verifier"
	"skep/verifier/trace"
	"skep/wasm/protocol"
	"skep/wasm/verdict"
)

// expected is what the Go reader says of a trace.
type expected struct {
	Name  string
	Log   string
	Steps []expectedStep
}

type expectedStep struct {
	Insn   int
	Path   int
	Before string // all frames, in the log's words, without marks
	After  string
}

// without marks: the page does not show them.
func frames(tr *trace.Trace, p *verifier.Printer, s *trace.State) string {
	if s == nil {
		return ""
	}
	c := &trace.State{Held: s.Held}
	for _, f := range s.Frames {
		g := *f
		g.Slots = append([]trace.Slot(nil), f.Slots...)
		for i := range g.Regs {
			g.Regs[i].Live = 0
		}
		for i := range g.Slots {
			g.Slots[i].Reg.Live = 0
		}
		c.Frames = append(c.Frames, &g)
	}
	var b []byte
	for i := range c.Frames {
		b = c.AppendFrame(b, p, i)
	}
	return string(b)
}

// writeTraces writes traces of the programs of package verdict with what the
// Go reader says of them.
func writeTraces(t testing.TB, dir string) {
	t.Helper()
	files, err := filepath.Glob("../verdict/testdata/*.[os]")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d programs (%v), at least 10 expected", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		src := protocol.WireSource{Text: string(b)}
		if strings.HasSuffix(file, ".o") {
			src = protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b, Name: "prog.bpf.o"}
		}
		for _, who := range []verifier.Privilege{verifier.Root, verifier.Unprivileged} {
			l, problems := verdict.Load(src, 0, verdict.Options{Privilege: who})
			if l == nil {
				t.Fatalf("%s: %v", file, problems)
			}
			cfg := verifier.Config{Privilege: who, LogLevel: verifier.LogLevel2}
			rec := trace.NewRecorder(l.Program, 0)
			cfg.Tracer = rec
			res, err := verifier.Verify(l.Program, cfg)
			if err != nil {
				t.Fatal(err)
			}
			raw := rec.Bytes(trace.Describe(l.Name, l.Program, &cfg, l.TraceLines()), res, func(h, id uint32) string {
				return verifier.TypeName(l.Program, nil, h, id)
			})
			tr, err := trace.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			if tr.Steps() > 20_000 || tr.Steps() == 0 {
				continue
			}
			e := expected{Name: filepath.Base(file), Log: string(res.Log)}
			p := tr.Printer()
			for i := range tr.Steps() {
				e.Steps = append(e.Steps, expectedStep{tr.Insn(i), tr.PathOf(i), frames(tr, p, tr.Before(i)), frames(tr, p, tr.After(i))})
			}
			base := filepath.Join(dir, filepath.Base(file)+"."+strconv.Itoa(int(who)))
			text, err := json.Marshal(e)
			if err == nil {
				err = os.WriteFile(base+".json", text, 0o600)
			}
			if err == nil {
				err = os.WriteFile(base+".trace", raw, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestTraceReader runs the page's reader in node over traces of which the Go
// reader has said what is in them, over broken ones, and its client against
// the module.
func TestTraceReader(t *testing.T) {
	dir := t.TempDir()
	writeTraces(t, dir)
	if n := writeRuns(t, dir); n < 20 {
		t.Fatalf("%d runs of random programs", n)
	}
	text := node(t, []string{"SKEP_TRACES=" + dir}, "trace/trace.test", "--test")
	if testing.Verbose() {
		t.Log(text)
	}
}

// BenchmarkTrace measures in V8: from a changed text of 200 instructions to
// its trace, going to a step of 100,000 (budget: 50 ms), and a walk of
// 1,000,001 instructions: memory of the module with the trace in it, and the
// size of the trace, which the page holds (budget: 128 MiB in sum).
func BenchmarkTrace(b *testing.B) {
	out := node(b, []string{"SKEP_TEXT=" + typed("r1 = r8")}, "trace/speed.test")
	var m struct {
		Typed, Seek, Worst, Origins, Million, WasmMiB, TraceMiB float64
		Steps, Dropped                                          int
		Message                                                 string
	}
	if err := json.Unmarshal([]byte(out), &m); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if m.Steps != 1_000_001 {
		b.Fatalf("%d steps: %s", m.Steps, m.Message)
	}
	if sum := m.WasmMiB + m.TraceMiB; sum > 128 {
		b.Errorf("a walk of 1,000,001 instructions takes %.1f MiB in the page, 128 at most", sum)
	}
	b.ReportMetric(m.Typed, "ms-typed")
	b.ReportMetric(m.Seek, "ms-seek")
	b.ReportMetric(m.Worst, "ms-seek-worst")
	b.ReportMetric(m.Origins, "ms-origins")
	b.ReportMetric(m.Million, "s-million")
	b.ReportMetric(m.WasmMiB, "MiB-module")
	b.ReportMetric(m.TraceMiB, "MiB-trace")
	b.ReportMetric(float64(m.Dropped), "dropped")
	b.ReportMetric(0, "ns/op")
}

package verifier_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"skep/verifier"
	"skep/verifier/trace"
)

// record verifies with a recorder and reads the trace again.
func record(t testing.TB, p *verifier.Program, cfg verifier.Config) (*verifier.Result, *trace.Trace, int) {
	t.Helper()
	rec := trace.NewRecorder(p, 0)
	cfg.Tracer = rec
	res, err := verifier.Verify(p, cfg)
	if err != nil {
		t.Fatal(err)
	}
	b := rec.Bytes(trace.Describe("prog", p, &cfg, nil), res, func(h, id uint32) string { return verifier.TypeName(p, cfg.KernelBTF, h, id) })
	tr, err := trace.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return res, tr, len(b)
}

var (
	insnLine  = regexp.MustCompile(`^(\d+): \([0-9a-f]{2}\) |^(\d+): BUG_`)
	stateLine = regexp.MustCompile(`^\d+: ?( frame\d+:)?( R\d+\S*=| fp-\d+\S*=|$)`)
	fromLine  = regexp.MustCompile(`^from \d+ to \d+( \(speculative execution\))?:( .*)`)
	item      = regexp.MustCompile(` (R\d+|fp-\d+|refs|cb$|cb |async_cb|frame\d+:)`)
)

// items cuts a state of the log into its places.
func items(s string) []string {
	var out []string
	at := item.FindAllStringIndex(s, -1)
	for i, m := range at {
		end := len(s)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		out = append(out, strings.TrimSpace(s[m[0]:end]))
	}
	return out
}

// holds reports whether each place that a line shows is so in the state.
func holds(tr *trace.Trace, pr *verifier.Printer, s *trace.State, shown string) (string, bool) {
	all := map[string]bool{}
	for _, it := range items(strings.TrimSuffix(string(s.AppendFrame(nil, pr, len(s.Frames)-1)), "\n")) {
		all[it] = true
	}
	for _, it := range items(shown) {
		if !all[it] {
			return it, false
		}
	}
	return "", true
}

// TestTraceCorpus: over the kernel's own programs each state that the kernel
// printed is that of the trace at the step, and the tree's counts are its
// counters.
func TestTraceCorpus(t *testing.T) {
	programs, lines, steps, bytes := 0, 0, 0, 0
	bad := 0
	verifier.EachCorpus(t, func(p *verifier.TraceProgram) {
		res, tr, size := record(t, p.Program, p.Config)
		if res.Verdict == verifier.NotModelled {
			return
		}
		programs++
		steps += tr.Steps()
		bytes += size
		if err := tr.Check(); err != nil {
			t.Errorf("%s: %v", p.ID, err)
			return
		}
		if tr.Steps() != res.InsnProcessed || len(tr.Checkpoints) != res.TotalStates {
			t.Errorf("%s: %d steps and %d checkpoints, the verifier counts %d and %d", p.ID, tr.Steps(), len(tr.Checkpoints), res.InsnProcessed, res.TotalStates)
		}
		n, wrong := compareLog(tr, p.Log)
		lines += n
		if wrong != "" {
			if bad++; bad <= 10 {
				t.Errorf("%s: %s", p.ID, wrong)
			}
		}
	})
	if bytes > 64*steps {
		t.Errorf("%d bytes for %d steps, 64 each at most", bytes, steps)
	}
	t.Logf("%d programs, %d states of the kernel's logs, %d steps, %.1f bytes a step, %d programs differ", programs, lines, steps, float64(bytes)/float64(steps), bad)
}

// compareLog compares the states that a log of level 2 shows with the trace's,
// up to where the log was cut. It returns how many it compared and the first
// that differs.
func compareLog(tr *trace.Trace, log string) (n int, wrong string) {
	if head, _, cut := strings.Cut(log, "\n...CUT...\n"); cut {
		log = head[:strings.LastIndexByte(head, '\n')+1]
	}
	pr := tr.Printer()
	step := -1
	arrived := false // the next step is arrived at: a "from" line was printed
	for _, line := range strings.Split(log, "\n") {
		if tr.Steps() == 0 {
			return n, ""
		}
		shown, ok := "", false
		switch m := fromLine.FindStringSubmatch(line); {
		case strings.HasSuffix(line, ": safe"):
			step++
			arrived = false
			if s := tr.Step(step); s == nil || s.Kind != trace.StepKindPruned {
				return n, line + ": not pruned in the trace"
			}
			continue
		case m != nil:
			arrived = true
			shown = m[2]
		case insnLine.MatchString(line):
			step++
			arrived = false
			pc, _ := strconv.Atoi(line[:strings.IndexByte(line, ':')])
			if got := tr.Insn(step); got != pc {
				return n, line + ": the trace is at " + strconv.Itoa(got)
			}
			_, shown, ok = strings.Cut(line, " ;")
			if !ok {
				continue
			}
		case stateLine.MatchString(line):
			_, shown, _ = strings.Cut(line, ":")
			if step+1 < tr.Steps() && !arrived && strings.HasPrefix(line, strconv.Itoa(tr.Insn(step+1))+":") && tr.PathOf(step+1) != tr.PathOf(max(step, 0)) {
				arrived = true
			}
		default:
			continue
		}
		n++
		var states []*trace.State
		if arrived {
			states = append(states, tr.Before(step+1))
		} else {
			// A checkpoint that is made before the next instruction takes the
			// marks away before the line is printed, or behind it.
			if step >= 0 {
				states = append(states, tr.After(step))
			}
			if step+1 < tr.Steps() {
				states = append(states, tr.Before(step+1))
			}
		}
		miss := ""
		found := false
		for _, s := range states {
			if s == nil {
				continue
			}
			if miss, found = holds(tr, pr, s, shown); found {
				break
			}
		}
		if !found {
			return n, "step " + strconv.Itoa(step) + ": " + line + "\n   not in the trace: " + miss + "\n   which has " + string(states[len(states)-1].AppendFrame(nil, pr, len(states[len(states)-1].Frames)-1))
		}
	}
	return n, ""
}

package verifier_test

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"testing"

	"skep/verifier"
)

var numbers = regexp.MustCompile(`-?\b(0x[0-9a-f]+|\d+)\b`)

// TestTraceChecks: nearly each program of the corpus that is refused on its
// way ends with a check that failed, which says what was needed.
func TestTraceChecks(t *testing.T) {
	refused, said := 0, 0
	silent := map[string]int{}
	verifier.EachCorpus(t, func(p *verifier.TraceProgram) {
		res, tr, _ := record(t, p.Program, p.Config)
		if res.Verdict != verifier.Rejected || tr.Steps() == 0 {
			return
		}
		refused++
		last := tr.Step(tr.Steps() - 1)
		for i := range last.Checks {
			if last.Checks[i].Failed {
				said++
				return
			}
		}
		silent[numbers.ReplaceAllString(res.Message, "N")]++
	})
	t.Logf("%d of %d refused programs say what was needed", said, refused)
	// Those that are left are refused behind the walk, at none of its steps.
	if said*100 < refused*98 {
		for _, m := range slices.SortedFunc(maps.Keys(silent), func(a, b string) int { return cmp.Or(silent[b]-silent[a], cmp.Compare(a, b)) }) {
			t.Errorf("%d programs: nothing failed, and the kernel says %q", silent[m], m)
		}
	}
}

package verifier

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	only     = flag.String("only", "", "TestCorpus: only programs whose id contains this, with the first difference of their logs")
	showBad  = flag.String("bad", "", "TestCorpus: list programs of this row (\"core\", \"core unpriv\") that differ, or \"all\"")
	showLogs = flag.Bool("logs", false, "TestCorpus: with -only, print our whole log")
)

var masks = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`verification time \d+ usec`), "verification time 0 usec"},
	{regexp.MustCompile(`0xff[0-9a-f]{14}\b`), "ADDR"},
	{regexp.MustCompile(`(call [A-Za-z0-9_]+)#\d{4,}`), "$1#N"},
	{regexp.MustCompile(`btf_id \d+`), "btf_id N"},
}

var addrLine = regexp.MustCompile(`(?m)^(\d+: \(18\) r\d+ = )(?:0x[0-9a-f]+|ADDR) *(;|$)`)

// masked is a log without what says nothing about the program.
func masked(s string) string {
	for _, m := range masks {
		s = m.re.ReplaceAllString(s, m.with)
	}
	return addrLine.ReplaceAllString(s, "${1}ADDR $2")
}

// sameLog compares with a kernel's log that may have been cut in its middle.
func sameLog(kernel, ours string) bool {
	if head, tail, ok := strings.Cut(kernel, "\n...CUT...\n"); ok {
		head = head[:strings.LastIndexByte(head, '\n')+1]
		tail = tail[strings.IndexByte(tail, '\n')+1:]
		o := masked(ours)
		if !strings.HasSuffix(tail, "\n") {
			// The recorder's buffer was too small for the end.
			return strings.HasPrefix(o, masked(head)) && strings.Contains(o, masked(tail[:strings.LastIndexByte(tail, '\n')+1]))
		}
		return strings.HasPrefix(o, masked(head)) && strings.HasSuffix(o, masked(tail))
	}
	return masked(kernel) == masked(ours)
}

var statLine = regexp.MustCompile(`^(verification time|stack depth|processed \d|$)`)

// lastError is the last line before the statistics.
func lastError(log string) string {
	lines := strings.Split(log, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if !statLine.MatchString(lines[i]) {
			return lines[i]
		}
	}
	return ""
}

// row is a line of the table.
type row struct {
	n, decided, verdict, falseAccept, falseReject int
	rejected, lastLine                            int
	counters, log                                 int
	missing                                       map[string]int
}

type outcomeOf struct {
	rec      *record
	res      *Result
	err      error
	verdict  bool
	lastLine bool
	counters bool
	log      bool
	took     time.Duration
}

func judge(c *corpus, r *record, p *Program) *outcomeOf {
	cfg := Config{LogLevel: r.LogLevel, LogMax: 256 << 20}
	cfg.KernelBTF = kernelBTF()
	if !r.privileged() {
		cfg.Privilege = Unprivileged
	}
	start := time.Now()
	res, err := Verify(p, cfg)
	o := &outcomeOf{rec: r, res: res, err: err, took: time.Since(start)}
	if err != nil || res.Verdict == NotModelled {
		return o
	}
	k := r.Kernel
	o.verdict = (res.Verdict == Accepted) == k.OK && (k.OK || int(res.Errno) == k.Errno)
	o.lastLine = !strings.HasSuffix(k.Log, "\n") && k.Log != "" || masked(lastError(k.Log)) == masked(lastError(string(res.Log)))
	o.counters = res.InsnProcessed == k.InsnsProcessed && res.MaxStatesPerInsn == k.MaxStatesPerInsn &&
		res.TotalStates == k.TotalStates && res.PeakStates == k.PeakStates && res.MarkRead == k.MarkRead
	o.log = o.verdict && sameLog(k.Log, string(res.Log))
	return o
}

func firstDiff(a, b string) string {
	x, y := strings.Split(masked(a), "\n"), strings.Split(masked(b), "\n")
	for i := 0; i < len(x) || i < len(y); i++ {
		g, w := "<end>", "<end>"
		if i < len(x) {
			w = x[i]
		}
		if i < len(y) {
			g = y[i]
		}
		if g != w {
			var ctx []string
			for j := max(0, i-4); j < i; j++ {
				ctx = append(ctx, "      "+x[j])
			}
			return fmt.Sprintf("line %d\n%s\n  kernel %s\n  ours   %s", i+1, strings.Join(ctx, "\n"), w, g)
		}
	}
	return "no difference"
}

// TestCorpus verifies the kernel's own test programs and compares verdict,
// errno, last line, counters and log with what Linux 6.12 said.
func TestCorpus(t *testing.T) {
	c := loadCorpus(t)
	var mu sync.Mutex
	rows := map[string]*row{}
	var all []*outcomeOf
	work := make(chan *record)
	var wg sync.WaitGroup
	for range min(2, runtime.NumCPU()) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for r := range work {
				p, err := c.program(r)
				if err != nil {
					t.Errorf("%s: %v", r.ID, err)
					continue
				}
				o := judgeSafe(t, c, r, p)
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
			}
		}()
	}
	for _, r := range c.records {
		if *only == "" || strings.Contains(r.ID, *only) {
			work <- r
		}
	}
	close(work)
	wg.Wait()
	slices.SortFunc(all, func(a, b *outcomeOf) int { return strings.Compare(a.rec.ID, b.rec.ID) })
	for _, o := range all {
		key := o.rec.Level
		if !o.rec.privileged() {
			key += " unpriv"
		}
		rw := rows[key]
		if rw == nil {
			rw = &row{missing: map[string]int{}}
			rows[key] = rw
		}
		rw.add(o)
		if *only != "" {
			report(t, o)
		} else if *showBad != "" && (*showBad == key || *showBad == "all") && o.res != nil && o.res.Verdict != NotModelled && !o.log {
			t.Logf("%s  verdict=%v last=%v counters=%v\n%s", o.rec.ID, o.verdict, o.lastLine, o.counters, firstDiff(o.rec.Kernel.Log, string(o.res.Log)))
		} else if o.res != nil && o.res.Verdict == Accepted && !o.rec.Kernel.OK {
			t.Logf("FALSE ACCEPT %s: kernel errno %d %q", o.rec.ID, o.rec.Kernel.Errno, lastError(o.rec.Kernel.Log))
		}
	}
	if *only != "" {
		return
	}
	t.Log("\n" + table(rows))
	known := knownDifferences(t)
	for _, o := range all {
		if o.res == nil || o.res.Verdict == NotModelled {
			continue
		}
		if !o.verdict && !known[o.rec.ID] {
			t.Errorf("%s: %v errno %d, kernel: ok=%v errno %d", o.rec.ID, o.res.Verdict, int(o.res.Errno), o.rec.Kernel.OK, o.rec.Kernel.Errno)
		}
		if o.res.Verdict == Accepted && !o.rec.Kernel.OK {
			t.Errorf("%s: false accept", o.rec.ID)
		}
	}
	for i := range floors {
		r := rows[floors[i].row]
		if r == nil {
			t.Errorf("no programs of %s", floors[i].row)
			continue
		}
		floors[i].check(t, r)
	}
	for i := range goals {
		g := &goals[i]
		sum := &row{missing: map[string]int{}}
		for _, o := range all {
			if g.covers(o.rec) && !known[o.rec.ID] {
				sum.add(o)
			}
		}
		t.Logf("%-24s %s", g.row, strings.TrimSpace(strings.Join(strings.Split(table(map[string]*row{"core": sum}), "\n")[1:], "")[4:]))
		g.check(t, sum)
	}
}

// floor is what percentages a row of the table must not fall below.
type floor struct {
	row                                       string
	decided, verdict, lastLine, counters, log float64
}

func (f *floor) check(t *testing.T, r *row) {
	t.Helper()
	if kernelBTF() == nil && strings.HasPrefix(f.row, "advanced") {
		return // the few that are left are no measure
	}
	check := func(what string, got, of int, want float64) {
		if of > 0 && 100*float64(got)/float64(of) < want {
			t.Errorf("%s: %s %d of %d is below %.1f%%", f.row, what, got, of, want)
		}
	}
	if kernelBTF() != nil {
		check("decided", r.decided, r.n, f.decided)
	}
	check("verdict", r.verdict, r.decided, f.verdict)
	check("last line", r.lastLine, r.rejected, f.lastLine)
	check("counters", r.counters, r.decided, f.counters)
	check("log", r.log, r.decided, f.log)
}

// goals are the percentages that the verifier was asked for, level by level,
// of the records that are whole (see corpus-known.txt). A row is a list of
// levels, or unprivileged.
var goals = []floor{
	{"core, maps, packet", 100, 100, 99, 97, 95},
	{"calls, refs, callbacks", 100, 99.5, 97, 93, 90},
	{"advanced", 60, 99, 90, 0, 0},
	{"unprivileged", 0, 98, 95, 90, 85},
}

func (f *floor) covers(r *record) bool {
	if !r.privileged() {
		return f.row == "unprivileged"
	}
	return slices.Contains(strings.Split(f.row, ", "), r.Level)
}

// floors are the percentages reached: they only go up. What is decided counts
// where the kernel's BTF is at hand (see kernelBTF).
var floors = []floor{
	{"core", 100, 100, 100, 100, 100},
	{"maps", 100, 99.8, 100, 99.8, 99.8},
	{"packet", 100, 100, 100, 100, 100},
	{"calls", 100, 100, 100, 100, 100},
	{"refs", 100, 100, 100, 100, 100},
	{"callbacks", 100, 100, 100, 100, 100},
	{"advanced", 100, 99.5, 100, 99.5, 99.5},
	{"core unpriv", 100, 100, 100, 100, 100},
	{"maps unpriv", 100, 100, 100, 100, 100},
	{"calls unpriv", 100, 100, 100, 100, 100},
	{"refs unpriv", 100, 97, 95, 97, 97},
	{"advanced unpriv", 100, 100, 100, 100, 100},
}

// knownDifferences are the ids in testdata/corpus-known.txt.
func knownDifferences(t *testing.T) map[string]bool {
	t.Helper()
	b, err := os.ReadFile("testdata/corpus-known.txt")
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]bool{}
	for _, l := range strings.Split(string(b), "\n") {
		if l != "" && l[0] != '#' {
			m[l] = true
		}
	}
	return m
}

func judgeSafe(t *testing.T, c *corpus, r *record, p *Program) (o *outcomeOf) {
	defer func() {
		if v := recover(); v != nil {
			buf := make([]byte, 3000)
			buf = buf[:runtime.Stack(buf, false)]
			t.Errorf("%s: panic: %v\n%s", r.ID, v, buf)
			o = &outcomeOf{rec: r, err: fmt.Errorf("panic")}
		}
	}()
	return judge(c, r, p)
}

func (rw *row) add(o *outcomeOf) {
	rw.n++
	if o.res == nil {
		rw.missing["error"]++
		return
	}
	if o.res.Verdict == NotModelled {
		rw.missing[o.res.Feature]++
		return
	}
	rw.decided++
	count := func(n *int, b bool) {
		if b {
			*n++
		}
	}
	count(&rw.verdict, o.verdict)
	count(&rw.falseAccept, o.res.Verdict == Accepted && !o.rec.Kernel.OK)
	count(&rw.falseReject, o.res.Verdict == Rejected && o.rec.Kernel.OK)
	count(&rw.rejected, !o.rec.Kernel.OK)
	count(&rw.lastLine, !o.rec.Kernel.OK && o.lastLine)
	count(&rw.counters, o.counters)
	count(&rw.log, o.log)
}

func report(t *testing.T, o *outcomeOf) {
	if o.res == nil {
		t.Logf("%s: %v", o.rec.ID, o.err)
		return
	}
	if o.res.Verdict == NotModelled {
		t.Logf("%s: not modelled: %s", o.rec.ID, o.res.Feature)
		return
	}
	t.Logf("%s verdict=%v (ours %v %v, kernel ok=%v errno=%d) last=%v counters=%v log=%v in %v\n%s", o.rec.ID, o.verdict,
		o.res.Verdict, int(o.res.Errno), o.rec.Kernel.OK, o.rec.Kernel.Errno, o.lastLine, o.counters, o.log, o.took, firstDiff(o.rec.Kernel.Log, string(o.res.Log)))
	if *showLogs {
		os.Stderr.Write(o.res.Log)
	}
}

var levels = []string{"core", "maps", "packet", "calls", "refs", "callbacks", "advanced"}

func table(rows map[string]*row) string {
	var b strings.Builder
	pct := func(a, n int) string {
		if n == 0 {
			return "-"
		}
		return fmt.Sprintf("%d/%d %.1f%%", a, n, 100*float64(a)/float64(n))
	}
	fmt.Fprintf(&b, "%-16s %5s %8s %16s %4s %4s %16s %16s %16s\n", "level", "n", "decided", "verdict+errno", "FA", "FR", "last line", "counters", "log")
	for _, suffix := range []string{"", " unpriv"} {
		for _, l := range levels {
			r := rows[l+suffix]
			if r == nil {
				continue
			}
			fmt.Fprintf(&b, "%-16s %5d %8d %16s %4d %4d %16s %16s %16s", l+suffix, r.n, r.decided, pct(r.verdict, r.decided),
				r.falseAccept, r.falseReject, pct(r.lastLine, r.rejected), pct(r.counters, r.decided), pct(r.log, r.decided))
			var miss []string
			for f, n := range r.missing {
				miss = append(miss, fmt.Sprintf("%s %d", f, n))
			}
			sort.Strings(miss)
			fmt.Fprintf(&b, "  %s\n", strings.Join(miss, ", "))
		}
	}
	return b.String()
}

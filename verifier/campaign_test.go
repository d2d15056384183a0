package verifier

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
)

var (
	campaignDir   = flag.String("campaign-dir", "", "TestCampaign: folder that keeps what was done and what differs")
	campaignN     = flag.Int("campaign-n", 1000, "TestCampaign: programs of each kind, with those of earlier runs")
	campaignKinds = flag.String("campaign-kinds", "all", "TestCampaign: kinds of programs")
	campaignChunk = flag.Int("campaign-chunk", 500, "TestCampaign: programs that one kernel takes")
	campaignLimit = flag.Int("campaign-limit", 100_000, "TestCampaign: programs that take more instructions to verify are left out, but for one in 16")
)

// chunk is a line of a campaign's journal: what became of N programs of a
// kind from a seed on.
type chunk struct {
	Kind                         string
	Seed                         int64
	N                            int
	Accepted, Refused, Left      int // by the kernel; before it; as too long
	Decided, FalseAcc, FalseRej  int
	Verdict                      int // verdict and errno equal
	Rejected, LastLine, Counters int
	Differ                       int
}

func (c *chunk) add(o *chunk) {
	c.N += o.N
	c.Accepted += o.Accepted
	c.Refused += o.Refused
	c.Left += o.Left
	c.Decided += o.Decided
	c.FalseAcc += o.FalseAcc
	c.FalseRej += o.FalseRej
	c.Verdict += o.Verdict
	c.Rejected += o.Rejected
	c.LastLine += o.LastLine
	c.Counters += o.Counters
	c.Differ += o.Differ
}

// TestCampaign asks a real kernel about many random programs, in chunks: each
// is a line in journal.jsonl when it is done, so that a campaign that was
// stopped goes on where it was. Differences become files for testdata/regress.
// Logs have level 4: those of endless loops would fill gigabytes.
func TestCampaign(t *testing.T) {
	if *campaignDir == "" {
		t.Skip("a campaign needs -campaign-dir (see make campaign)")
	}
	oracle := oracleCommand(t)
	c := new(corpus)
	if dataDir() != "" {
		c = loadCorpus(t)
	}
	journal, err := readJournal(filepath.Join(*campaignDir, "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kindsOf(t, *campaignKinds) {
		if len(c.records) == 0 && needsCorpus(kind) {
			t.Logf("no %s: there is no corpus to mutate (SKEP_DATA)", kind)
			continue
		}
		done := 0
		for _, ch := range journal {
			if ch.Kind == kind {
				done += ch.N
			}
		}
		for done < *campaignN {
			ch := &chunk{Kind: kind, Seed: int64(done) + 1, N: min(*campaignChunk, *campaignN-done)}
			runChunk(t, oracle, c, ch)
			if err := appendJournal(filepath.Join(*campaignDir, "journal.jsonl"), ch); err != nil {
				t.Fatal(err)
			}
			journal = append(journal, ch)
			done += ch.N
		}
	}
	t.Log("\n" + campaignTable(journal))
}

func runChunk(t *testing.T, oracle string, c *corpus, ch *chunk) {
	var recs []*record
	for i := range ch.N {
		r := randomRecord(t, c, ch.Kind, ch.Seed+int64(i), LogStats)
		p, err := c.program(r)
		if err != nil {
			t.Fatal(err)
		}
		o := judgeSafe(t, c, r, p)
		if o.res != nil && o.res.InsnProcessed > *campaignLimit && (ch.Seed+int64(i))%16 != 0 {
			ch.Left++
			continue
		}
		recs = append(recs, r)
	}
	rw := compareWithOracle(t, oracle, c, recs, ch, *campaignDir)
	ch.Decided, ch.FalseAcc, ch.FalseRej, ch.Verdict = rw.decided, rw.falseAccept, rw.falseReject, rw.verdict
	ch.Rejected, ch.LastLine, ch.Counters = rw.rejected, rw.lastLine, rw.counters
}

func readJournal(path string) ([]*chunk, error) {
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		return nil, os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []*chunk
	for s := bufio.NewScanner(f); s.Scan(); {
		ch := new(chunk)
		if err := json.Unmarshal(s.Bytes(), ch); err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		all = append(all, ch)
	}
	return all, nil
}

func appendJournal(path string, ch *chunk) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(f).Encode(ch); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// campaignTable sums the journal up by kind.
func campaignTable(journal []*chunk) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "kind\tprograms\tloaded\taccepted\tdecided\tFA\tFR\tverdict+errno\tlast line\tcounters\tdiffer\tleft out\t")
	line := func(name string, c *chunk) {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d/%d\t%d\t%d\t%d\t\n", name, c.N, c.N-c.Refused-c.Left, c.Accepted, c.Decided,
			c.FalseAcc, c.FalseRej, c.Verdict, c.LastLine, c.Rejected, c.Counters, c.Differ, c.Left)
	}
	var sum chunk
	for _, k := range randomKinds {
		of := chunk{Kind: k.name}
		for _, ch := range journal {
			if ch.Kind == k.name {
				of.add(ch)
			}
		}
		line(k.name, &of)
		sum.add(&of)
	}
	line("all", &sum)
	w.Flush()
	return b.String()
}

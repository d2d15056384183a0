package verifier

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var (
	oracleN     = flag.Int("oracle-n", 40, "TestOracle: how many programs of each kind")
	oracleSeed  = flag.Int64("oracle-seed", 1, "TestOracle: seed of the first")
	oracleKind  = flag.String("oracle-kind", "progen,rich,unpriv,loops,bytes,mutate,info", "TestOracle: kinds of programs (randomKinds), or all")
	oracleLevel = flag.Int("oracle-level", 6, "TestOracle: log level")
	oracleSave  = flag.String("oracle-save", "", "TestOracle: folder to write disagreements to")
)

// TestOracle compares random programs with what a real kernel in a virtual
// machine says of them. See TestCampaign for many.
func TestOracle(t *testing.T) {
	oracle := oracleCommand(t)
	c := new(corpus)
	if dataDir() != "" {
		c = loadCorpus(t)
	}
	var recs []*record
	for _, kind := range kindsOf(t, *oracleKind) {
		if len(c.records) == 0 && needsCorpus(kind) {
			t.Logf("no %s: there is no corpus to mutate (SKEP_DATA)", kind)
			continue
		}
		for i := range *oracleN {
			recs = append(recs, randomRecord(t, c, kind, *oracleSeed+int64(i), *oracleLevel))
		}
	}
	ch := new(chunk)
	rw := compareWithOracle(t, oracle, c, recs, ch, *oracleSave)
	t.Logf("%d programs, %d accepted by the kernel, %d never reached it, %d differ\n%s",
		len(recs), ch.Accepted, ch.Refused, ch.Differ, table(map[string]*row{"core": rw}))
	if ch.Differ > 0 {
		t.Error("differences from the kernel")
	}
}

func kindsOf(t *testing.T, list string) []string {
	t.Helper()
	if list == "all" {
		var names []string
		for _, k := range randomKinds {
			names = append(names, k.name)
		}
		return names
	}
	return strings.Split(list, ",")
}

// oracleCommand is a program that takes batch records and answers verdicts: the
// one that SKEP_ORACLE names, else skep itself when it has a kernel.
func oracleCommand(t *testing.T) string {
	t.Helper()
	if oracle := os.Getenv("SKEP_ORACLE"); oracle != "" {
		return oracle
	}
	if kernelBTF() == nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal("no kernel to ask: make setup installs one")
		}
		t.Skip("no kernel to ask: make setup installs one")
	}
	if testing.Short() {
		t.Skip("asks a kernel in a virtual machine")
	}
	oracle := filepath.Join(t.TempDir(), "skep")
	if out, err := exec.Command("go", "build", "-o", oracle, "skep/server/cmd/skep").CombinedOutput(); err != nil {
		t.Fatalf("build of the oracle: %v\n%s", err, out)
	}
	return oracle
}

// answer is what the oracle says of a program.
type answer struct {
	verdict
	Error string   `json:"error"`
	Notes []string `json:"notes"`
	Cut   any      `json:"log_sha256"` // set when the log was cut
}

// ask loads the programs into a real kernel.
func ask(t *testing.T, oracle string, recs []*record) []*answer {
	t.Helper()
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, r := range recs {
		if err := enc.Encode(r.batch()); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"sandbox", "run", "--batch", "--log-max", "262144", "--timeout", "60s"}
	if dir := dataDir(); dir != "" {
		args = append(args, "--btf-store", filepath.Join(dir, "verifier-corpus-6.12-btf.jsonl.gz"))
	}
	asked := in.Bytes()
	run := func() ([]byte, error) {
		cmd := exec.Command(oracle, args...)
		cmd.Stdin, cmd.Stderr = bytes.NewReader(asked), os.Stderr
		return cmd.Output()
	}
	out, err := run()
	if err != nil { // on a machine that is busy a virtual machine may come to an early end
		out, err = run()
	}
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	var answers []*answer
	s := bufio.NewScanner(bytes.NewReader(out))
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		a := new(answer)
		if err := json.Unmarshal(s.Bytes(), a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if len(answers) != len(recs) {
		t.Fatalf("oracle: %d answers to %d programs", len(answers), len(recs))
	}
	return answers
}

// compareWithOracle asks the kernel, counts in ch and the row, and fails for each record
// whose verdict the kernel does not share. Every difference, in counters or
// log too, is written to folder save as a file for testdata/regress.
func compareWithOracle(t *testing.T, oracle string, c *corpus, recs []*record, ch *chunk, save string) *row {
	t.Helper()
	rw := &row{missing: map[string]int{}}
	for i, a := range ask(t, oracle, recs) {
		r := recs[i]
		if a.Error != "" || len(a.Notes) > 0 {
			ch.Refused++
			continue
		}
		r.Kernel = a.verdict
		p, err := c.program(r)
		if err != nil {
			t.Fatal(err)
		}
		o := judgeSafe(t, c, r, p)
		if o.res != nil && loadersBusiness(o.res.Log) {
			ch.Refused++
			continue
		}
		rw.add(o)
		if a.OK {
			ch.Accepted++
		}
		if o.res == nil || o.res.Verdict == NotModelled {
			continue
		}
		if o.verdict && o.counters && (a.OK || o.lastLine) && (o.log || a.Cut != nil) {
			continue
		}
		if ch.Differ++; ch.Differ <= 25 {
			report(t, o)
		}
		if save != "" {
			if err := saveRegression(save, r); err != nil {
				t.Error(err)
			}
		}
		if !o.verdict {
			t.Errorf("%s: verdict differs", r.ID)
		}
	}
	return rw
}

// loadersBusiness reports whether the verdict hangs on the loader: whether a
// number that is no map is another open file, and whether there is an fd_array.
func loadersBusiness(log []byte) bool {
	return bytes.Contains(log, []byte("is not pointing to valid bpf_map")) || bytes.Contains(log, []byte("fd_idx without fd_array"))
}

// batch is the record as JSON takes it, without what the kernel said.
func (r *record) batch() map[string]any {
	m := map[string]any{"id": r.ID, "prog_type": r.Type, "expected_attach_type": r.Attach, "prog_flags": r.Flags,
		"license": r.License, "log_level": r.LogLevel, "insns": r.Insns, "privileged": r.privileged()}
	maps := []map[string]any{}
	var one func(x *mapRec) map[string]any
	one = func(x *mapRec) map[string]any {
		j := map[string]any{"name": x.Name, "type": x.Type, "key_size": x.KeySize, "value_size": x.ValueSize,
			"max_entries": x.MaxEntries, "map_flags": x.Flags}
		if x.Extra != 0 {
			j["map_extra"] = x.Extra
		}
		if x.BTF != "" {
			j["btf"], j["key_type_id"], j["value_type_id"] = x.BTF, x.KeyType, x.ValueType
		}
		if x.Data != "" {
			j["data"] = x.Data
		}
		if x.Frozen {
			j["frozen"] = true
		}
		if x.Inner != nil {
			j["inner"] = one(x.Inner)
		}
		return j
	}
	for i := range r.Maps {
		maps = append(maps, one(&r.Maps[i]))
	}
	m["maps"] = maps
	if r.BTF != "" {
		m["btf"], m["func_info"], m["func_info_rec_size"] = r.BTF, r.FuncInfo, r.FuncRec
		if r.LineInfo != "" {
			m["line_info"], m["line_info_rec_size"] = r.LineInfo, r.LineRec
		}
	}
	if r.AttachTo != "" {
		m["attach_to"] = r.AttachTo
	}
	if len(r.MapRefs) > 0 {
		m["map_refs"] = r.MapRefs
	}
	if len(r.Kfuncs) > 0 {
		m["kfuncs"] = r.Kfuncs
	}
	if len(r.Ksyms) > 0 {
		m["ksyms"] = r.Ksyms
	}
	return m
}

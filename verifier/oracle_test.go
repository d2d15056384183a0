package verifier

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"skep/verifier/progen"
	"skep/vm/isa"
)

var (
	oracleN     = flag.Int("oracle-n", 300, "TestOracle: how many programs")
	oracleSeed  = flag.Int64("oracle-seed", 1, "TestOracle: seed of the first")
	oracleKind  = flag.String("oracle-kind", "all", "TestOracle: progen, unpriv, mutate or all")
	oracleLevel = flag.Int("oracle-level", 6, "TestOracle: log level")
	oracleSave  = flag.String("oracle-save", "", "TestOracle: folder to write disagreements to")
)

// batchRecord makes a generated program a record of the batch format.
func batchRecord(p *progen.Program, id string, priv bool) *record {
	r := &record{ID: id, Type: p.Type, License: "GPL", LogLevel: *oracleLevel, Insns: hex.EncodeToString(isa.EncodeAll(p.Insns)), Level: "random"}
	if !priv {
		r.Privileged = new(bool)
	}
	for _, m := range p.Maps {
		r.Maps = append(r.Maps, mapRec{Name: m.Name, Type: m.Type, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.MaxEntries})
	}
	return r
}

// mutate changes fields of one to three instructions at random.
func mutate(rnd *rand.Rand, insns []isa.Insn) {
	interesting := []int32{0, 1, -1, 8, -8, 16, 63, 64, 255, 256, 4096, -4096, 1 << 29, 1 << 30, -1 << 31, 1<<31 - 1}
	for range 1 + rnd.Intn(3) {
		i := &insns[rnd.Intn(len(insns))]
		switch rnd.Intn(9) {
		case 0:
			i.Imm = interesting[rnd.Intn(len(interesting))]
		case 1:
			i.Imm += int32(rnd.Intn(17) - 8)
		case 2:
			i.Off += int16(rnd.Intn(17) - 8)
		case 3:
			i.Dst = uint8(rnd.Intn(11))
		case 4:
			i.Src = uint8(rnd.Intn(11))
		case 5:
			i.Op = i.Op&0x0f | uint8(rnd.Intn(14))<<4
		case 6:
			i.Op ^= 1 << rnd.Intn(8)
		case 7:
			*i = isa.Insn{Op: isa.ClassALU64 | isa.OpMov, Dst: i.Dst, Imm: int32(rnd.Intn(64))}
		case 8:
			j := rnd.Intn(len(insns))
			*i, insns[j] = insns[j], *i
		}
	}
}

func oracleRecords(t *testing.T, c *corpus) []*record {
	var out []*record
	var pool []*record
	for _, r := range c.records {
		if r.Level != "advanced" && len(r.Insns) < 16*600 && r.Kernel.InsnsProcessed < 20000 && len(r.Insns) > 16*3 && r.Type != "tracing" {
			pool = append(pool, r)
		}
	}
	for i := range *oracleN {
		seed := *oracleSeed + int64(i)
		rnd := rand.New(rand.NewSource(seed))
		kind := *oracleKind
		if kind == "all" {
			kind = []string{"progen", "unpriv", "mutate", "mutate"}[i%4]
		}
		switch kind {
		case "mutate":
			r := *pool[rnd.Intn(len(pool))]
			raw, _ := hex.DecodeString(r.Insns)
			insns, err := isa.DecodeAll(raw)
			if err != nil {
				t.Fatal(err)
			}
			mutate(rnd, insns)
			was, _ := isa.DecodeAll(raw)
			for i, w := range was {
				if w.IsWide() && w.Src != 0 && i+1 < len(was) {
					copy(insns[i:], was[i:i+2]) // the loader fills these in by their index
				}
			}
			r.Insns = hex.EncodeToString(isa.EncodeAll(insns))
			r.ID = fmt.Sprintf("%s-%d of %s", kind, seed, r.ID)
			r.Kernel = verdict{}
			r.LogLevel = *oracleLevel
			out = append(out, &r)
		default:
			p := progen.New(progen.Config{Seed: seed, Bad: []float64{0, 0.02, 0.1}[rnd.Intn(3)]})
			priv := kind != "unpriv"
			if !priv {
				p.Type = "socket_filter"
			}
			if rnd.Intn(4) == 0 {
				mutate(rnd, p.Insns)
			}
			out = append(out, batchRecord(p, fmt.Sprintf("%s-%d", kind, seed), priv))
		}
	}
	return out
}

// TestOracle compares random programs with what a real kernel in a virtual
// machine says of them. SKEP_ORACLE names a program that takes batch records
// and answers verdicts, as "skep sandbox run --batch" does.
func TestOracle(t *testing.T) {
	oracle := oracleCommand(t)
	c := loadCorpus(t)
	compareWithOracle(t, oracle, c, oracleRecords(t, c))
}

func oracleCommand(t *testing.T) string {
	t.Helper()
	oracle := os.Getenv("SKEP_ORACLE")
	if oracle == "" {
		t.Skip("no kernel to ask: set SKEP_ORACLE to a command that takes \"run --batch\"")
	}
	return oracle
}

// compareWithOracle fails for every record on which the kernel says otherwise.
func compareWithOracle(t *testing.T, oracle string, c *corpus, recs []*record) {
	t.Helper()
	dir := t.TempDir()
	store := filepath.Join(dataDir(), "verifier-corpus-6.12-btf.jsonl.gz")
	in := filepath.Join(dir, "in.jsonl")
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	for _, r := range recs {
		if err := enc.Encode(r.batch()); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(in, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(oracle, "run", "--batch", "--btf-store", store, "--log-max", "262144")
	cmd.Env = append(os.Environ(), "SKEP_ACCEL=tcg")
	cmd.Stdin = &buf
	cmd.Stderr = os.Stderr
	outBytes, err := cmd.Output()
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	s := bufio.NewScanner(bytes.NewReader(outBytes))
	s.Buffer(nil, 64<<20)
	rw := row{missing: map[string]int{}}
	ok, refused, bad := 0, 0, 0
	for i := 0; s.Scan(); i++ {
		var v struct {
			verdict
			Error string   `json:"error"`
			Notes []string `json:"notes"`
			NoLog any      `json:"log_sha256"`
		}
		if err := json.Unmarshal(s.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		r := recs[i]
		if v.Error != "" || len(v.Notes) > 0 {
			refused++
			continue
		}
		r.Kernel = v.verdict
		p, err := c.program(r)
		if err != nil {
			t.Fatal(err)
		}
		o := judgeSafe(t, c, r, p)
		rw.add(o)
		if v.OK {
			ok++
		}
		if o.res == nil || o.res.Verdict == NotModelled {
			continue
		}
		cut := v.NoLog != nil
		if bytes.Contains(o.res.Log, []byte("is not pointing to valid bpf_map")) {
			continue // whether the number is another open file is the loader's business
		}
		if bytes.Contains(o.res.Log, []byte("fd_idx without fd_array")) {
			continue // and whether there is an fd_array
		}
		if !o.verdict || !o.counters || !o.lastLine && !v.OK || !o.log && !cut {
			bad++
			if bad <= 25 {
				report(t, o)
			}
			if *oracleSave != "" {
				b, _ := json.Marshal(r.batch())
				os.WriteFile(filepath.Join(*oracleSave, fmt.Sprintf("%d.json", i)), b, 0o644)
			}
			if !o.verdict {
				t.Errorf("%s: verdict differs", r.ID)
			}
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d programs, %d accepted by the kernel, %d never reached it, %d differ\n%s", len(recs), ok, refused, bad, table(map[string]*row{"core": &rw}))
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

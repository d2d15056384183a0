package vm_test

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// record is what this test needs of a line of the verifier corpus.
type record struct {
	ID         string `json:"id"`
	ProgType   string `json:"prog_type"`
	Attach     int    `json:"expected_attach_type"`
	License    string
	Privileged bool
	Maps       []mapRecord
	Insns      string
	Kfuncs     [][3]any
	Ksyms      [][3]any
	Kernel     struct {
		OK      bool
		TestRun *struct {
			Err    int
			Retval int32
		} `json:"test_run"`
	}
}

type mapRecord struct {
	Name       string
	Type       string
	KeySize    uint32     `json:"key_size"`
	ValueSize  uint32     `json:"value_size"`
	MaxEntries uint32     `json:"max_entries"`
	Flags      uint32     `json:"map_flags"`
	Extra      uint64     `json:"map_extra"`
	Data       string     `json:"data"`
	Inner      *mapRecord `json:"inner"`
	KeyType    uint32     `json:"key_type_id"`
	ValueType  uint32     `json:"value_type_id"`
}

func (m *mapRecord) spec(t *testing.T) maps.Spec {
	typ, ok := maps.ByName(m.Type)
	if !ok {
		t.Fatalf("map type %q", m.Type)
	}
	data, err := hex.DecodeString(m.Data)
	if err != nil {
		t.Fatal(err)
	}
	s := maps.Spec{
		Name: m.Name, Type: typ, KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Flags: m.Flags,
		Extra: m.Extra, BTFKey: m.KeyType, BTFValue: m.ValueType, SpinLock: true,
	}
	if len(data) > 0 {
		s.Data = data
	}
	if m.Inner != nil {
		in := m.Inner.spec(t)
		s.Inner = &in
	}
	return s
}

// corpus calls f with each record of the corpus that the kernel has run.
func corpus(t *testing.T, f func(r *record)) {
	dir := os.Getenv("SKEP_DATA")
	if dir == "" {
		dir = "../../shared/data"
	}
	file, err := os.Open(filepath.Join(dir, "verifier-corpus-6.12.jsonl.gz"))
	if err != nil {
		t.Skipf("no verifier corpus (set SKEP_DATA to the folder that holds it): %v", err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		if !strings.Contains(lines.Text(), `"test_run":{`) {
			continue
		}
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if r.Kernel.TestRun != nil && r.Kernel.TestRun.Err == 0 {
			f(&r)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// runRecord runs a program as BPF_PROG_TEST_RUN does, over 64 zero bytes.
func runRecord(t *testing.T, r *record) (int32, string) {
	code, err := hex.DecodeString(r.Insns)
	if err != nil {
		t.Fatal(err)
	}
	insns, err := isa.DecodeAll(code)
	if err != nil {
		t.Fatal(err)
	}
	typ, ok := hook.ByName(r.ProgType)
	if !ok {
		t.Fatalf("program type %q", r.ProgType)
	}
	cfg := vm.Config{World: &helper.World{CPUs: 2}, NoHistory: true}
	for i := range r.Maps {
		cfg.Maps = append(cfg.Maps, r.Maps[i].spec(t))
	}
	m, err := vm.New(cfg)
	if err != nil {
		return 0, err.Error()
	}
	p := &vm.Program{Type: typ, Attach: hook.AttachType(r.Attach), License: r.License, Insns: insns}
	for _, k := range r.Kfuncs {
		p.Kfuncs = append(p.Kfuncs, vm.Kfunc{ID: int32(k[1].(float64)), Name: k[2].(string)})
	}
	for _, k := range r.Ksyms {
		p.Ksyms = append(p.Ksyms, vm.Ksym{ID: int32(k[1].(float64)), Name: k[2].(string), Size: 64})
	}
	if _, err := m.Load(p); err != nil {
		return 0, err.Error()
	}
	in := vm.Input{Packet: make([]byte, 64)}
	if typ == hook.Syscall || typ == hook.Tracing {
		in = vm.Input{Ctx: make([]byte, 64)}
	}
	if err := m.Reset(in); err != nil {
		return 0, err.Error()
	}
	switch m.Run(200_000_000) {
	case vm.StopExit:
		return int32(m.Reg(0)), ""
	case vm.StopFault:
		return 0, m.Fault().Error()
	}
	return 0, "did not end"
}

// exceptions is the programs named in testdata/corpus-runs.txt.
func exceptions(t *testing.T) map[string]bool {
	b, err := os.ReadFile("testdata/corpus-runs.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, line := range strings.Split(string(b), "\n") {
		if id, reason, ok := strings.Cut(line, "\t"); ok && !strings.HasPrefix(line, "#") {
			if reason == "" {
				t.Errorf("%s has no reason", id)
			}
			out[id] = true
		}
	}
	return out
}

// Programs of the corpus that the kernel has run give the kernel's result.
func TestCorpusRuns(t *testing.T) {
	but := exceptions(t)
	ran, equal := 0, 0
	corpus(t, func(r *record) {
		ran++
		got, fault := runRecord(t, r)
		want := r.Kernel.TestRun.Retval
		same := fault == "" && got == want
		if same {
			equal++
		}
		if same == but[r.ID] {
			t.Errorf("%s (%s): %d %s, the kernel %d; named in testdata/corpus-runs.txt: %v", r.ID, r.ProgType, got, fault, want, but[r.ID])
		}
	})
	t.Logf("%d of %d programs give the kernel's return value", equal, ran)
	if equal*100 < ran*97 {
		t.Errorf("%d of %d are equal, want 97 %%", equal, ran)
	}
}

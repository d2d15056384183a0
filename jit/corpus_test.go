package jit_test

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skep/jit"
	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// corpusProgram is what this test needs of a line of the verifier corpus.
type corpusProgram struct {
	ID       string `json:"id"`
	ProgType string `json:"prog_type"`
	Attach   int    `json:"expected_attach_type"`
	License  string
	Maps     []corpusMap
	Insns    string
	Kfuncs   [][3]any
	Ksyms    [][3]any
	Kernel   struct{ OK bool }
}

type corpusMap struct {
	Name       string
	Type       string
	KeySize    uint32 `json:"key_size"`
	ValueSize  uint32 `json:"value_size"`
	MaxEntries uint32 `json:"max_entries"`
	Flags      uint32 `json:"map_flags"`
	Extra      uint64 `json:"map_extra"`
	Data       string
	Inner      *corpusMap
	KeyType    uint32 `json:"key_type_id"`
	ValueType  uint32 `json:"value_type_id"`
}

func (m *corpusMap) spec(t *testing.T) maps.Spec {
	typ, ok := maps.ByName(m.Type)
	if !ok {
		t.Fatalf("map type %q", m.Type)
	}
	s := maps.Spec{
		Name: m.Name, Type: typ, KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Flags: m.Flags,
		Extra: m.Extra, BTFKey: m.KeyType, BTFValue: m.ValueType, SpinLock: true,
	}
	if data, err := hex.DecodeString(m.Data); err == nil && len(data) > 0 {
		s.Data = data
	}
	if m.Inner != nil {
		in := m.Inner.spec(t)
		s.Inner = &in
	}
	return s
}

// The programs of the verifier corpus, accepted or not, do natively what they
// do in the interpreter.
func TestCorpus(t *testing.T) {
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
	ran, proven, skipped := 0, 0, 0
	for lines.Scan() {
		// All of them in a long run, else those that the kernel has run.
		if scale(t, 1) == 1 && !strings.Contains(lines.Text(), `"test_run":{`) {
			continue
		}
		var r corpusProgram
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
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
		cfg := vm.Config{World: &helper.World{CPUs: 2}}
		for i := range r.Maps {
			cfg.Maps = append(cfg.Maps, r.Maps[i].spec(t))
		}
		if _, err := vm.New(cfg); err != nil {
			skipped++ // the machine does not model it
			continue
		}
		p := &vm.Program{Type: typ, Attach: hook.AttachType(r.Attach), License: r.License, Insns: insns}
		for _, k := range r.Kfuncs {
			p.Kfuncs = append(p.Kfuncs, vm.Kfunc{ID: int32(k[1].(float64)), Name: k[2].(string)})
		}
		for _, k := range r.Ksyms {
			p.Ksyms = append(p.Ksyms, vm.Ksym{ID: int32(k[1].(float64)), Name: k[2].(string), Size: 64})
		}
		in := vm.Input{Packet: make([]byte, 64)}
		if typ == hook.Syscall || typ == hook.Tracing {
			in = vm.Input{Ctx: make([]byte, 64)}
		}
		ran++
		if diff, _ := differ(t, cfg, in, &safe[ran%len(safe)], p); diff != "" {
			t.Errorf("%s (%s): %s", r.ID, r.ProgType, diff)
		}
		if !r.Kernel.OK {
			continue
		}
		// The kernel's proof is of the kernel's memory: where the machine has
		// less of it (a context of another size, a kernel object), it faults.
		for i := range proved {
			if diff, o := differ(t, cfg, in, &proved[i], p); o.Status == jit.Exited {
				proven++
				if diff != "" {
					t.Errorf("%s (%s): %s", r.ID, r.ProgType, diff)
				}
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d programs, %d of them with facts, %d not modelled", ran, proven, skipped)
	if ran < 300 {
		t.Errorf("only %d programs were run", ran)
	}
}

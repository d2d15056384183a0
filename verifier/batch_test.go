package verifier

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// record is a line of the corpus, in the batch format of design.md.
type record struct {
	ID         string   `json:"id"`
	Level      string   `json:"level"`
	Features   []string `json:"features"`
	Type       string   `json:"prog_type"`
	Attach     uint32   `json:"expected_attach_type"`
	Flags      uint32   `json:"prog_flags"`
	License    string   `json:"license"`
	Privileged *bool    `json:"privileged"`
	Maps       []mapRec `json:"maps"`
	MapRefs    [][3]int `json:"map_refs"`
	Kfuncs     [][3]any `json:"kfuncs"`
	Ksyms      [][3]any `json:"ksyms"`
	AttachTo   string   `json:"attach_to"`
	AttachBTF  uint32   `json:"attach_btf_id"`
	BTF        string   `json:"btf"`
	FuncInfo   string   `json:"func_info"`
	LineInfo   string   `json:"line_info"`
	FuncRec    int      `json:"func_info_rec_size"`
	LineRec    int      `json:"line_info_rec_size"`
	LogLevel   int      `json:"log_level"`
	Insns      string   `json:"insns"`
	Kernel     verdict  `json:"kernel"`
}

type mapRec struct {
	Name       string  `json:"name"`
	Type       string  `json:"type"`
	KeySize    uint32  `json:"key_size"`
	ValueSize  uint32  `json:"value_size"`
	MaxEntries uint32  `json:"max_entries"`
	Flags      uint32  `json:"map_flags"`
	Extra      uint64  `json:"map_extra"`
	Frozen     bool    `json:"frozen"`
	Data       string  `json:"data"`
	BTF        string  `json:"btf"`
	KeyType    uint32  `json:"key_type_id"`
	ValueType  uint32  `json:"value_type_id"`
	Inner      *mapRec `json:"inner"`
}

type verdict struct {
	OK               bool   `json:"ok"`
	Errno            int    `json:"errno"`
	Log              string `json:"log"`
	LogLen           int    `json:"log_len"`
	InsnsProcessed   int    `json:"insns_processed"`
	MaxStatesPerInsn int    `json:"max_states_per_insn"`
	TotalStates      int    `json:"total_states"`
	PeakStates       int    `json:"peak_states"`
	MarkRead         int    `json:"mark_read"`
}

func (r *record) privileged() bool { return r.Privileged == nil || *r.Privileged }

// dataDir is the folder with the shared test data, empty when it is not there.
func dataDir() string {
	if d := os.Getenv("SKEP_DATA"); d != "" {
		return d
	}
	d := filepath.Join("..", "..", "shared", "data")
	if _, err := os.Stat(d); err != nil {
		return ""
	}
	return d
}

// readLines calls f for each line of a gzipped JSON lines file.
func readLines(tb testing.TB, path string, f func([]byte)) {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		tb.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		f(s.Bytes())
	}
	if err := s.Err(); err != nil {
		tb.Fatal(err)
	}
}

type corpus struct {
	records []*record
	btfs    map[string]*btf.Spec
	pools   map[string][]*record // see pool
}

func loadCorpus(tb testing.TB) *corpus {
	tb.Helper()
	dir := dataDir()
	if dir == "" {
		tb.Skip("no verifier corpus: set SKEP_DATA to the folder with verifier-corpus-6.12.jsonl.gz")
	}
	c := &corpus{btfs: map[string]*btf.Spec{}}
	readLines(tb, filepath.Join(dir, "verifier-corpus-6.12-btf.jsonl.gz"), func(line []byte) {
		var b struct{ Hash, Blob string }
		if err := json.Unmarshal(line, &b); err != nil {
			tb.Fatal(err)
		}
		raw, err := hex.DecodeString(b.Blob)
		if err != nil {
			tb.Fatal(err)
		}
		spec, err := btf.Parse(raw)
		if err != nil {
			tb.Logf("btf %s: %v", b.Hash, err)
			return
		}
		c.btfs[b.Hash] = spec
	})
	readLines(tb, filepath.Join(dir, "verifier-corpus-6.12.jsonl.gz"), func(line []byte) {
		r := new(record)
		if err := json.Unmarshal(line, r); err != nil {
			tb.Fatal(err)
		}
		c.records = append(c.records, r)
	})
	return c
}

func (c *corpus) mapInfo(m *mapRec) (MapInfo, error) {
	t, ok := mapTypeByName(m.Type)
	if !ok {
		return MapInfo{}, fmt.Errorf("map type %q is unknown", m.Type)
	}
	data, err := hex.DecodeString(m.Data)
	if err != nil {
		return MapInfo{}, err
	}
	info := MapInfo{
		Name: m.Name, Type: t, KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
		Flags: m.Flags, Extra: m.Extra, Frozen: m.Frozen, Data: data,
		KeyType: btf.ID(m.KeyType), ValueType: btf.ID(m.ValueType),
	}
	if len(info.Name) > 15 {
		info.Name = info.Name[:15]
	}
	if info.BTF, err = c.spec(m.BTF); err != nil {
		return MapInfo{}, err
	}
	if m.Inner != nil {
		in, err := c.mapInfo(m.Inner)
		if err != nil {
			return MapInfo{}, err
		}
		info.Inner = &in
	}
	return info, nil
}

// spec is the BTF that a record names by its hash, or has as hex.
func (c *corpus) spec(ref string) (*btf.Spec, error) {
	if spec := c.btfs[ref]; spec != nil || len(ref) <= 16 {
		return spec, nil
	}
	raw, err := hex.DecodeString(ref)
	if err != nil {
		return nil, err
	}
	return btf.Parse(raw)
}

func mapTypeByName(name string) (maps.Type, bool) {
	for i := range maps.Table {
		if maps.Table[i].Name == name {
			return maps.Table[i].Type, true
		}
	}
	return 0, false
}

// program is the record as the verifier takes it.
func (c *corpus) program(r *record) (*Program, error) {
	typ, ok := hook.ByName(r.Type)
	switch r.Type {
	case "raw_tp_writable":
		typ, ok = hook.RawTracepointWritable, true
	}
	if !ok {
		return nil, fmt.Errorf("program type %q is unknown", r.Type)
	}
	raw, err := hex.DecodeString(r.Insns)
	if err != nil {
		return nil, err
	}
	insns, err := isa.DecodeAll(raw)
	if err != nil {
		return nil, err
	}
	p := &Program{
		Type: typ, Attach: hook.AttachType(r.Attach), Flags: r.Flags, GPL: GPLCompatible(r.License),
		Insns: insns, FuncInfoSize: r.FuncRec, LineInfoSize: r.LineRec, AttachTo: r.AttachTo,
	}
	if p.BTF, err = c.spec(r.BTF); err != nil {
		return nil, err
	}
	if p.FuncInfo, err = hex.DecodeString(r.FuncInfo); err != nil {
		return nil, err
	}
	if p.LineInfo, err = hex.DecodeString(r.LineInfo); err != nil {
		return nil, err
	}
	for i := range r.Maps {
		m, err := c.mapInfo(&r.Maps[i])
		if err != nil {
			return nil, err
		}
		if !r.privileged() {
			m.BTF = nil // BPF_BTF_LOAD takes CAP_BPF
		}
		p.Maps = append(p.Maps, m)
	}
	symbols := func(in [][3]any) (out []Symbol) {
		for _, s := range in {
			insn, _ := s[0].(float64)
			id, _ := s[1].(float64)
			name, _ := s[2].(string)
			out = append(out, Symbol{Insn: int(insn), ID: uint32(id), Name: name})
		}
		return out
	}
	p.Kfuncs, p.Ksyms = symbols(r.Kfuncs), symbols(r.Ksyms)
	return p, nil
}

// kernelBTF is the BTF of the reference kernel, nil when it is not installed:
// SKEP_KERNEL_BTF names the file, else the sandbox's cache is looked at.
var kernelBTF = sync.OnceValue(func() *btf.Spec {
	path := os.Getenv("SKEP_KERNEL_BTF")
	if path == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		path = filepath.Join(cache, "skep", "kernel", "6.12", "btf")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	spec, err := btf.Parse(b)
	if err != nil {
		return nil
	}
	return spec
})

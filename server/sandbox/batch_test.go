package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skep/server/sandbox"
	"skep/server/sandbox/sandboxtest"
)

// TestBatch covers every part of the batch format with programs of our own.
func TestBatch(t *testing.T) {
	lines := []string{
		// Accepted, with a run: the packet comes back, the map shows one hit.
		fmt.Sprintf(`{"id":"run","prog_type":"xdp","license":"GPL","log_level":4,"data":"%s","maps":[{"name":"hits","type":"array","key_size":4,"value_size":8,"max_entries":1}],"insns":"%s","unknown":1}`, strings.Repeat("ab", 64), counting(2)),
		// Refused: r0 is never written.
		`{"id":"uninit","prog_type":"socket_filter","license":"GPL","log_level":2,"maps":[],"insns":"9500000000000000"}`,
		// Uninitialised stack: root may read it, others may not.
		`{"id":"stack","prog_type":"socket_filter","license":"GPL","log_level":1,"maps":[],"insns":"79a0f8ff000000009500000000000000"}`,
		`{"id":"unpriv","prog_type":"socket_filter","license":"GPL","log_level":1,"privileged":false,"maps":[],"insns":"79a0f8ff000000009500000000000000"}`,
		// Never reaches the verifier.
		`{"id":"map","prog_type":"xdp","license":"GPL","log_level":1,"maps":[{"type":"array","key_size":3,"value_size":8,"max_entries":1}],"insns":"b7000000000000009500000000000000"}`,
		`{"id":"type","prog_type":"nonsense","insns":"9500000000000000"}`,
		`{"id":"kfunc","prog_type":"xdp","license":"GPL","insns":"85200000000000009500000000000000","kfuncs":[[0,1,"no_such_kfunc"]]}`,
		// Frozen read-only data: the verifier knows the value.
		`{"id":"frozen","prog_type":"socket_filter","license":"GPL","log_level":2,"maps":[{"name":"ro","type":"array","key_size":4,"value_size":8,"max_entries":1,"map_flags":128,"data":"2a00000000000000","frozen":true}],"insns":"182100000000000000000000000000007910000000000000` + `9500000000000000"}`,
		`{"id":"inner","prog_type":"xdp","license":"GPL","maps":[{"type":"array_of_maps","key_size":4,"value_size":4,"max_entries":1,"inner":{"type":"array","key_size":4,"value_size":8,"max_entries":1}}],"insns":"b7000000000000009500000000000000"}`,
		`{"id":"fentry","prog_type":"tracing","expected_attach_type":24,"attach_to":"bpf_fentry_test1","license":"GPL","repeat":1,"insns":"b7000000000000009500000000000000"}`,
		`{"id":"norun","prog_type":"kprobe","license":"GPL","data":"00","insns":"b7000000000000009500000000000000"}`,
	}
	type answer struct {
		ID       string
		OK       bool
		Errno    int
		Error    string
		Line     string // of the log, its first that is no state or statistics
		Ret      int
		RunErrno int
		Hits     string
	}
	want := map[string]answer{
		"run":    {OK: true, Ret: 2, Hits: "0100000000000000"},
		"uninit": {Errno: 13, Line: "R0 !read_ok"},
		"stack":  {OK: true},
		"unpriv": {Errno: 13, Line: "invalid read from stack R10 off=-8 size=8"},
		"map":    {Errno: 22, Error: "map 0: invalid argument"},
		"type":   {Error: `prog_type "nonsense": unknown`},
		"kfunc":  {Error: "kfunc no_such_kfunc: kernel RELEASE has none"},
		"frozen": {OK: true, Line: "R0_w=42"},
		"inner":  {OK: true},
		"fentry": {OK: true, Ret: 0},
		"norun":  {OK: true, RunErrno: 524},
	}
	for _, version := range []string{"6.12", "6.1"} {
		t.Run(version, func(t *testing.T) {
			c := sandboxtest.Require(t, version)
			vs := c.Batch(t, strings.NewReader(strings.Join(lines, "\n")), sandbox.BatchOptions{LogLevel: -1})
			if len(vs) != len(lines) {
				t.Fatalf("%d verdicts of %d", len(vs), len(lines))
			}
			for i, v := range vs {
				var rec sandbox.Record
				if err := json.Unmarshal([]byte(lines[i]), &rec); err != nil || rec.ID != v.ID {
					t.Fatalf("verdict %d is of %q, want %q, %v", i, v.ID, rec.ID, err)
				}
				w := want[v.ID]
				w.ID = v.ID
				if version == "6.1" && v.ID == "uninit" && !strings.Contains(v.Log, "R1=ctx(off=0,imm=0)") {
					t.Errorf("not the log of a 6.1 kernel: %s", v.Log)
				}
				w.Error = strings.ReplaceAll(w.Error, "RELEASE", strings.TrimPrefix(v.Engine, "kernel "))
				got := answer{ID: v.ID, OK: v.OK, Errno: v.Errno, Error: v.Error, RunErrno: v.RunErrno}
				if w.Line != "" && strings.Contains(v.Log, w.Line) {
					got.Line = w.Line
				}
				if v.Ran {
					got.Ret = int(*v.Ret)
				}
				if len(v.Maps) == 1 && v.Maps[0].Name == "hits" {
					got.Hits = fmt.Sprintf("%x", []byte(v.Maps[0].Entries[0].Value))
				}
				if diff := cmp.Diff(w, got); diff != "" {
					t.Errorf("%s (-want +got)\n%s\n%s", v.ID, diff, v.Log)
				}
				if v.ID == "run" && (v.InsnsProcessed == 0 || v.Data == nil || len(*v.Data) != 64) {
					t.Errorf("run: processed %d, data %v", v.InsnsProcessed, v.Data)
				}
			}
		})
	}
}

// TestLongLogIsCut keeps both ends of a log and says how long it was.
func TestLongLogIsCut(t *testing.T) {
	c := sandboxtest.Require(t, "6.12")
	in := fmt.Sprintf(`{"id":"long","prog_type":"xdp","license":"GPL","log_level":2,"maps":[{"type":"array","key_size":4,"value_size":8,"max_entries":1}],"insns":"%s"}`, counting(2))
	v := c.Batch(t, strings.NewReader(in), sandbox.BatchOptions{LogLevel: -1, LogMax: 400})[0]
	if len(v.Log) > 400 || v.LogLen <= 400 || len(v.LogSHA256) != 64 || !strings.Contains(v.Log, "[... cut ...]") || v.InsnsProcessed == 0 {
		t.Errorf("log of %d bytes, whole %d, sha %q, processed %d\n%s", len(v.Log), v.LogLen, v.LogSHA256, v.InsnsProcessed, v.Log)
	}
}

// TestBatchGoesOn gives up on a program that takes too long and answers the others in a new VM.
func TestBatchGoesOn(t *testing.T) {
	c := sandboxtest.Require(t, "6.12")
	line := func(id, insns string) string {
		return fmt.Sprintf(`{"id":"%s","prog_type":"socket_filter","license":"GPL","log_level":2,"insns":"%s"}`, id, insns)
	}
	const ok = "b7000000000000009500000000000000"
	// A loop of a million rounds with a log: many seconds, until the verifier's own limit.
	const slow = "b701000000000000" + "0701000001000000" + "a501feff40420f00" + ok
	in := strings.Join([]string{line("a", ok), line("slow", slow), line("b", ok), line("c", ok)}, "\n")
	vs := c.Batch(t, strings.NewReader(in), sandbox.BatchOptions{LogLevel: -1, Timeout: 4 * time.Second})
	var got []string
	for _, v := range vs {
		got = append(got, fmt.Sprintf("%s %v %s", v.ID, v.OK, v.Error))
	}
	want := []string{"a true ", "slow false no verdict within 4s", "b true ", "c true "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestBatchRefusesBrokenInput names the line.
func TestBatchRefusesBrokenInput(t *testing.T) {
	c := sandboxtest.Require(t, "6.12")
	var out bytes.Buffer
	err := sandbox.Batch(t.Context(), c.Manager, "6.12", strings.NewReader("{\"id\":\n"), &out, sandbox.BatchOptions{LogLevel: -1})
	if err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("%v, want line 1", err)
	}
	if _, err := c.Manager.Oracle(t.Context(), "9.9"); err == nil || !strings.Contains(err.Error(), "9.9") {
		t.Errorf("unknown kernel: %v", err)
	}
}

// corpusAllowed counts the corpus records whose maps are not recorded (weak ksyms, tests of bad descriptors) and the one whose log is
// empty by privilege.
const corpusAllowed = 6

// TestCorpus replays the kernel's own tests and compares with what was recorded on a machine of ours before.
func TestCorpus(t *testing.T) {
	sandboxtest.RequireSlow(t)
	dir := os.Getenv("SKEP_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	f, err := os.Open(filepath.Join(dir, "verifier-corpus-6.12.jsonl.gz"))
	if err != nil {
		t.Skipf("no corpus: %v; set SKEP_DATA", err)
	}
	defer f.Close()
	c := sandboxtest.Require(t, "6.12")
	if c.Store, err = sandbox.ReadBTFStore(filepath.Join(dir, "verifier-corpus-6.12-btf.jsonl.gz")); err != nil {
		t.Fatal(err)
	}
	plain, err := sandbox.Plain(f)
	if err != nil {
		t.Fatal(err)
	}
	raw := new(bytes.Buffer)
	if _, err := raw.ReadFrom(plain); err != nil {
		t.Fatal(err)
	}
	vs := c.Batch(t, bytes.NewReader(raw.Bytes()), sandbox.BatchOptions{LogLevel: -1})
	wrong := 0
	d := json.NewDecoder(raw)
	for i := 0; d.More(); i++ {
		var rec struct {
			ID     string
			Kernel struct {
				OK    bool
				Errno int
				N     int `json:"insns_processed"`
			}
		}
		if err := d.Decode(&rec); err != nil {
			t.Fatal(err)
		}
		if v := vs[i]; v.ID != rec.ID || v.OK != rec.Kernel.OK || v.Errno != rec.Kernel.Errno || v.InsnsProcessed != rec.Kernel.N {
			wrong++
			t.Logf("%s: ok %v errno %d processed %d, recorded %+v %s", v.ID, v.OK, v.Errno, v.InsnsProcessed, rec.Kernel, v.Error)
		}
	}
	t.Logf("%d of %d differ", wrong, len(vs))
	if wrong > corpusAllowed {
		t.Errorf("%d of %d records differ, at most %d may", wrong, len(vs), corpusAllowed)
	}
}

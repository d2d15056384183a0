package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/server/sandbox"
	"skep/vm/btf"
)

// compileSample makes an object of a test that is annotated as the kernel's are.
func compileSample(t *testing.T) string {
	t.Helper()
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("no compiler: make setup installs clang-19: %v", err)
	}
	obj := filepath.Join(t.TempDir(), "sample.bpf.o")
	if _, err := command(t.Context(), "", clang, "-g", "-O2", "-target", "bpf", "-mcpu=v3", "-idirafter", "/usr/include/x86_64-linux-gnu",
		"-c", "testdata/sample.c", "-o", obj); err != nil {
		t.Fatal(err)
	}
	return obj
}

func TestRecords(t *testing.T) {
	records, err := recordsOf(compileSample(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		ID, Type string
		Flags    uint32
		Maps     int
		BTF      bool
		Tags     []string
	}
	var got []line
	for _, r := range records {
		slices.Sort(r.Tags)
		got = append(got, line{r.ID, r.ProgType, r.ProgFlags, len(r.Maps), r.BTF != "", r.Tags})
	}
	unread := []string{"test_expect_failure", "test_expect_failure_unpriv", "test_expect_msg=0=R1 !read_ok"}
	want := []line{
		{"new/sample.bpf.o/count", "socket_filter", 8, 1, true, []string{"test_expect_success", "test_prog_flags=BPF_F_TEST_STATE_FREQ", "test_retval=2"}},
		{"new/sample.bpf.o/unread", "socket_filter", 0, 0, true, unread},
		{"new_unpriv/sample.bpf.o/unread", "socket_filter", 0, 0, false, unread},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestAsk asks the sandbox's kernel about the sample.
func TestAsk(t *testing.T) {
	if _, err := findKernel(); err != nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("no kernel: make setup installs one: %v", err)
	}
	if testing.Short() {
		t.Skip("asks a kernel in a virtual machine")
	}
	records, err := recordsOf(compileSample(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if k := records[0].Kernel; !k.OK || !strings.Contains(k.Log, "call bpf_map_lookup_elem#1") {
		t.Errorf("count: errno %d\n%s", k.Errno, k.Log)
	}
	for _, r := range records[1:] {
		if r.Kernel.OK || r.Kernel.Errno == 0 {
			t.Errorf("%s: ok=%v errno %d\n%s", r.ID, r.Kernel.OK, r.Kernel.Errno, r.Kernel.Log)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		have uint32
		tags []string
		want uint32
		bad  bool
	}{
		{16, nil, 16, false},
		{0, []string{"test_prog_flags=BPF_F_STRICT_ALIGNMENT", "test_prog_flags=0x20"}, 33, false},
		{129, []string{"test_prog_flags=!BPF_F_TEST_REG_INVARIANTS"}, 1, false},
		{0, []string{"test_prog_flags=BPF_F_NEW"}, 0, true},
	} {
		got, err := flagsOf(c.have, c.tags)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("flagsOf(%d, %q) = %d, %v", c.have, c.tags, got, err)
		}
	}
}

func TestCompare(t *testing.T) {
	made := func(id string, errno int, log string) *record {
		r := &record{Kernel: &sandbox.Verdict{OK: errno == 0, Errno: errno, Log: log}}
		r.ID, r.Insns = id, []byte{0x95, 0, 0, 0, 0, 0, 0, 0}
		return r
	}
	given := func(id string, errno int, log string) *givenRecord {
		g := &givenRecord{ID: id, Insns: "9500000000000000"}
		g.Kernel.OK, g.Kernel.Errno, g.Kernel.Log = errno == 0, errno, log
		return g
	}
	got := compare([]*givenRecord{
		given("new/a", 0, "verification time 7 usec\nr1 = 0xffff888000000001"),
		given("new/b", 13, "R1 !read_ok\n"), given("new/c", 22, "x"), given("old/d", 0, ""),
	}, []*record{
		made("new/a", 0, "verification time 1234 usec\nr1 = 0xffffc90000000002"),
		made("new/b", 13, "R2 !read_ok\n"), made("new/c", 13, "x"), made("new/extra", 0, ""),
	})
	want := "suite          given    made same bytes  level  verdict+errno  processed  same log\n" +
		"new                3       3          3      3              2          2         1\n" +
		"old                1       0          0      0              0          0         0\n" +
		"new/c: errno 13, given 22\nold/d: not made: no such program\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestArrayRecords(t *testing.T) {
	const line = `{"index":7,"name":"a \"b\"","privileged":false,"type":1,"expected_attach_type":0,"prog_flags":2,"attach_to":"",` +
		`"expect":{"expect":"REJECT"},"map_refs":[[1,0,1]],"kfuncs":[{"insn":3,"name":"no_such"}],"insns":"9500000000000000",` +
		`"maps":[{"map_type":12,"name":"","key_size":4,"value_size":4,"max_entries":1,"map_flags":0,"inner":{"map_type":2,"name":"in","key_size":4,"value_size":8,"max_entries":1}}]}`
	records, err := arrayRecords([]byte(line+"\n"), new(btf.Spec))
	if err != nil {
		t.Fatal(err)
	}
	r := records[0]
	if r.ID != `old_unpriv/test_verifier/a "b"/7` || *r.Privileged || r.ProgType != "socket_filter" || len(r.Kfuncs) != 0 {
		t.Errorf("%+v", r)
	}
	inner := sandbox.RecordMap{Name: "in", Type: "array", KeySize: 4, ValueSize: 8, MaxEntries: 1}
	want := []sandbox.RecordMap{{Type: "array_of_maps", KeySize: 4, ValueSize: 4, MaxEntries: 1, Inner: &inner}}
	if d := cmp.Diff(want, r.Maps); d != "" {
		t.Error(d)
	}
	if _, err := arrayRecords([]byte("{"), nil); err == nil {
		t.Error("half a line was read")
	}
}

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		insns, log, level string
		flags             uint32
		maps              []string
		features          []string
	}{
		{"b7000000000000009500000000000000", "", "core", 0, nil, []string{}},
		{"85000000070000009500000000000000", "", "maps", 0, nil, []string{}},
		{"85000000840000009500000000000000", "", "refs", 0, []string{"ringbuf"}, []string{"ringbuf"}},
		{"db10f8ff000000009500000000000000", "1: R1_w=pkt(r=0)", "packet", 0, nil, []string{"atomic", "packet"}},
		{"1821000000000000000000000000000095", "", "core", 0, nil, []string{}}, // not whole instructions
		{"18210000000000000000000000000000", "", "advanced", 16, nil, []string{"map_value_direct", "sleepable"}},
		{"18400000000000008500000007000000", "", "callbacks", 0, nil, []string{"callback", "func_ptr"}}, // the second half calls nothing
	} {
		r := &record{Kernel: &sandbox.Verdict{Log: c.log}}
		r.Insns, r.ProgFlags = unhex(c.insns), c.flags
		for _, m := range c.maps {
			r.Maps = append(r.Maps, sandbox.RecordMap{Type: m})
		}
		r.classify()
		if d := cmp.Diff(c.features, r.Features); d != "" || r.Level != c.level {
			t.Errorf("%s: level %s, want %s\n%s", c.insns, r.Level, c.level, d)
		}
	}
}

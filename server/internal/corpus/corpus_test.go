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
		{"new/sample.bpf.o/unread", "socket_filter", 0, 1, true, unread},
		{"new_unpriv/sample.bpf.o/unread", "socket_filter", 0, 1, false, unread},
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
	want := "suite          given    made same bytes  verdict+errno  processed  same log\n" +
		"new                3       3          3              2          2         1\n" +
		"old                1       0          0              0          0         0\n" +
		"new/c: errno 13, given 22\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

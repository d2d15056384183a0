package hook_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skep/vm/hook"
)

// data reads a measured file of the reference kernel line by line, or skips:
// they are large and not part of the repository.
func data(t *testing.T, name string) *bufio.Scanner {
	t.Helper()
	dir := os.Getenv("SKEP_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no measurement of the kernel: %v (set SKEP_DATA)", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, 16<<20)
	return sc
}

// loaded names a kind as the kernel's log prints the register.
func loaded(l hook.Loaded) string {
	return [...]string{"scalar", "pkt", "pkt_meta", "pkt_end", "sock", "sock_or_null", "sock_common_or_null", "flow_keys", "tp_buffer", "trusted_ptr_sk_buff", "trusted_ptr_nf_hook_state", "btf"}[l]
}

// TestAccessProbe compares Access with every load that the reference kernel
// was asked for: each offset below 512 with each size, for each pair of types
// that loads.
func TestAccessProbe(t *testing.T) {
	type pair [2]int
	type access [2]int
	want := map[pair]map[access]string{}
	for sc := data(t, "probe-6.12.jsonl.gz"); sc.Scan(); {
		var r struct {
			Base, Ctx []int
			Err       int
			St        string
		}
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Base) == 2 && r.Err == 0 && want[pair(r.Base)] == nil {
			want[pair(r.Base)] = map[access]string{}
		}
		if len(r.Ctx) == 4 {
			st, _, _ := strings.Cut(r.St, "(")
			want[pair(r.Ctx[:2])][access(r.Ctx[2:])] = st
		}
	}
	if len(want) < 38 {
		t.Fatalf("probe has %d pairs, want at least 38", len(want))
	}
	n := 0
	for p, loads := range want {
		prog := hook.Program{Type: hook.ProgType(p[0]), Attach: hook.AttachType(p[1]), CapBPF: true}
		for off := range 512 {
			for _, size := range []int{1, 2, 4, 8} {
				kind, ok := hook.Access(prog, off, size, false, false)
				st := ""
				if ok {
					st = loaded(kind)
				}
				if st != loads[access{off, size}] {
					t.Errorf("%v off=%d size=%d: %q, kernel %q", p, off, size, st, loads[access{off, size}])
				}
				n++
			}
		}
	}
	t.Logf("%d loads of %d pairs", n, len(want))
}

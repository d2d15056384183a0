package asm

import (
	"bufio"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"skep/vm/isa"
)

// cutMark stands in a log of more than 64 KiB for its middle.
const cutMark = "...CUT..."

const corpusName = "verifier-corpus-6.12.jsonl.gz"

// dataFile finds a file of the test data, which is not in the repository.
func dataFile(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("SKEP_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no test data: %v (set SKEP_DATA to the folder that has %s)", err, name)
	}
	return path
}

type corpusRecord struct {
	ID         string `json:"id"`
	Privileged bool   `json:"privileged"`
	Insns      string `json:"insns"`
	Kfuncs     [][]any
	Kernel     struct {
		Log string `json:"log"`
	} `json:"kernel"`
}

func readCorpus(t *testing.T, each func(r *corpusRecord, prog []isa.Insn)) {
	t.Helper()
	f, err := os.Open(dataFile(t, corpusName))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r corpusRecord
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		code, err := hex.DecodeString(r.Insns)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := isa.DecodeAll(code)
		if err != nil {
			t.Fatal(err)
		}
		each(&r, prog)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

var (
	logInsn    = regexp.MustCompile(`^(?:mark_precise: .* before )?(\d+): (\([0-9a-f]{2}\) .*)$`)
	logAddress = regexp.MustCompile(`^\(18\) r\d+ = 0x([0-9a-f]+)`)
	logState   = regexp.MustCompile(` +;`)
	logCallee  = regexp.MustCompile(`^\(85\) call (\w*)#`)
)

// Every instruction line of the kernel's logs is printed byte for byte, with
// the padding before the state: what cannot be known from the program (the
// addresses of maps, the names of helpers and kernel functions) comes from the
// log by way of the resolver.
func TestKernelLogs(t *testing.T) {
	lines, bad, cut := 0, 0, 0
	var buf []byte
	helpers := map[int32]string{}
	readCorpus(t, func(rec *corpusRecord, prog []isa.Insn) {
		var r Resolver
		kfuncs := map[int]string{}
		for _, k := range rec.Kfuncs {
			kfuncs[int(k[0].(float64))] = k[2].(string)
		}
		r.HidePointers = !rec.Privileged
		r.Version = 6<<8 | 12
		var addr uint64
		r.Address = func(int) (uint64, bool) { return addr, true }
		var callee string
		r.HelperName = func(id int32) string {
			if name, ok := helpers[id]; ok {
				if name != callee {
					t.Errorf("%s: helper %d is %s and %s", rec.ID, id, name, callee)
				}
			}
			helpers[id] = callee
			return callee
		}
		at := 0
		r.KfuncName = func(int32, int16) (string, bool) {
			if name := kfuncs[at]; name != callee {
				t.Errorf("%s: kfunc at %d is %q, log has %q", rec.ID, at, name, callee)
			}
			return callee, true
		}
		text := strings.Split(rec.Kernel.Log, "\n")
		for n, line := range text {
			m := logInsn.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			if n+1 == len(text) || text[n+1] == cutMark || n > 0 && text[n-1] == cutMark {
				cut++ // the log is cut in the middle of this line
				continue
			}
			pc, _ := strconv.Atoi(m[1])
			if pc >= len(prog) {
				t.Errorf("%s: %q: the program has %d slots", rec.ID, line, len(prog))
				continue
			}
			if a := logAddress.FindStringSubmatch(m[2]); a != nil {
				addr, _ = strconv.ParseUint(a[1], 16, 64)
			}
			callee = ""
			if c := logCallee.FindStringSubmatch(m[2]); c != nil {
				callee = c[1]
			}
			at = pc
			buf = AppendKernel(buf[:0], prog, pc, &r)
			want := m[2]
			if strings.HasPrefix(line, m[1]) {
				// The state follows the text on the same line, padded to a column.
				if i := logState.FindStringIndex(want); i != nil {
					want = want[:i[1]-1]
					for col := pad(len(m[1]) + 2 + len(buf)); len(m[1])+2+len(buf) < col; {
						buf = append(buf, ' ')
					}
				}
			}
			lines++
			if string(buf) != want {
				if bad++; bad < 20 {
					t.Errorf("%s at %d:\n got %q\nwant %q", rec.ID, pc, buf, want)
				}
			}
		}
	})
	if bad > 0 {
		t.Errorf("%d of %d lines differ", bad, lines)
	}
	if lines < 90000 {
		t.Errorf("only %d lines compared", lines)
	}
	t.Logf("%d instruction lines are equal, %d were cut, %d helpers named", lines, cut, len(helpers))
}

// pad is the column of the state behind an instruction of n bytes, its number
// included (vlog_alignment in kernel/bpf/log.c, which counts the newline too).
func pad(n int) int { return (max(n+1+4, 40)+7)&^7 - 2 }

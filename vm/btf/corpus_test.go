package btf

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	cbtf "github.com/cilium/ebpf/btf"
)

// dataFile opens a file of the shared test data, which is no part of the
// repository: $SKEP_DATA, or shared/data beside the module.
func dataFile(t testing.TB, name string) *os.File {
	t.Helper()
	dir := os.Getenv("SKEP_DATA")
	if dir == "" {
		dir = "../../../shared/data"
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("no test data, set SKEP_DATA: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// vmlinux is the BTF of some Linux kernel, from the test data of cilium/ebpf.
func vmlinux(t testing.TB) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cilium/ebpf").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "btf/testdata/vmlinux.btf.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// corpusBTF reads the blobs of the corpus by their hash.
func corpusBTF(t *testing.T) map[string][]byte {
	t.Helper()
	blobs := make(map[string][]byte)
	var rec struct{ Hash, Blob string }
	eachRecord(t, "verifier-corpus-6.12-btf.jsonl.gz", &rec, func() {
		blob, err := hex.DecodeString(rec.Blob)
		if err != nil {
			t.Fatal(err)
		}
		blobs[rec.Hash] = blob
	})
	return blobs
}

// eachRecord reads a file of JSON lines, each into rec.
func eachRecord[R any](t *testing.T, name string, rec *R, f func()) {
	t.Helper()
	z, err := gzip.NewReader(dataFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		*rec = *new(R)
		if err := json.Unmarshal(lines.Bytes(), rec); err != nil {
			t.Fatal(err)
		}
		f()
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// TestCorpus parses the BTF of the kernel's own BPF tests, as they were loaded
// into a kernel, and compares each type with cilium/ebpf.
func TestCorpus(t *testing.T) {
	blobs, types := 0, 0
	for hash, blob := range corpusBTF(t) {
		s, err := Parse(blob)
		if err != nil {
			t.Errorf("%s: %v", hash, err)
			continue
		}
		theirs, err := cbtf.LoadSpecFromReader(bytes.NewReader(blob))
		if err != nil {
			t.Errorf("%s: cilium/ebpf: %v", hash, err)
			continue
		}
		types += compareSpecs(t, hash, s, theirs)
		blobs++
	}
	if blobs < 400 {
		t.Errorf("%d blobs compared", blobs)
	}
	t.Logf("%d types in %d blobs", types, blobs)
}

// TestCorpusLines holds the source lines that a kernel printed into its logs,
// "; text @ file:line", against those that we look up.
func TestCorpusLines(t *testing.T) {
	blobs := corpusBTF(t)
	specs := make(map[string]*Spec)
	var rec struct {
		ID       string
		BTF      string
		LineInfo string `json:"line_info"`
		LineSize int    `json:"line_info_rec_size"`
		FuncInfo string `json:"func_info"`
		FuncSize int    `json:"func_info_rec_size"`
		Kernel   struct{ Log string }
	}
	printed, programs := 0, 0
	eachRecord(t, "verifier-corpus-6.12.jsonl.gz", &rec, func() {
		if rec.BTF == "" || rec.LineInfo == "" {
			return
		}
		s := specs[rec.BTF]
		if s == nil {
			var err error
			if s, err = Parse(blobs[rec.BTF]); err != nil {
				t.Fatalf("%s: %v", rec.BTF, err)
			}
			specs[rec.BTF] = s
		}
		raw, err := hex.DecodeString(rec.LineInfo)
		if err != nil {
			t.Fatal(err)
		}
		infos, err := DecodeLineInfo(raw, rec.LineSize)
		if err != nil {
			t.Fatalf("%s: %v", rec.ID, err)
		}
		known := make(map[string]bool)
		for _, i := range infos {
			l := s.Line(i)
			text := strings.TrimLeft(l.Text, " \t")
			known["; "+text+" @ "+filepath.Base(l.File)+":"+strconv.Itoa(l.Line)] = true
		}
		if raw, err = hex.DecodeString(rec.FuncInfo); err != nil {
			t.Fatal(err)
		}
		funcs, err := DecodeFuncInfo(raw, rec.FuncSize)
		if err != nil {
			t.Fatalf("%s: %v", rec.ID, err)
		}
		for _, f := range funcs {
			if s.Kind(f.Type) != KindFunc || s.Kind(s.Type(f.Type).Target()) != KindFuncProto {
				t.Errorf("%s: func_info %+v is a %v", rec.ID, f, s.Kind(f.Type))
			}
		}
		programs++
		log := rec.Kernel.Log
		if head, tail, cut := strings.Cut(log, "\n...CUT...\n"); cut { // in the middle of two lines
			_, tail, _ = strings.Cut(tail, "\n")
			log = head[:strings.LastIndex(head, "\n")+1] + tail
		}
		for line := range strings.Lines(log) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(line, "; ") && strings.Contains(line, " @ ") {
				printed++
				if !known[line] {
					t.Errorf("%s: the kernel printed %q", rec.ID, line)
				}
			}
		}
	})
	if programs < 500 || printed < 5000 {
		t.Errorf("%d lines of %d programs compared", printed, programs)
	}
	t.Logf("%d lines of %d programs", printed, programs)
}

// TestVmlinux does it with all types of a kernel.
func TestVmlinux(t *testing.T) {
	blob := vmlinux(t)
	s, err := Parse(blob)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := cbtf.LoadSpecFromReader(bytes.NewReader(blob))
	if err != nil {
		t.Fatal(err)
	}
	n := compareSpecs(t, "vmlinux", s, theirs)
	for typ := range s.All() {
		if typ.Kind() == KindDeclTag { // cilium/ebpf has them as parts of other types
			n++
		}
	}
	if n != s.Len()-1 || n < 10000 {
		t.Errorf("compared %d types of %d", n, s.Len()-1)
	}
	for typ := range s.All() {
		if name := typ.Name(); name != "" {
			if id, ok := s.Lookup(name, typ.Kind()); !ok || id > typ.ID() {
				t.Fatalf("Lookup(%q, %v) = %d, %v; it is type %d", name, typ.Kind(), id, ok, typ.ID())
			}
		}
		s.AppendDef(nil, typ.ID())
	}
}

func compareSpecs(t *testing.T, what string, s *Spec, theirs *cbtf.Spec) int {
	t.Helper()
	n := 0
	for typ, err := range theirs.All() {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		id, err := theirs.TypeID(typ)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if id == 0 {
			continue
		}
		n++
		got := s.Type(ID(id))
		if got.Name() != typ.TypeName() {
			if _, tag := typ.(*cbtf.TypeTag); !tag {
				t.Errorf("%s: type %d is named %q, want %q", what, id, got.Name(), typ.TypeName())
			}
		}
		size, sized := s.Size(ID(id))
		if want, err := cbtf.Sizeof(typ); err == nil && s.Resolve(ID(id)) != 0 && (uint32(want) != size || !sized) {
			t.Errorf("%s: type %d %v: size %d, %v, want %d", what, id, typ, size, sized, want)
		}
		switch typ := typ.(type) {
		case *cbtf.Struct:
			compareMembers(t, s, got, KindStruct, typ.Members)
		case *cbtf.Union:
			compareMembers(t, s, got, KindUnion, typ.Members)
		case *cbtf.Enum:
			if !got.Kind().IsEnum() || got.Vlen() != len(typ.Values) || got.Signed() != typ.Signed {
				t.Errorf("%s: enum %d: %v %d %v", what, id, got.Kind(), got.Vlen(), got.Signed())
				break
			}
			for i, v := range typ.Values {
				if e := got.Enumerator(i); e.Name != v.Name || e.Value != v.Value {
					t.Errorf("%s: enum %d: %+v, want %+v", what, id, e, v)
				}
			}
		case *cbtf.FuncProto:
			if got.Kind() != KindFuncProto || got.Vlen() != len(typ.Params) {
				t.Errorf("%s: func_proto %d: %v with %d parameters", what, id, got.Kind(), got.Vlen())
			}
		case *cbtf.Array:
			if got.Array().Len != typ.Nelems {
				t.Errorf("%s: array %d: %d", what, id, got.Array().Len)
			}
		case *cbtf.Datasec:
			for i, v := range typ.Vars {
				if g := got.SecVar(i); g.Offset != v.Offset || g.Size != v.Size || s.Name(g.Type) != v.Type.TypeName() {
					t.Errorf("%s: datasec %d: %+v, want %+v", what, id, g, v)
				}
			}
		}
	}
	return n
}

func compareMembers(t *testing.T, s *Spec, got Type, kind Kind, want []cbtf.Member) {
	t.Helper()
	if got.Kind() != kind || got.Vlen() != len(want) {
		t.Errorf("type %d: %v with %d members, want %d", got.ID(), got.Kind(), got.Vlen(), len(want))
		return
	}
	for i, m := range want {
		g := got.Member(i)
		if g.Name != m.Name || g.Offset != uint32(m.Offset) || g.Bits != uint32(m.BitfieldSize) || s.Name(g.Type) != m.Type.TypeName() {
			t.Errorf("type %d: member %+v, want %+v", got.ID(), g, m)
		}
	}
}

// BenchmarkParse measures a kernel's BTF here and in cilium/ebpf, each with the
// look-up of one type by name.
func BenchmarkParse(b *testing.B) {
	blob := vmlinux(b)
	b.Run("skep", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		b.ReportAllocs()
		for b.Loop() {
			s, err := Parse(blob)
			if err != nil {
				b.Fatal(err)
			}
			if _, ok := s.Lookup("task_struct", KindStruct); !ok {
				b.Fatal("no task_struct")
			}
		}
	})
	b.Run("cilium", func(b *testing.B) {
		b.SetBytes(int64(len(blob)))
		b.ReportAllocs()
		for b.Loop() {
			s, err := cbtf.LoadSpecFromReader(bytes.NewReader(blob))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.AnyTypeByName("task_struct"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

package verdict

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/verifier"
	"skep/vm/isa"
	"skep/wasm/protocol"
)

// With -kernel the files of testdata are written anew: the gallery is compiled
// and a real kernel is asked, through a command that reads batch records:
//
//	go test ./wasm/verdict -run TestKernel -args -kernel 'go run skep/server/cmd/skep sandbox run'
var kernelCommand = flag.String("kernel", "", "command that verifies batch records with a real kernel: write testdata anew")

// record is a program in the batch format of design.md.
type record struct {
	ID        string      `json:"id"`
	ProgType  string      `json:"prog_type"`
	Attach    uint32      `json:"expected_attach_type"`
	Flags     uint32      `json:"prog_flags"`
	License   string      `json:"license"`
	LogLevel  int         `json:"log_level"`
	Privilege string      `json:"privilege,omitempty"`
	Maps      []mapRecord `json:"maps"`
	Insns     string      `json:"insns"`
	BTF       string      `json:"btf,omitempty"`
	FuncInfo  string      `json:"func_info,omitempty"`
	LineInfo  string      `json:"line_info,omitempty"`
}

type mapRecord struct {
	Name       string     `json:"name"`
	Type       string     `json:"type"`
	KeySize    uint32     `json:"key_size"`
	ValueSize  uint32     `json:"value_size"`
	MaxEntries uint32     `json:"max_entries"`
	Flags      uint32     `json:"map_flags"`
	Extra      uint64     `json:"map_extra"`
	BTF        string     `json:"btf,omitempty"`
	KeyType    uint32     `json:"key_type_id,omitempty"`
	ValueType  uint32     `json:"value_type_id,omitempty"`
	Data       string     `json:"data,omitempty"`
	Frozen     bool       `json:"frozen,omitempty"`
	Inner      *mapRecord `json:"inner,omitempty"`
}

// answer is the kernel's, as testdata keeps it.
type answer struct {
	OK    bool   `json:"ok"`
	Errno uint32 `json:"errno"`
	Log   string `json:"log"`
	Error string `json:"error"`
}

func mapOf(m *verifier.MapInfo) mapRecord {
	r := mapRecord{
		Name: m.Name, Type: m.Type.String(), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, Flags: m.Flags,
		Extra: m.Extra, KeyType: uint32(m.KeyType), ValueType: uint32(m.ValueType), Data: hex.EncodeToString(m.Data), Frozen: m.Frozen,
	}
	if m.BTF != nil {
		r.BTF = hex.EncodeToString(m.BTF.Bytes())
	}
	if m.Inner != nil {
		in := mapOf(m.Inner)
		r.Inner = &in
	}
	return r
}

// recordOf is what the verifier is given, for the kernel.
func recordOf(name, privilege string, p *verifier.Program) record {
	r := record{
		ID: name + "." + privilege, ProgType: p.Type.String(), Attach: uint32(p.Attach), Flags: p.Flags, LogLevel: level(name, privilege), Privilege: privilege,
		Insns: hex.EncodeToString(isa.EncodeAll(p.Insns)), FuncInfo: hex.EncodeToString(p.FuncInfo), LineInfo: hex.EncodeToString(p.LineInfo),
	}
	if r.Privilege == "root" {
		r.Privilege = "" // the format's word for it
	}
	if p.GPL {
		r.License = "GPL"
	}
	if p.BTF != nil {
		r.BTF = hex.EncodeToString(p.BTF.Bytes())
	}
	for i := range p.Maps {
		r.Maps = append(r.Maps, mapOf(&p.Maps[i]))
	}
	return r
}

// level is the log level for a program. Without CAP_PERFMON the loop of
// first-steps is walked until there are a million instructions: half a minute
// of printing for an emulated kernel.
func level(name, privilege string) int {
	if name == "first-steps" && privilege == "cap_bpf" {
		return verifier.LogStats
	}
	return verifier.LogLevel2 | verifier.LogStats
}

var privileges = []struct {
	name  string
	proto protocol.Privilege
}{
	{"root", protocol.PrivilegeRoot}, {"cap_bpf", protocol.PrivilegeCapBpf}, {"unprivileged", protocol.PrivilegeUnprivileged},
}

// sourceOf is a program of testdata: NAME.s or NAME.o.
func sourceOf(t testing.TB, name string) protocol.WireSource {
	t.Helper()
	base := filepath.Join("testdata", name)
	if text, err := os.ReadFile(base + ".s"); err == nil {
		return protocol.WireSource{Text: string(text)}
	}
	b, err := os.ReadFile(base + ".o")
	if err != nil {
		t.Fatal(err)
	}
	return protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b, Name: "prog.bpf.o"}
}

// programs lists testdata.
func programs(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.[os]")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d programs in testdata (%v), at least 10 expected", len(files), err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), filepath.Ext(f))
	}
	return files
}

var (
	verifyTime = regexp.MustCompile(`verification time \d+ usec`)
	address    = regexp.MustCompile(`(\(18\) r\d = 0xffff)[0-9a-f]{12}`)
)

// masked is a log without what differs from run to run: time, and the
// addresses of maps and their values.
func masked(log string) string {
	log = verifyTime.ReplaceAllString(strings.TrimSuffix(log, "\n"), "verification time 0 usec")
	return address.ReplaceAllString(log, "${1}000000000000")
}

// TestKernel: verdict, errno and every line of the log are the kernel's, for
// the gallery's programs and some wrong ones, at each privilege.
func TestKernel(t *testing.T) {
	if *kernelCommand != "" {
		compileGallery(t)
		askKernel(t)
	}
	accepted := 0
	for _, name := range programs(t) {
		for _, who := range privileges {
			t.Run(name+"/"+who.name, func(t *testing.T) {
				raw, err := os.ReadFile(filepath.Join("testdata", name+"."+who.name+".json"))
				if err != nil {
					t.Fatal(err)
				}
				var want answer
				if err := json.Unmarshal(raw, &want); err != nil {
					t.Fatal(err)
				}
				v := Verify(&protocol.Verify{Source: sourceOf(t, name), Options: protocol.VerifyOptions{Privilege: who.proto, Level: uint8(level(name, who.name))}})
				if v.Outcome == protocol.OutcomeUnreadable || v.Outcome == protocol.OutcomeNotModelled {
					t.Fatalf("no verdict: %s%v", v.Feature, v.Problems)
				}
				if ok := v.Outcome == protocol.OutcomeAccepted; ok != want.OK || v.Errno != want.Errno {
					t.Errorf("accepted %v errno %d, the kernel says %v and %d: %q", ok, v.Errno, want.OK, want.Errno, v.Errors)
				}
				if want.OK && who.name == "root" {
					accepted++
				}
				if d := cmp.Diff(strings.Split(masked(want.Log), "\n"), strings.Split(masked(v.Log), "\n")); d != "" {
					t.Errorf("log (-kernel +ours):\n%s", d)
				}
				if lines := strings.Count(strings.TrimSuffix(v.Log, "\n"), "\n") + 1; len(v.LinePCs) != lines {
					t.Errorf("%d links for %d lines", len(v.LinePCs), lines)
				}
			})
		}
	}
	if accepted < 9 {
		t.Errorf("the kernel accepts %d programs of testdata, at least the gallery's 9 expected", accepted)
	}
}

// compileGallery brings the gallery's programs into testdata.
func compileGallery(t *testing.T) {
	t.Helper()
	dirs, err := filepath.Glob("../../web/gallery/*/example.json")
	if err != nil || len(dirs) == 0 {
		t.Fatal(err)
	}
	for _, file := range dirs {
		dir := filepath.Dir(file)
		base, err := filepath.Abs(filepath.Join("testdata", filepath.Base(dir)))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "prog.s")); err == nil {
			if err := os.WriteFile(base+".s", text, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		cmd := exec.Command("clang-19", "-target", "bpf", "-mcpu=v3", "-g", "-O2", "-D__TARGET_ARCH_x86", "-D__x86_64__",
			"-idirafter", "/usr/include/x86_64-linux-gnu", "-fdebug-compilation-dir=.", "-c", "prog.bpf.c", "-o", base+".o")
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("clang: %v\n%s", err, text)
		}
		// What is adjusted to a kernel is not the same program for every kernel:
		// server/reference asks a real one for those.
		if l, problems := Load(sourceOf(t, filepath.Base(dir)), 0, Options{}); l == nil {
			t.Fatalf("%s: %v", dir, problems)
		} else if l.Feature != "" {
			os.Remove(base + ".o")
		}
	}
}

func askKernel(t *testing.T) {
	t.Helper()
	var in bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, name := range programs(t) {
		for _, who := range privileges {
			l, problems := Load(sourceOf(t, name), 0, Options{Privilege: PrivilegeOf(who.proto)})
			if l == nil {
				t.Fatalf("%s: %v", name, problems)
			}
			if err := enc.Encode(recordOf(name, who.name, l.Program)); err != nil {
				t.Fatal(err)
			}
		}
	}
	args := strings.Fields(*kernelCommand)
	cmd := exec.Command(args[0], append(args[1:], "--batch", "--log-max", "16777216")...)
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kernel: %v", err)
	}
	s := bufio.NewScanner(bytes.NewReader(out))
	s.Buffer(nil, 64<<20)
	for s.Scan() {
		var a struct {
			ID string
			answer
		}
		if err := json.Unmarshal(s.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		if a.Error != "" {
			t.Fatalf("%s: %s", a.ID, a.Error)
		}
		text, err := json.MarshalIndent(answer{OK: a.OK, Errno: a.Errno, Log: masked(a.Log)}, "", " ")
		if err == nil {
			err = os.WriteFile(filepath.Join("testdata", a.ID+".json"), append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

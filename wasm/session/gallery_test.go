package session

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/wasm/protocol"
)

// example is the part of a gallery program's example.json that a run needs.
type example struct {
	Hook, Program string
	Input, Events []string
	Maps          []struct{ Map, Key, Value string }
	Expect        []string
}

// gallerySource is a gallery program as the page loads it.
func gallerySource(t *testing.T, dir string) protocol.WireSource {
	t.Helper()
	if text, err := os.ReadFile(filepath.Join(dir, "prog.s")); err == nil {
		return protocol.WireSource{Text: string(text)}
	}
	clang, err := exec.LookPath("clang-19")
	if err != nil {
		if os.Getenv("SKEP_CI") != "" {
			t.Fatal("clang-19 is missing: make setup installs it")
		}
		t.Skip("clang-19 is missing: make setup installs it")
	}
	obj := filepath.Join(t.TempDir(), "prog.bpf.o")
	cmd := exec.Command(clang, "-target", "bpf", "-mcpu=v3", "-g", "-O2", "-D__TARGET_ARCH_x86", "-D__x86_64__",
		"-idirafter", "/usr/include/x86_64-linux-gnu", "-fdebug-compilation-dir=.", "-c", "prog.bpf.c", "-o", obj)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("clang: %v\n%s", err, text)
	}
	b, err := os.ReadFile(obj)
	if err != nil {
		t.Fatal(err)
	}
	return protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b, Name: "prog.bpf.o"}
}

// TestGallery steps through every gallery program in both directions and
// holds its verdicts to what its example says.
func TestGallery(t *testing.T) {
	files, err := filepath.Glob("../../web/gallery/*/example.json")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d gallery programs (%v), at least 8 expected", len(files), err)
	}
	for _, file := range files {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var ex example
			if err := json.Unmarshal(b, &ex); err != nil {
				t.Fatal(err)
			}
			s := New()
			l := s.Load(gallerySource(t, dir))
			if l.Listing == nil {
				t.Fatalf("%+v", l.Problems)
			}
			for _, in := range l.Listing.Insns {
				if in.Line < 0 || l.Listing.Lines[in.Line].Text == "" {
					t.Errorf("instruction %d has no source line", in.PC)
				}
			}
			if ex.Program != "" {
				for i, p := range l.Listing.Programs {
					if p.Name == ex.Program {
						s.Choose(i)
					}
				}
			}
			var inits []protocol.MapInit
			for _, m := range ex.Maps {
				inits = append(inits, protocol.MapInit{Map: m.Map, Key: unhex(t, m.Key), Value: unhex(t, m.Value)})
			}
			o := DefaultOptions()
			in := protocol.WireInput{Kind: protocol.InputKindEvents, Text: strings.Join(ex.Events, "\n")}
			if len(ex.Events) == 0 {
				o.Hook = ex.Hook
				in = protocol.WireInput{Text: strings.Join(ex.Input, "\n")}
			}
			st := s.Start(in, o, inits)
			if st.View == nil {
				t.Fatalf("%+v", st.Problems)
			}
			views := []string{encoded(st.View)}
			var v *protocol.View
			for {
				v = walk(t, s, protocol.MovementStep, 1)
				if v.Stop != protocol.StopReasonMoved {
					break
				}
				views = append(views, encoded(v))
			}
			var got []string
			for _, w := range v.Verdicts {
				got = append(got, w.Name)
			}
			if v.Fault != nil {
				got = append(got, "fault")
				t.Logf("%s; %s", v.Fault.Message, v.Fault.Hint)
			}
			if d := cmp.Diff(ex.Expect, got); d != "" {
				t.Error(d)
			}
			for i := len(views) - 2; i >= 0; i-- {
				if encoded(walk(t, s, protocol.MovementBack, 1)) != views[i] {
					t.Fatalf("step %d looks otherwise on the way back", i)
				}
			}
			t.Logf("%d steps, %d instructions, %v", len(views)-1, len(l.Listing.Insns), got)
		})
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestRecordTypes is that records of a ring are read by the type that the
// object keeps for them.
func TestRecordTypes(t *testing.T) {
	for id, want := range map[string]struct{ input, typ, text string }{
		"ring-sampler": {"eth / ipv4(src=10.0.0.1, dst=10.0.0.2) / tcp(sport=40000, dport=443, flags=S)", "struct sample", `"sport":40000,"dport":443,"len":54}`},
		"unlink-watch": {"unlink path=/tmp/x comm=rm", "struct removal", `"comm":"rm","path":"/tmp/x"}`},
	} {
		s := New()
		if l := s.Load(gallerySource(t, filepath.Join("../../web/gallery", id))); l.Listing == nil {
			t.Fatal(l.Problems)
		}
		in := protocol.WireInput{Text: want.input}
		if !strings.Contains(want.input, "/ tcp") {
			in.Kind = protocol.InputKindEvents
		}
		if st := s.Start(in, DefaultOptions(), nil); st.View == nil {
			t.Fatal(st.Problems)
		}
		v := walk(t, s, protocol.MovementRun, 0)
		var got []protocol.RingRecord
		for _, m := range v.Maps {
			got = append(got, m.Records...)
		}
		if len(got) != 1 || got[0].Type != want.typ || !strings.HasSuffix(got[0].Text, want.text) || got[0].CPU != -1 {
			t.Errorf("%s: %+v", id, got)
		}
	}
}

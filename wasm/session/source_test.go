package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skep/wasm/protocol"
)

func TestOptions(t *testing.T) {
	s := New()
	s.Load(protocol.WireSource{Text: countSource})
	for _, c := range []struct {
		change func(*protocol.RunOptions)
		word   string
	}{
		{func(o *protocol.RunOptions) { o.Hook = "xpd" }, "xpd"},
		{func(o *protocol.RunOptions) { o.CPUs = 65 }, "cpus"},
		{func(o *protocol.RunOptions) { o.CPU = 2 }, "cpu"},
	} {
		o := DefaultOptions()
		c.change(&o)
		st := s.Start(protocol.WireInput{Text: "arp"}, o, nil)
		if st.View != nil || len(st.Problems) != 1 || st.Problems[0].Word != c.word || st.Problems[0].Where != protocol.WhereOption {
			t.Errorf("%s: %+v", c.word, st.Problems)
		}
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		source string
		want   protocol.Problem
	}{
		{"r0 = 0\n\"é😀\" r1\nexit", protocol.Problem{Line: 2, Col: 1}},
		{"r0 = 0\nr1 = map[nope]\nexit", protocol.Problem{Line: 2}},
		{".map m hsh key=4 value=8 entries=1\nexit", protocol.Problem{Line: 1}},
		{"", protocol.Problem{}},
	} {
		p := Check(c.source)
		if len(p) == 0 || p[0].Line != c.want.Line || c.want.Col != 0 && p[0].Col != c.want.Col || p[0].Message == "" {
			t.Errorf("%q: %+v", c.source, p)
		}
	}
	if p := Check(countSource); len(p) != 0 {
		t.Errorf("a good program: %+v", p)
	}
}

func TestUTF16(t *testing.T) {
	l := newLines("ab\nx é😀 y\n")
	var p protocol.Problem
	l.place(&p, 2, 10, 1) // y: after x, space, é (2 bytes), 😀 (4 bytes), space
	if p.Col != 7 || p.Length != 1 {
		t.Errorf("%+v", p)
	}
}

func TestHooks(t *testing.T) {
	hooks := Hooks()
	if len(hooks) < 3 {
		t.Fatalf("%d hooks", len(hooks))
	}
	for _, h := range hooks {
		if h.Doc == "" || h.Title == "" {
			t.Errorf("%+v", h)
		}
		s := New()
		s.Load(protocol.WireSource{Text: "r0 = 1\nexit"})
		o := DefaultOptions()
		o.Hook = h.Type
		st := s.Start(protocol.WireInput{Text: "ipv4 / udp"}, o, nil)
		if st.View == nil {
			t.Errorf("%s: %+v", h.Type, st.Problems)
			continue
		}
		if v := walk(t, s, protocol.MovementRun, 0); v.State != protocol.StateExited || len(v.Verdicts) != 1 {
			t.Errorf("%s: %+v", h.Type, v)
		}
	}
}

// TestObjects loads every object of the object reader's tests and runs every
// program of a hook that the page can fire.
func TestObjects(t *testing.T) {
	files, _ := filepath.Glob("../../vm/object/testdata/*.o")
	if len(files) == 0 {
		t.Fatal("there are no objects in vm/object/testdata")
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := New()
		l := s.Load(protocol.WireSource{Kind: protocol.SourceKindObject, Bytes: b, Name: filepath.Base(file)})
		if l.Listing == nil {
			t.Logf("%s: %s", filepath.Base(file), l.Problems[0].Message)
			continue
		}
		for i, p := range l.Listing.Programs {
			if c := s.Choose(i); c.Listing == nil || len(c.Listing.Insns) == 0 {
				t.Errorf("%s %s: %+v", file, p.Name, c.Problems)
			}
			st := s.Start(protocol.WireInput{Text: three}, DefaultOptions(), nil)
			if st.View == nil {
				t.Logf("%s %s (%s): %s", filepath.Base(file), p.Name, p.Section, st.Problems[0].Message)
				continue
			}
			v := walk(t, s, protocol.MovementRun, 0)
			t.Logf("%s %s (%s): %d steps, %d maps, fault %v", filepath.Base(file), p.Name, p.Section, v.Step, len(v.Maps), v.Fault)
			walk(t, s, protocol.MovementSeek, 0)
		}
	}
}

// The words lock= and timer= of .map: the lock is held, the timer is armed and
// the value is read by the type that they make.
func TestAssembledParts(t *testing.T) {
	text, err := os.ReadFile("../../vm/source/testdata/parts.s")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := start(t, string(text), "ipv4 / icmp")
	v := walk(t, s, protocol.MovementRun, 0)
	if v.Fault != nil {
		t.Fatalf("%+v", v.Fault)
	}
	m := v.Maps[0]
	if len(m.Timers) != 1 || m.Timers[0].Callback != "cb" {
		t.Errorf("timers %+v", m.Timers)
	}
	if got := m.Entries[0].ValueTexts[0]; !strings.HasPrefix(got, `{"spin_lock":{"opaque":0},"at4":7,"timer":{"opaque":[`) {
		t.Errorf("value %s", got)
	}
}

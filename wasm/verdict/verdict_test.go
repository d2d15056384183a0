package verdict

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/verifier/klog"
	"skep/verifier/trace"
	"skep/vm/hook"
	"skep/vm/maps"
	"skep/wasm/protocol"
)

func ask(text string, level uint8) *protocol.Verified {
	return Verify(&protocol.Verify{Source: protocol.WireSource{Text: text}, Options: protocol.VerifyOptions{Level: level}})
}

// TestRejected: the lines of the error, and the instruction and source line
// that they are about.
func TestRejected(t *testing.T) {
	for _, c := range []struct {
		name     string
		errors   []string
		pc, line int
	}{
		{"past-the-end", []string{"invalid access to map value, value_size=64 off=64 size=8", "R1 min value is outside of the allowed memory range"}, 11, 19},
		{"no-return", []string{"R0 !read_ok"}, 0, 4},
		{"no-null-check", []string{"R0 invalid mem access 'map_value_or_null'"}, 6, 11},
		{"short-check", []string{"invalid access to packet, off=23 size=1, R2(id=0,off=23,r=14)", "R2 offset is outside of the packet"}, 5, 9},
		{"jump-out", []string{"jump out of range from insn 1 to 9"}, 1, 4},
		{"unreachable", []string{"unreachable insn 2"}, 2, 5},
		{"deep-stack", []string{"combined stack size of 2 calls is 640. Too large"}, -1, 0},
		{"endless", []string{"infinite loop detected at insn 1"}, 1, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, level := range []uint8{0, 1, 2, 6} {
				v := Verify(&protocol.Verify{Source: sourceOf(t, c.name), Options: protocol.VerifyOptions{Level: level}})
				if v.Outcome != protocol.OutcomeRejected || int(v.PC) != c.pc || int(v.Line) != c.line {
					t.Errorf("level %d: outcome %d at %d, line %d, want rejected at %d, line %d", level, v.Outcome, v.PC, v.Line, c.pc, c.line)
				}
				if c.errors != nil && !cmp.Equal(c.errors, v.Errors) {
					t.Errorf("level %d: errors %q, want %q", level, v.Errors, c.errors)
				}
				if (level == 0) != (v.Log == "") {
					t.Errorf("level %d: a log of %d bytes", level, len(v.Log))
				}
			}
		})
	}
}

func TestUnreadable(t *testing.T) {
	for _, src := range []protocol.WireSource{
		{Text: "r0 = \n"}, {Text: ""}, {Text: "; nothing"}, {Text: "r1 = map[none]\nexit"}, {Text: ".map m no_such key=4 value=4 entries=1\nexit"},
		{Text: ".prog no_such\nr0 = 0\nexit"}, {Kind: protocol.SourceKindObject}, {Kind: protocol.SourceKindObject, Bytes: []byte("\x7fELF")},
	} {
		v := Verify(&protocol.Verify{Source: src})
		if v.Outcome != protocol.OutcomeUnreadable || len(v.Problems) == 0 || v.PC != -1 {
			t.Errorf("%q %q: outcome %d, problems %v", src.Text, src.Bytes, v.Outcome, v.Problems)
		}
	}
}

func TestNotModelled(t *testing.T) {
	v := ask(".prog tracing\nr0 = 0\nexit\n", 0)
	if v.Outcome != protocol.OutcomeNotModelled || v.Feature == "" {
		t.Errorf("outcome %d, feature %q", v.Outcome, v.Feature)
	}
}

// TestLinks: each line of a log leads to the instruction it is about.
func TestLinks(t *testing.T) {
	v := Verify(&protocol.Verify{Source: sourceOf(t, "icmp-filter"), Options: protocol.VerifyOptions{Level: 2}})
	lines := strings.Split(strings.TrimSuffix(v.Log, "\n"), "\n")
	if v.Outcome != protocol.OutcomeAccepted || len(lines) != len(v.LinePCs) {
		t.Fatalf("outcome %d, %d lines, %d links", v.Outcome, len(lines), len(v.LinePCs))
	}
	source := 0
	for i, text := range lines {
		at, ok := klog.Slot(text)
		if ok && int(v.LinePCs[i]) != at {
			t.Errorf("%q leads to %d", text, v.LinePCs[i])
		}
		if strings.HasPrefix(text, "; ") {
			source++
			if next, ok := klog.Slot(lines[i+1]); ok && int(v.LinePCs[i]) != next {
				t.Errorf("%q leads to %d, want %d as the line below", text, v.LinePCs[i], next)
			}
		}
		if strings.HasPrefix(text, "from ") && v.LinePCs[i] < 0 {
			t.Errorf("%q leads nowhere", text)
		}
	}
	if source == 0 {
		t.Error("no source lines in the log of a program with line information")
	}
}

func TestCutMiddle(t *testing.T) {
	var log []byte
	for i := range 1000 {
		log = append(log, strings.Repeat(string(rune('a'+i%26)), 20)+"\n"...)
	}
	text, cut := cutMiddle(log, 1000)
	left := strings.Split(string(text), "\n")
	if len(text) > 1100 || len(text) < 900 || cut == 0 {
		t.Fatalf("%d bytes left of %d, %d cut", len(text), len(log), cut)
	}
	notes := 0
	for _, l := range left {
		if strings.HasPrefix(l, "[... ") {
			notes++
		} else if len(l) != 20 && l != "" {
			t.Errorf("a line was cut to %q", l)
		}
	}
	if notes != 1 || left[0] != string(log[:20]) || !strings.HasSuffix(string(log), string(text[len(text)-200:])) {
		t.Errorf("cut to %q", text)
	}
	v := Verify(&protocol.Verify{Source: sourceOf(t, "first-steps"), Options: protocol.VerifyOptions{Level: 2, LogMax: 4000}})
	if v.LogCut == 0 || len(v.Log) > 4200 || len(v.LinePCs) != strings.Count(v.Log, "\n") {
		t.Errorf("log of %d bytes, %d cut, %d links", len(v.Log), v.LogCut, len(v.LinePCs))
	}
}

// TestLoad: type and attach point come from the section, the directive or the
// caller, in that order of nearness; constants are there for the verifier.
func TestLoad(t *testing.T) {
	for _, c := range []struct {
		text, hook string
		typ        hook.ProgType
		attach     hook.AttachType
	}{
		{"exit", "", hook.XDP, 0},
		{".prog socket_filter\nexit", "", hook.SocketFilter, 0},
		{".prog xdp\nexit", "sched_cls", hook.SchedCls, 0},
		{".section \"cgroup/connect6\"\nexit", "", hook.CgroupSockAddr, hook.CgroupInet6Connect},
	} {
		l, problems := Load(protocol.WireSource{Text: c.text}, 0, Options{Hook: c.hook})
		if l == nil || l.Program.Type != c.typ || l.Program.Attach != c.attach {
			t.Errorf("%q as %q: %+v %v", c.text, c.hook, l, problems)
		}
	}
	l, problems := Load(sourceOf(t, "icmp-filter"), 0, Options{})
	if l == nil {
		t.Fatal(problems)
	}
	constants := 0
	for i := range l.Program.Maps {
		m := &l.Program.Maps[i]
		if strings.HasSuffix(m.Name, ".rodata") && m.Frozen && m.Flags&maps.FlagRdonlyProg != 0 && len(m.Data) == int(m.ValueSize) {
			constants++
		}
	}
	if constants != 1 || len(l.Program.FuncInfo) == 0 || len(l.Program.LineInfo)%16 != 0 || len(l.Program.LineInfo) == 0 {
		t.Errorf("%d read-only maps, %d bytes of func_info, %d of line_info", constants, len(l.Program.FuncInfo), len(l.Program.LineInfo))
	}
}

func TestHandle(t *testing.T) {
	var w protocol.VerifyWelcome
	if err := protocol.Parse(new(Server).Handle(nil, protocol.Pack(nil, 3, &protocol.VerifyHello{})), &w); err != nil || w.Kernel != Kernel {
		t.Errorf("%+v %v", w, err)
	}
	for _, frame := range [][]byte{nil, []byte("garbage!"), protocol.Pack(nil, 1, &protocol.Hello{}), protocol.Pack(nil, 1, &protocol.Verify{})[:20]} {
		var f protocol.Failed
		if err := protocol.Parse(new(Server).Handle(nil, frame), &f); err != nil || f.Problem.Message == "" {
			t.Errorf("% x: %+v %v", frame, f, err)
		}
	}
}

// FuzzHandle: any bytes are answered with a frame, and a verdict is one of the four.
func FuzzHandle(f *testing.F) {
	for _, name := range programs(f) {
		f.Add(protocol.Pack(nil, 0, &protocol.Verify{Source: sourceOf(f, name), Options: protocol.VerifyOptions{Level: 2}}))
	}
	f.Add(protocol.Pack(nil, 0, &protocol.VerifyHello{}))
	f.Add(protocol.Pack(nil, 0, &protocol.TraceStart{
		Source: sourceOf(f, programs(f)[0]), Edits: []protocol.InsnEdit{{Slot: 1, Bytes: make([]byte, 8)}}, Overrides: []protocol.Override{{Step: 2, Umax: 9, Mask: 15}},
	}))
	f.Add(protocol.Pack(nil, 0, &protocol.TraceBytes{Offset: 1, Length: 9}))
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) > 1<<16 {
			return
		}
		s := new(Server)
		defer s.forget()
		reply := s.Handle(nil, frame)
		var v protocol.Verified
		if protocol.Parse(reply, &v) == nil {
			if v.Outcome == protocol.OutcomeRejected && v.Errno == 0 {
				t.Error("rejected without errno")
			}
			return
		}
		var bad protocol.Failed
		var w protocol.VerifyWelcome
		var p protocol.TraceProgress
		var b protocol.TracePart
		if protocol.Parse(reply, &p) == nil || protocol.Parse(reply, &b) == nil {
			return
		}
		if protocol.Parse(reply, &bad) != nil && protocol.Parse(reply, &w) != nil {
			t.Fatalf("reply % x", reply[:min(len(reply), 40)])
		}
		if strings.Contains(bad.Problem.Message, "defect") {
			t.Fatal(bad.Problem.Message)
		}
	})
}

// TestTraceInSlices: a trace comes in slices and in parts, is the same as one
// that is made at once, and can be given up.
func TestTraceInSlices(t *testing.T) {
	s := new(Server)
	ask := func(q protocol.Message, a protocol.Message) {
		t.Helper()
		reply := s.Handle(nil, protocol.Pack(nil, 1, q))
		if err := protocol.Parse(reply, a); err != nil {
			var f protocol.Failed
			protocol.Parse(reply, &f)
			t.Fatalf("%v: %s", err, f.Problem.Message)
		}
	}
	// Walked for long: two loops of which no state covers another.
	src := protocol.WireSource{Text: ".prog xdp\n.license GPL\nr6 = 0\nl: r6 += 1\nif r6 < 30000 goto l\nr0 = 2\nexit\n"}
	var p protocol.TraceProgress
	ask(&protocol.TraceStart{Source: src, Options: protocol.VerifyOptions{Level: 2}}, &p)
	for n := 0; p.Running; n++ {
		if n > 10000 {
			t.Fatal("the trace does not come to an end")
		}
		ask(&protocol.TraceMore{}, &p)
	}
	if p.Verdict == nil || p.Size == 0 || p.Verdict.Outcome != protocol.OutcomeAccepted {
		t.Fatalf("%d bytes, verdict %+v", p.Size, p.Verdict)
	}
	var all []byte
	for len(all) < int(p.Size) {
		var part protocol.TracePart
		ask(&protocol.TraceBytes{Offset: uint32(len(all)), Length: 1000}, &part)
		if len(part.Bytes) == 0 {
			t.Fatal("no more bytes")
		}
		all = append(all, part.Bytes...)
	}
	tr, err := trace.Parse(all)
	if err == nil {
		err = tr.Check()
	}
	if err != nil || tr.Steps() != int(p.Verdict.Processed) {
		t.Fatalf("%d steps, %d processed, %v", tr.Steps(), p.Verdict.Processed, err)
	}
	// A new one ends the one under way; then it is stopped.
	ask(&protocol.TraceStart{Source: src}, &p)
	ask(&protocol.TraceStart{Source: src}, &p)
	ask(&protocol.TraceStop{}, &p)
	if p.Running || p.Size != 0 {
		t.Errorf("a trace that was stopped is %+v", p)
	}
	ask(&protocol.TraceMore{}, &p)
	if p.Running {
		t.Error("a trace that was stopped goes on")
	}
	var f protocol.Failed
	q := &protocol.TraceStart{Source: src, Edits: []protocol.InsnEdit{{Slot: 9, Bytes: make([]byte, 8)}}}
	if err := protocol.Parse(s.Handle(nil, protocol.Pack(nil, 1, q)), &f); err != nil || f.Problem.Message != errEdit.Error() {
		t.Errorf("an edit outside of the program: %v %q", err, f.Problem.Message)
	}
}

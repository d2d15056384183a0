package session

import (
	"fmt"
	"strings"
	"testing"

	"skep/wasm/protocol"
)

const incSource = `.prog xdp
.map counts array key=4 value=8 entries=1
inc:
    *(u32 *)(r10 - 4) = 0
    r1 = map[counts]
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    r1 = *(u64 *)(r0 + 0)
    r1 += 1
    *(u64 *)(r0 + 0) = r1
out:
    r0 = 2
    exit
`

func startCPUs(t *testing.T, source string, runs ...protocol.CPURun) *Session {
	t.Helper()
	s := New()
	if l := s.Load(protocol.WireSource{Text: source}); l.Listing == nil {
		t.Fatalf("load: %+v", l.Problems)
	}
	r := s.answer(&protocol.StartCPUs{Input: protocol.WireInput{Text: "ipv4 / icmp\nipv4 / udp"}, Options: DefaultOptions(), Runs: runs})
	if m, ok := r.(*protocol.CPUsMoved); !ok || m.View == nil {
		t.Fatalf("start: %+v", r)
	}
	return s
}

func cpusView(t *testing.T, s *Session, m protocol.Message) *protocol.CPUsView {
	t.Helper()
	r, ok := s.answer(m).(*protocol.CPUsMoved)
	if !ok || r.View == nil {
		t.Fatalf("%T: %+v", m, r)
	}
	return r.View
}

func TestCPUs(t *testing.T) {
	s := startCPUs(t, incSource, protocol.CPURun{CPU: 0}, protocol.CPURun{CPU: 1, Event: 1})
	var e *protocol.Explored
	for e = s.answer(&protocol.Explore{Budget: 50}).(*protocol.Explored); !e.Done; {
		e = s.answer(&protocol.Explore{Budget: 50}).(*protocol.Explored)
	}
	if !e.Found || len(e.Turns) != 3 || e.Why == "" || len(e.Problems) > 0 {
		t.Fatalf("%+v", e)
	}
	v := cpusView(t, s, &protocol.CPUOrder{Turns: e.Turns})
	if !v.Ended || v.Step != v.Total || v.Step != 22 || fmt.Sprint(v.Turns) != fmt.Sprint(e.Turns) {
		t.Errorf("step %d of %d, ended %v, turns %v", v.Step, v.Total, v.Ended, v.Turns)
	}
	if got := v.Maps[0].Entries[0].ValueTexts[0]; got != "1" {
		t.Errorf("two increments left %s", got)
	}
	var story strings.Builder
	for _, a := range v.Accesses {
		fmt.Fprintln(&story, a.CPU, a.PC, a.Text, "r", a.Read, "w", a.Write, "a", a.Atomic)
	}
	want := `0 5 bpf_map_lookup_elem r true w false a true
0 7 value of counts[0] + 0 r true w false a false
1 5 bpf_map_lookup_elem r true w false a true
1 7 value of counts[0] + 0 r true w false a false
1 9 value of counts[0] + 0 r false w true a false
0 9 value of counts[0] + 0 r false w true a false
`
	if story.String() != want {
		t.Errorf("accesses:\n%s", story.String())
	}
	for i, c := range v.CPUs {
		if c.State != protocol.StateExited || c.Verdict != "2 (XDP_PASS)" || c.Steps != 11 || int(c.CPU) != i || c.PC != 11 || c.LastPC != 11 {
			t.Errorf("CPU %d: %+v", i, c)
		}
	}

	// Back, and on in another order.
	v = cpusView(t, s, &protocol.CPUSeek{Step: 7})
	if v.Step != 7 || v.Total != 22 || v.CPUs[1].State != protocol.StateArrived || v.CPUs[0].PC != 8 {
		t.Errorf("at 7: %+v", v.CPUs)
	}
	v = cpusView(t, s, &protocol.CPUStep{CPU: 0})
	if v.CPUs[0].State != protocol.StateExited || v.Total != 11 {
		t.Errorf("after CPU 0 went on: step %d of %d", v.Step, v.Total)
	}
	v = cpusView(t, s, &protocol.CPUStep{CPU: 1})
	if got := v.Maps[0].Entries[0].ValueTexts[0]; got != "2" || !v.Ended {
		t.Errorf("one after the other: %s, ended %v", got, v.Ended)
	}
	if v = cpusView(t, s, &protocol.CPUSeek{}); v.Step != 0 || v.CPUs[0].LastPC != -1 {
		t.Errorf("at the start: step %d", v.Step)
	}
	// The ordinary run is another machine.
	if st := s.Start(protocol.WireInput{Text: "ipv4 / icmp"}, DefaultOptions(), nil); st.View == nil || s.cpus == nil {
		t.Errorf("%+v", st.Problems)
	}
}

func TestCPUsWait(t *testing.T) {
	source := `.prog xdp
.map counts array key=4 value=16 entries=1
    *(u32 *)(r10 - 4) = 0
    r1 = map[counts]
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    if r0 == 0 goto out
    r6 = r0
    r1 = r6
    call bpf_spin_lock
    r1 = *(u64 *)(r6 + 8)
    r1 += 1
    *(u64 *)(r6 + 8) = r1
    r1 = r6
    call bpf_spin_unlock
out:
    r0 = 2
    exit
`
	s := startCPUs(t, source, protocol.CPURun{CPU: 1}, protocol.CPURun{CPU: 0})
	cpusView(t, s, &protocol.CPUStep{CPU: 1, N: 9})
	v := cpusView(t, s, &protocol.CPUStep{CPU: 0})
	if w := v.CPUs[1]; !w.Waits || w.Text != "waits for the lock in value of counts[0], held by CPU 1" || w.Steps != 8 {
		t.Errorf("%+v", w)
	}
	e := s.answer(&protocol.Explore{Budget: 1 << 20, Switches: 4}).(*protocol.Explored)
	if !e.Done || e.Found || !e.Complete || e.Runs == 0 || e.States == 0 {
		t.Errorf("%+v", e)
	}
}

func TestCPUsProblems(t *testing.T) {
	s := New()
	s.Load(protocol.WireSource{Text: incSource})
	run := func(runs ...protocol.CPURun) string {
		m := &protocol.StartCPUs{Input: protocol.WireInput{Text: "ipv4 / icmp"}, Options: DefaultOptions(), Runs: runs}
		r := s.answer(m).(*protocol.CPUsMoved)
		if len(r.Problems) == 0 {
			return ""
		}
		return r.Problems[0].Message
	}
	for _, c := range []struct {
		runs []protocol.CPURun
		want string
	}{
		{nil, "2 to 8 runs can be in flight, not 0"},
		{[]protocol.CPURun{{CPU: 0}, {CPU: 0}}, "two runs are on CPU 0"},
		{[]protocol.CPURun{{CPU: 0}, {CPU: 1, Program: 3}}, "there is no such program in the source"},
		{[]protocol.CPURun{{CPU: 0}, {CPU: 1, Event: 3}}, "there is no packet 4 in the input"},
		{[]protocol.CPURun{{CPU: 0}, {CPU: 99}}, "at most 64 CPUs can be simulated"},
		{[]protocol.CPURun{{CPU: 0}, {CPU: 5}}, ""},
	} {
		if got := run(c.runs...); got != c.want {
			t.Errorf("%+v: %q, want %q", c.runs, got, c.want)
		}
	}
	if _, ok := New().answer(&protocol.CPUSeek{}).(*protocol.Failed); !ok {
		t.Error("a step without runs in flight was answered")
	}
}

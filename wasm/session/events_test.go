package session

import (
	"strings"
	"testing"

	"skep/wasm/protocol"
)

// denySource refuses to open what user 1000 opens.
const denySource = `.license GPL
    call bpf_get_current_uid_gid
    r6 = r0
    r6 &= 0xffff
    r0 = 0
    if r6 != 1000 goto +1
    r0 = -1
    exit
`

func startEvents(t *testing.T, source, hook, events string) (*Session, *protocol.View) {
	t.Helper()
	s := New()
	if l := s.Load(protocol.WireSource{Text: source}); l.Listing == nil {
		t.Fatalf("load: %+v", l.Problems)
	}
	o := DefaultOptions()
	o.Hook = hook
	st := s.Start(protocol.WireInput{Kind: protocol.InputKindEvents, Text: events}, o, nil)
	if st.View == nil {
		t.Fatalf("start: %+v", st.Problems)
	}
	return s, st.View
}

func TestEvents(t *testing.T) {
	s, v := startEvents(t, denySource, "lsm/file_open", "open path=/etc/hosts uid=1000 comm=cat\nopen /etc/hosts\nread path=/etc/hosts uid=1000")
	if !strings.Contains(v.Narration.Did, "lsm/file_open") || !strings.Contains(v.Narration.Did, "task cat") {
		t.Errorf("arrival is told as %q", v.Narration.Did)
	}
	first := v
	v = walk(t, s, protocol.MovementRun, 0)
	if len(v.Verdicts) != 3 || v.Event != 2 || v.Events != 3 {
		t.Fatalf("verdicts %+v of event %d of %d", v.Verdicts, v.Event, v.Events)
	}
	if m := v.Verdicts[0].Meaning; !strings.Contains(m, "the open fails with EPERM") {
		t.Errorf("meaning %q", m)
	}
	list := s.Firings()
	var got []string
	for _, e := range list.Events {
		got = append(got, e.Result)
	}
	if want := "EPERM by prog, fd 3, EPERM by prog"; strings.Join(got, ", ") != want {
		t.Errorf("results %q, want %q", strings.Join(got, ", "), want)
	}
	end := v.Step

	// Everything is the same when it is walked again, in any order.
	for _, step := range []uint32{0, 3, end, 9, 2, end - 1, 0} {
		v = walk(t, s, protocol.MovementSeek, step)
		if v.Step != step {
			t.Fatalf("seek %d is at %d", step, v.Step)
		}
	}
	if v.Regs[1].Value != first.Regs[1].Value || v.Clock != first.Clock || v.Narration.Did != first.Narration.Did {
		t.Error("step 0 differs when it is come back to")
	}
	if v = walk(t, s, protocol.MovementSeek, end); v.Verdicts[2].Value != 1<<64-1 && v.Verdicts[2].Value != 1<<32-1 {
		t.Errorf("last verdict %+v", v.Verdicts[2])
	}
}

func TestEventsProblems(t *testing.T) {
	s := New()
	s.Load(protocol.WireSource{Text: denySource})
	o := DefaultOptions()
	o.Hook = "lsm/file_open"
	for _, c := range []struct{ text, want string }{
		{"opne /etc/hosts", "there is no event"},
		{"", "there is no event in the input"},
		{"sleep ms=3", "none of the events runs a program"},
	} {
		st := s.Start(protocol.WireInput{Kind: protocol.InputKindEvents, Text: c.text}, o, nil)
		if st.View != nil || len(st.Problems) == 0 || !strings.Contains(st.Problems[0].Message, c.want) {
			t.Errorf("%q: %+v", c.text, st.Problems)
		}
	}
}

// TestHookExamples starts a run for every type that the page offers.
func TestHookExamples(t *testing.T) {
	for _, h := range Hooks() {
		if h.Example == "" {
			if h.Type != "ext" {
				t.Errorf("%s has no example", h.Type)
			}
			continue
		}
		s, _ := startEvents(t, "r0 = 1\nexit", h.Section, h.Example)
		v := walk(t, s, protocol.MovementRun, 0)
		if v.State != protocol.StateExited || len(v.Verdicts) == 0 {
			t.Errorf("%s: %v %+v", h.Type, v.State, v.Fault)
		}
	}
}

// TestArguments is that arguments have the kernel's names.
func TestArguments(t *testing.T) {
	for _, c := range []struct{ hook, event, want string }{
		{"fexit/do_sys_openat2", "open path=/etc/hosts", "dfd=-100 filename=user memory how=open_how ret=3"},
		{"tp/syscalls/sys_enter_kill", "kill sig=9", "common_type=0 common_flags=0 common_preempt_count=0 common_pid=1001 nr=62 pid=1002 sig=9"},
		{"tp/sched/sched_process_exec", "exec path=/bin/true", "common_type=0 common_flags=0 common_preempt_count=0 common_pid=1002 filename=655380 pid=1002 old_pid=1002"},
		{"lsm/task_kill", "kill sig=9", "p=task_struct info=kernel_siginfo sig=9 cred=0 ret=0"},
		{"raw_tp/sched_switch", "switch to=worker", "preempt=0 prev=task_struct next=task_struct prev_state=0"},
		{"tp/sched/sched_switch", "switch to=worker comm=bash", "common_type=0 common_flags=0 common_preempt_count=0 common_pid=1001 " +
			`prev_comm="bash" prev_pid=1001 prev_prio=120 prev_state=0 next_comm="worker" next_pid=1002 next_prio=120`},
	} {
		_, v := startEvents(t, "r0 = 0\nexit", c.hook, c.event)
		var got []string
		for _, f := range v.Ctx {
			got = append(got, f.Name+"="+f.Text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.hook, strings.Join(got, " "), c.want)
		}
	}
}

// TestSamples is that what goes out through a perf event array is shown.
func TestSamples(t *testing.T) {
	const source = `.license GPL
.map out perf_event_array key=4 value=4 entries=2
    *(u64 *)(r10 - 8) = 7
    r2 = map[out]
    r3 = 0xffffffff ll
    r4 = r10
    r4 += -8
    r5 = 8
    call bpf_perf_event_output
    r0 = 0
    exit
`
	s, _ := startEvents(t, source, "kprobe/do_unlinkat", "unlink path=/a\nunlink path=/b")
	v := walk(t, s, protocol.MovementRun, 0)
	if len(v.Maps[0].Records) != 2 || v.Maps[0].Records[1].Bytes[0] != 7 || v.Maps[0].Records[1].Text != "7" || v.Maps[0].Records[1].CPU != 0 {
		t.Errorf("%+v", v.Maps[0].Records)
	}
}

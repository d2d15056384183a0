package grade

import (
	"encoding/binary"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func le32(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
func le64(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

// counts is a hash of u32 to u64, as after three execs of user 1000 and two of
// root.
func counts(n1000, n0 uint64) Map {
	return Map{Name: "counts", Type: "hash", KeySize: 4, Entries: []Entry{
		{Key: le32(1000), Values: [][]byte{le64(n1000)}, Event: 2},
		{Key: le32(0), Values: [][]byte{le64(n0)}, Event: 4},
	}}
}

// run judges a block over a fixed outcome.
func run(t *testing.T, block string) *Report {
	t.Helper()
	spec, errs := Parse(block)
	if len(errs) > 0 {
		t.Fatal(errs[0].Error())
	}
	j := spec.Begin()
	j.Verdict(Verdict{Kernel: "6.12", Privilege: "root", Accepted: true, Counters: Counters{Processed: 94, Insns: 20}})
	j.Verdict(Verdict{Kernel: "6.12", Privilege: "cap_bpf", Errno: 13, Class: "null-deref", PC: 7,
		Message: "R0 invalid mem access 'map_value_or_null'", Line: "v->n++;"})
	for i := range 5 {
		ev := Event{Verb: "exec", Args: []Arg{{"uid", "1000", false}, {"comm", "12", true}}, Fired: []Firing{{Program: "count", Ret: 0, Steps: 12, First: uint64(i) * 13}}, Printk: []string{"exec " + strconv.Itoa(i)}}
		if i == 3 {
			ev = Event{Verb: "pkt", Fired: []Firing{{Program: "drop", Ret: 1, Packet: []byte{0xab, 1}}, {Program: "tc", Ret: -1}}}
		}
		if i == 4 {
			ev.Result = -1
		}
		j.Event(ev, []Map{counts(uint64(min(i+1, 3)), uint64(max(i-2, 0)))})
	}
	return j.End(Final{
		Maps: []Map{
			counts(3, 2),
			{Name: "per_cpu", Type: "percpu_array", KeySize: 4, Entries: []Entry{{Key: le32(0), Values: [][]byte{le64(4), le64(38)}, Event: -1}}},
			{Name: "rb", Type: "ringbuf", Fields: []Field{{"pid", 0, 4, true, false}, {"comm", 4, 16, false, true}},
				Records: [][]byte{append(le32(0xffffffff), "bash\x00............"...)}},
			{Name: "prog.bss", Type: "array", KeySize: 4, Fields: []Field{{"last", 0, 8, false, false}},
				Entries: []Entry{{Key: le32(0), Values: [][]byte{le64(42)}, Event: -1}}},
			{Name: "flows", Type: "hash", KeySize: 6, Entries: []Entry{{Key: []byte{192, 0, 2, 1, 0, 80}, Values: [][]byte{{7}}, Event: -1}}},
			{Name: "names", Type: "hash", KeySize: 16, Entries: []Entry{{Key: append([]byte("sh"), make([]byte, 14)...), Values: [][]byte{{9}}, Event: -1}}},
		},
		LostUpdates: map[string]int{"counts": 0, "racy": 2},
	})
}

func TestRules(t *testing.T) {
	for _, tt := range []struct {
		rule  string
		state State
		want  string // "expected | got"
		event int
	}{
		{"counts[u32 arg(1, uid)] == 3", Passed, "== 3 | 3", 2},
		{"arg(1, uid) == 1000", Passed, "== 1000 | 1000", 0},
		{`arg(2, comm) == "12"`, Passed, `== "12" | "12"`, 1},
		{"arg(1, path) == 1", Failed, "== 1 | the event has no path=", 0},
		{"counts[u32 arg(9, uid)] == 3", Failed, "== 3 | there is no event 9", -1},
		{"verify: accept", Passed, "accept | accepted", -1},
		{"verify: reject", Failed, "reject | accepted", -1},
		{`verify: reject privilege=cap_bpf class=null-deref line~="v->" message~="or_null" errno=EACCES`, Passed, "", -1},
		{"verify: reject privilege=cap_bpf class=pkt-oob", Failed, "", -1},
		{"verify: accept kernel=6.1", Skipped, "", -1},
		{"counts[u32 1000] == 3", Passed, "== 3 | 3", 2},
		{"map counts[1000] == 4", Failed, "== 4 | 3", 2},
		{"counts[7] == 0", Failed, "== 0 | there is no entry with this key", -1},
		{"counts[u8 7] == 0", Failed, `== 0 | a key of map "counts" has 4 bytes, this one has not`, -1},
		{"nosuch[1] == 0", Failed, `== 0 | the program has no map "nosuch"`, -1},
		{"counts[*] >= 2", Passed, ">= 2 | 2", 4},
		{"counts[*] > 2", Failed, "> 2 | 2 for key 0", 4},
		{"never: counts[*] > events(exec)", Passed, "", -1},
		{"never: counts[u32 0] == 2", Failed, "never == 2 | 2", 4},
		{"never: counts[u32 5] == 2", Passed, "", -1},
		{"always: counts[u32 1000] >= 2", Failed, ">= 2 | 1", 0},
		{"after 2: counts[1000] == 2", Passed, "== 2 | 2", 2},
		{"after 9: counts[1000] == 2", Failed, "", -1},
		{"sum(counts) == events(exec) + 1", Passed, "== 5 | 5", -1},
		{"sum(counts) == 5", Passed, "== 5 | 5", -1},
		{"max(counts) - min(counts) == 1", Passed, "== 1 | 1", -1},
		{"len(counts) == 2", Passed, "", -1},
		{"per_cpu[0] == 42", Passed, "", -1},
		{"per_cpu[0]@cpu1 == 38", Passed, "", -1},
		{"per_cpu[0]@cpu2 == 38", Failed, "== 38 | there is no CPU 2", -1},
		{"rb[0].pid == -1", Passed, "", -1},
		{`rb[0].comm == "bash"`, Passed, "", -1},
		{".bss[0].last == 42", Passed, "", -1},
		{".bss[0] == 42", Passed, "", -1},
		{"rb[0].u32_4 == 0x68736162", Passed, "", -1},
		{"rb[0].s8_0 == -1", Passed, "", -1},
		{"rb[0].u64_20 == 1", Failed, "", -1},
		{"rb[1].pid == 1", Failed, "== 1 | there are 1 records", -1},
		{"rb[0].nosuch == 1", Failed, "", -1},
		{"len(rb) == 1", Passed, "", -1},
		{"flows[ip 192.0.2.1, be16 80] == 7", Passed, "", -1},
		{"flows[hex c00002010050] == 7", Passed, "", -1},
		{`names["sh"] == 9`, Passed, "", -1},
		{`printk ~= "exec 2"`, Passed, "", -1},
		{`printk == "exec 3"`, Failed, `== "exec 3" | 4 lines`, -1},
		{`printk(5) == "exec 4"`, Passed, "", 4},
		{"len(printk) == 4", Passed, "", -1},
		{"ret == 0", Passed, "", 4},
		{"ret(drop, 4) == XDP_DROP", Passed, "", 3},
		{"ret(4) == TC_ACT_UNSPEC", Passed, "", 3},
		{"ret(count, 4) == 0", Failed, "== 0 | no program ran at this event", 3},
		{`packet(drop, 4) == "ab01"`, Failed, "", -1},
		{"result(5) == -EPERM", Passed, "== -1 | -1", 4},
		{"result(6) == 0", Failed, "== 0 | there is no event 6", -1},
		{"steps(1) < 13", Passed, "", 0},
		{"fired(count) == 4", Passed, "", -1},
		{"race: lost_updates(counts) == 0", Passed, "", -1},
		{"race: lost_updates(racy) == 0", Failed, "== 0 | 2", -1},
		{"limit: insns_processed < 200 badge=lean", Passed, "", -1},
		{"insns == 20", Passed, "", -1},
	} {
		if tt.rule == `packet(drop, 4) == "ab01"` { // packet takes the event only
			if _, errs := Parse(tt.rule); len(errs) != 1 {
				t.Errorf("%s: %v", tt.rule, errs)
			}
			continue
		}
		f := run(t, tt.rule).Findings[0]
		got := f.Expected + " | " + f.Got
		if f.State != tt.state || tt.want != "" && got != tt.want || f.Event != tt.event {
			t.Errorf("%s: state %d, %q, event %d", tt.rule, f.State, got, f.Event)
		}
	}
}

func TestPoints(t *testing.T) {
	rep := run(t, `
verify: accept                        weight=2   # a comment
counts[u32 1000] == 3                 weight=3
counts[u32 0] == 9                    weight=1 why="root \"runs\" cron # too"
verify: accept kernel=6.1             weight=5
limit: insns_processed < 200          badge=lean
`)
	if rep.Points != 5 || rep.Total != 6 || rep.Skipped != 1 || rep.Passed() {
		t.Errorf("%d of %d, %d skipped", rep.Points, rep.Total, rep.Skipped)
	}
	if why := rep.Findings[2].Rule.Why; why != `root "runs" cron # too` {
		t.Errorf("why: %q", why)
	}
	if f := rep.Findings[2]; f.Event != 4 || f.Step != 4*13 {
		t.Errorf("the failed rule leads to event %d, step %d", f.Event, f.Step)
	}
}

func TestBlind(t *testing.T) {
	spec, errs := Parse("m[0]@cpu0 == 1\nsteps(1) == 5\nret(1) == 0\nfired(p) == 1\nm[0] == 3\nresult(1) == 0")
	if errs != nil {
		t.Fatal(errs)
	}
	j := spec.Begin()
	j.Blind = Blind{CPUs: true, Steps: true, Returns: true}
	j.Event(Event{Verb: "exec"}, nil)
	rep := j.End(Final{Maps: []Map{{Name: "m", KeySize: 4, Entries: []Entry{{Key: le32(0), Values: [][]byte{le64(3)}, Event: -1}}}}})
	var got []State
	for _, f := range rep.Findings {
		got = append(got, f.State)
	}
	if diff := cmp.Diff([]State{Skipped, Skipped, Skipped, Skipped, Passed, Passed}, got); diff != "" {
		t.Error(diff)
	}
}

func TestHidden(t *testing.T) {
	spec, errs := Parse("hidden: exec uid=65534 x1; exec uid=1 => counts[u32 65534] == 1 weight=2")
	if errs != nil || len(spec.Hidden) != 1 {
		t.Fatal(errs)
	}
	c := spec.Hidden[0]
	if c.Events != "exec uid=65534 x1\nexec uid=1" || len(c.Spec.Rules) != 1 || c.Spec.Rules[0].Weight != 2 {
		t.Errorf("%+v", c)
	}
}

func TestErrors(t *testing.T) {
	var got []string
	_, errs := Parse(`verify: maybe
counts == 3
counts[u32] == 3
counts[1 == 3
counts[1] = 3
counts[1] == 3 wieght=2
lenn(counts) == 1
len() == 1
never: counts[*] > other[*]
after x: ret == 0
hidden: exec uid=1
verify: accept class=null-deref
verify: reject colour=red
a[0] == "open
counts[1]@cpux == 1
counts[300.1] == 1
a[0] == 99999999999999999999
ret(`)
	for _, e := range errs {
		got = append(got, e.Error())
	}
	want := []string{
		"1:9: a verdict is accept or reject",
		`2:1: unknown name "counts"; a map needs a key: counts[...], or len(counts)`,
		`3:11: a key is written as a number, u32 1000, "text", ip 192.0.2.1, hex 0a1b, u32 arg(1, uid), several with commas, or *`,
		"4:10: a ] is missing after the key",
		"5:11: a comparison is needed here: one of == != < <= > >= ~=",
		`6:16: unknown attribute "wieght"; there are weight, badge and why`,
		`7:6: unknown function "lenn"; there are len, sum, min, max, events, fired, ret, result, steps, packet, printk, arg, lost_updates`,
		"8:6: len is written len(MAP), len(printk)",
		"9:28: only one map can be meant with [*] in a comparison",
		"10:8: this is written after 2: RULE, with the event's number from 1",
		"11:9: a hidden case is written EVENTS => RULE, events with ; between them",
		"12:16: an accepted program has no class",
		"13:16: unknown condition; there are class=, message~=, line~=, errno=, kernel=, privilege=, weight=, badge=, why=",
		`14:9: the text that begins here has no end: a " is missing`,
		"15:15: a CPU is written @cpu0",
		"16:11: a ] is missing after the key",
		`17:9: "99999999999999999999" is not a number`,
		"18:5: a value is missing: a number, \"text\", a map such as counts[u32 1], or a counter such as insns_processed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzParse reads any block and judges it over a fixed outcome.
func FuzzParse(f *testing.F) {
	f.Add("verify: accept\ncounts[u32 1000] == 4 weight=3\nnever: counts[*] > events(exec)")
	f.Add("hidden: exec uid=1; pkt aa => ret(drop, 1) == XDP_DROP")
	f.Add("race: lost_updates(counts) == 0\nprintk ~= \"a\\\"b\"\nsum(counts)-1 == -0x8000000000000000")
	f.Fuzz(func(t *testing.T, block string) {
		spec, errs := Parse(block)
		lines := strings.Count(block, "\n") + 1
		for _, e := range errs {
			if e.Line < 1 || e.Line > lines || e.Col < 1 || e.Msg == "" {
				t.Fatalf("error at %d:%d of %d lines: %s", e.Line, e.Col, lines, e.Msg)
			}
		}
		j := spec.Begin()
		j.Verdict(Verdict{Accepted: true})
		j.Event(Event{Verb: "exec", Fired: []Firing{{Program: "p"}}}, []Map{counts(1, 2)})
		rep := j.End(Final{Maps: []Map{counts(1, 2)}})
		if len(rep.Findings) != len(spec.Rules) || rep.Points > rep.Total {
			t.Fatalf("%d findings of %d rules, %d of %d points", len(rep.Findings), len(spec.Rules), rep.Points, rep.Total)
		}
	})
}

package trial

import (
	"testing"

	"skep/labs/grade"
)

// A failed rule knows the step at which it went wrong: event and instruction.
func TestLocate(t *testing.T) {
	const count = `
.prog xdp
.license GPL
.map hits array key=4 value=8 entries=2

	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[hits]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = *(u64 *)(r0 + 0)
	r1 += 2
	*(u64 *)(r0 + 0) = r1
out:
	r0 = 1
	exit
` // 11 instructions a run, so event n begins at 12 n; the store is the 9th
	const printing = `
.section tracepoint/syscalls/sys_enter_execve
.license GPL

	r1 = 0x21 ll
	*(u64 *)(r10 - 8) = r1
	r1 = r10
	r1 += -8
	r2 = 2
	call bpf_trace_printk
	r0 = 0
	exit
` // 8 instructions; the call is the 6th
	const packets = "pkt eth / arp\npkt eth / ipv4 / icmp\npkt eth / arp\n"
	for _, c := range []struct {
		program, trace, rule string
		event                int
		step                 int64
	}{
		{count, packets, "hits[u32 0] == 3", 2, 24 + 9},
		{count, packets, "after 2: hits[u32 0] == 2", 1, 12 + 9},
		{count, packets, "always: hits[u32 0] <= events(pkt)", 0, 9},
		{count, packets, "never: hits[u32 0] > 3", 1, 12 + 9},
		{count, packets, "sum(hits) == 3", 2, 24 + 9},
		{count, packets, "hits[u32 1] == 3", -1, -1}, // nothing was ever written there
		{count, packets, "ret(2) == XDP_PASS", 1, 12 + 10},
		{count, packets, "ret == XDP_PASS", 2, 24 + 10},
		{printing, "exec uid=0 path=/bin/true x2", `printk(2) ~= "?"`, 1, 9 + 6},
	} {
		spec, errs := grade.Parse(c.rule)
		if errs != nil {
			t.Fatal(errs)
		}
		res := Run(Submission{Text: c.program}, Exercise{Trace: c.trace, Grade: spec, Seed: 1})
		if res.Problems != nil || !res.Verdict.Accepted {
			t.Fatal(res.Problems, res.Verdict.Message)
		}
		if f := res.Report.Findings[0]; f.State != grade.Failed || f.Event != c.event || f.Step != c.step {
			t.Errorf("%s: event %d, step %d, want %d and %d (%s)", c.rule, f.Event, f.Step, c.event, c.step, f.Got)
		}
	}
}

// What is not about the run's results has its place too: a verdict, a race, a
// budget, a program that was stopped.
func TestPlace(t *testing.T) {
	const count = `
.prog xdp
.license GPL
.map hits array key=4 value=8 entries=2

	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[hits]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1
out:
	r0 = 1
	exit
` // 11 instructions, 12 slots; the load is the 7th, the store the 9th
	const copied = `
.prog xdp
.license GPL
.map hits array key=4 value=8 entries=2

	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[hits]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r10 - 16) = r1
	r2 = r10
	r2 += -4
	r3 = r10
	r3 += -16
	r1 = map[hits]
	r4 = 0
	call bpf_map_update_elem
out:
	r0 = 1
	exit
` // the load is the 7th, the update the 16th
	const packets = "pkt eth / arp\npkt eth / ipv4 / icmp\n"
	race := "race: lost_updates(hits) == 0"
	for _, c := range []struct {
		program, rule string
		scene         grade.Scene
		event         int
		step          int64
		place         string
	}{
		{".prog xdp\n.license GPL\n\tr1 = 1\n\tr0 = r2\n\texit\n", "verify: accept", grade.InVerdict, -1, 1, ""},
		{".prog xdp\n.license GPL\n\tr1 = 1\n\tr0 = r2\n\texit\n", "verify: reject class=pkt-oob", grade.InVerdict, -1, 1, ""},
		{count, "verify: reject", grade.InRun, -1, -1, ""}, // it was accepted: there is no such place
		{count, race, grade.InOrder, 0, 8 + 11 + 1, ""},    // CPU 0 up to its store, CPU 1 as a whole, the store
		{copied, race, grade.InOrder, 0, 15 + 18 + 1, ""},
		{count, "limit: insns <= 3", grade.InProgram, -1, 3, "line 9"},
		{count, "limit: insns < 4", grade.InProgram, -1, 3, "line 9"},
		{count, "limit: steps(2) <= 5", grade.InRun, 1, 12 + 6, ""},
		{count, "limit: insns_processed < 9", grade.InWalk, -1, 8, ""},
		{count, "limit: steps(2) >= 50", grade.InRun, 1, 12, ""}, // no budget: where the event begins
	} {
		spec, errs := grade.Parse(c.rule)
		if errs != nil {
			t.Fatal(errs)
		}
		res := Run(Submission{Text: c.program}, Exercise{Trace: packets, Grade: spec, Seed: 1})
		if res.Problems != nil {
			t.Fatal(res.Problems)
		}
		f := res.Report.Findings[0]
		if f.State != grade.Failed || f.Scene != c.scene || f.Event != c.event || f.Step != c.step || f.Place != c.place {
			t.Errorf("%s: scene %d, event %d, step %d, %q, want %d, %d, %d, %q (%s)", c.rule, f.Scene, f.Event, f.Step, f.Place, c.scene, c.event, c.step, c.place, f.Got)
		}
		if f.Scene != grade.InOrder {
			continue
		}
		if f.Order == nil || f.Order.Events != [2]int{0, 1} || len(f.Order.Turns) != 3 {
			t.Fatalf("%s: %+v", c.rule, f.Order)
		}
		sum := int64(0)
		for _, turn := range f.Order.Turns[:2] {
			sum += int64(turn.Steps)
		}
		if sum >= f.Step {
			t.Errorf("%s: the update is lost at step %d, before the last turn: %+v", c.rule, f.Step, f.Order.Turns)
		}
	}

	// Stopped by its budget: where it was then.
	spec, _ := grade.Parse("ret(1) == 1")
	res := Run(Submission{Text: count}, Exercise{Trace: packets, Grade: spec, Seed: 1, Budget: 5})
	if f := res.Report.Findings[0]; f.State != grade.Failed || f.Event != 0 || f.Step != 5 {
		t.Errorf("a run that was stopped: %+v", f)
	}
}

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
		{count, packets, "insns == 3", -1, -1},
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

// Package hook is the table of program types: what each is called, when it
// runs, what its context looks like and may be used for, which values it may
// return and what they mean.
//
//	s, target, ok := hook.ParseSection("fentry/do_unlinkat") // libbpf's reading
//	p := hook.Program{Type: hook.SchedCls, CapBPF: true}
//	kind, ok := hook.Access(p, 76, 4, false, false)     // LoadPkt: __sk_buff.data
//	r := hook.Return(hook.CgroupSkb, hook.CgroupInetEgress) // [0, 3]
//	ctx := hook.Context(p, hook.Start{Packet: pkt, Proto: 0x0800})
//	println(hook.Meaning(p.Type, 0, 2, 60))             // drop the packet
//
// Facts come from the kernel, 6.12: the loads that Access allows were measured
// on it, the rest was read in its source and headers; sections are those of
// libbpf 1.5.
//
// Why is there no generated bit set of context accesses? The measured table
// has 4,136 entries for 38 pairs of types, and all of it is some 110 rules of
// one line that say which field they are about and who may use it. A test
// holds the rules to the measurement, so they are both exact and readable,
// and they answer for pairs that were not measured.
//
// Read next: access.go and rules.go, then start.go for runs.
package hook

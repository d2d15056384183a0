package world

import "skep/vm/hook"

// Example is a section of a program type and an event that fires a program
// there. The event of a type that none can fire is empty: a freplace program
// runs when the one that it replaces does.
func Example(t hook.ProgType) (section, event string) {
	if int(t) >= len(examples) {
		return "", ""
	}
	e := &examples[t]
	return e[0], e[1]
}

var examples = [hook.NumTypes][2]string{
	hook.SocketFilter:          {"socket", "pkt ipv4 / udp(dport=53)"},
	hook.Kprobe:                {"kprobe/do_unlinkat", "unlink path=/etc/hosts"},
	hook.SchedCls:              {"tc", "pkt ipv4 / icmp"},
	hook.SchedAct:              {"action", "pkt ipv4 / icmp"},
	hook.Tracepoint:            {"tp/syscalls/sys_enter_openat", "open path=/etc/hosts uid=1000 comm=cat"},
	hook.XDP:                   {"xdp", "pkt ipv4 / icmp"},
	hook.PerfEvent:             {"perf_event", "spin ms=5 stack=main;work;hash comm=bench"},
	hook.CgroupSkb:             {"cgroup_skb/egress", "udp addr=10.0.0.2:53 data=query"},
	hook.CgroupSock:            {"cgroup/sock_create", "connect addr=10.0.0.2:443 comm=curl"},
	hook.LwtIn:                 {"lwt_in", "pkt ipv4 / udp"},
	hook.LwtOut:                {"lwt_out", "send addr=10.0.0.2:53 data=query"},
	hook.LwtXmit:               {"lwt_xmit", "send addr=10.0.0.2:53 data=query"},
	hook.SockOps:               {"sockops", "connect addr=10.0.0.2:443 comm=curl"},
	hook.SkSkb:                 {"sk_skb/stream_verdict", "recv type=tcp addr=127.0.0.1:8080 from=10.0.0.2:40000 data=hello"},
	hook.CgroupDevice:          {"cgroup/dev", "open path=/dev/null"},
	hook.SkMsg:                 {"sk_msg", "send type=tcp addr=10.0.0.2:443 data=hello"},
	hook.RawTracepoint:         {"raw_tp/sched_switch", "switch to=worker comm=bash"},
	hook.CgroupSockAddr:        {"cgroup/connect4", "connect addr=10.0.0.2:4444 comm=curl"},
	hook.LwtSeg6local:          {"lwt_seg6local", "pkt ipv6 / udp"},
	hook.LircMode2:             {"lirc_mode2", "lirc sample=0x01000384"},
	hook.SkReuseport:           {"sk_reuseport", "pkt ipv4 / udp(dport=53)"},
	hook.FlowDissector:         {"flow_dissector", "pkt ipv4 / tcp"},
	hook.CgroupSysctl:          {"cgroup/sysctl", "sysctl name=net/ipv4/ip_forward value=1"},
	hook.RawTracepointWritable: {"raw_tp.w/nbd_send_request", "tp nbd_send_request(0, 0, 0)"},
	hook.CgroupSockopt:         {"cgroup/setsockopt", "setsockopt level=1 name=2 value=1"},
	hook.Tracing:               {"fentry/do_unlinkat", "unlink path=/etc/hosts"},
	hook.StructOps:             {"struct_ops/ssthresh", "ops ssthresh(0)"},
	hook.Ext:                   {"freplace", ""},
	hook.LSM:                   {"lsm/file_open", "open path=/etc/shadow uid=0 comm=cat"},
	hook.SkLookup:              {"sk_lookup", "pkt ipv4 / tcp(dport=80)"},
	hook.Syscall:               {"syscall", "run ctx=0x0100000000000000"},
	hook.Netfilter:             {"netfilter", "pkt ipv4 / icmp"},
}

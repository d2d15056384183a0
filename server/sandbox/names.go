package sandbox

import (
	"fmt"
	"slices"
	"strconv"
)

// progTypes are bpftool's names in the order of enum bpf_prog_type.
var progTypes = []string{"unspec", "socket_filter", "kprobe", "sched_cls", "sched_act", "tracepoint", "xdp", "perf_event",
	"cgroup_skb", "cgroup_sock", "lwt_in", "lwt_out", "lwt_xmit", "sock_ops", "sk_skb", "cgroup_device", "sk_msg",
	"raw_tracepoint", "cgroup_sock_addr", "lwt_seg6local", "lirc_mode2", "sk_reuseport", "flow_dissector", "cgroup_sysctl",
	"raw_tracepoint_writable", "cgroup_sockopt", "tracing", "struct_ops", "ext", "lsm", "sk_lookup", "syscall", "netfilter"}

// mapTypes are bpftool's names in the order of enum bpf_map_type.
var mapTypes = []string{"unspec", "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array",
	"stack_trace", "cgroup_array", "lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps", "hash_of_maps", "devmap",
	"sockmap", "cpumap", "xskmap", "sockhash", "cgroup_storage", "reuseport_sockarray", "percpu_cgroup_storage", "queue",
	"stack", "sk_storage", "devmap_hash", "struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter",
	"user_ringbuf", "cgrp_storage", "arena"}

// aliases are other spellings in use.
var aliases = map[string]string{"raw_tp_writable": "raw_tracepoint_writable", "raw_tp": "raw_tracepoint", "tc": "sched_cls",
	"classifier": "sched_cls", "action": "sched_act", "lru_percpu_hash_map": "lru_percpu_hash", "cgroup_skb_egress": "cgroup_skb",
	"cgrp_storage_map": "cgrp_storage", "cgroup_storage_deprecated": "cgroup_storage"}

func enumOf(table []string, what, name string) (uint32, error) {
	if a, ok := aliases[name]; ok {
		name = a
	}
	if i := slices.Index(table, name); i >= 0 {
		return uint32(i), nil
	}
	if n, err := strconv.ParseUint(name, 10, 32); err == nil {
		return uint32(n), nil
	}
	return 0, fmt.Errorf("%s %q: unknown", what, name)
}

func nameOf(table []string, n uint32) string {
	if int(n) < len(table) {
		return table[n]
	}
	return strconv.Itoa(int(n))
}

// Numbers that the host decides by.
const (
	typeKprobe    = 2
	typeTracing   = 26
	typeStructOps = 27
	typeLSM       = 29

	attachTraceRawTP = 23 // enum bpf_attach_type
	attachTraceIter  = 28
)

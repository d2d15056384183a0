// Three ways to count on two CPUs. The first loses packets when both CPUs are
// between its load and its store; the other two never do.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct counter {
	__u64 plain;
	__u64 atomic;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counter);
} shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} own SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct counter *c = bpf_map_lookup_elem(&shared, &zero);
	__u64 *mine = bpf_map_lookup_elem(&own, &zero);

	if (!c || !mine)
		return XDP_ABORTED;
	c->plain++;                          // load, add, store: three instructions
	__sync_fetch_and_add(&c->atomic, 1); // one instruction
	(*mine)++;                           // a value that no other CPU has
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// Every attribute of a map definition, maps in maps and prog arrays with
// initial elements.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __uint(max_entries, 64); __uint(map_extra, 5); __uint(value_size, 8); } bloom SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 64); __uint(map_flags, BPF_F_NO_PREALLOC); __uint(key_size, 8); __type(value, __u32); __uint(pinning, LIBBPF_PIN_BY_NAME); } trie SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(key, int); __type(value, int); } perf SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
};

struct inner inner_a SEC(".maps"), inner_b SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [0] = &inner_a, [2] = &inner_b },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 16);
		__type(key, int);
		__type(value, int);
	});
} dynamic SEC(".maps");

SEC("xdp") int tail_one(struct xdp_md *ctx) { return 1; }
SEC("xdp") int tail_two(struct xdp_md *ctx) { return 2; }

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__array(values, int (void *));
} jumps SEC(".maps") = {
	.values = { [1] = (void *)&tail_one, [5] = (void *)&tail_two },
};

SEC("xdp")
int jump(struct xdp_md *ctx)
{
	__u32 k = 2;
	void *in = bpf_map_lookup_elem(&outer, &k);
	if (in)
		bpf_map_lookup_elem(in, &k);
	bpf_map_peek_elem(&bloom, &k);
	bpf_map_lookup_elem(&trie, &k);
	bpf_map_lookup_elem(&dynamic, &k);
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &k, 4);
	bpf_tail_call(ctx, &jumps, 5);
	return 0;
}

// Maps of three kinds and global variables in .data, .rodata and .bss.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair { __u64 packets; __u64 bytes; };

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct pair);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 16);
} totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

const volatile __u32 limit = 1500;
__u64 seen;
static __u32 dropped;
int level = 3;

SEC("xdp")
int count_packets(struct xdp_md *ctx)
{
	__u32 key = ctx->ingress_ifindex, zero = 0;
	__u64 len = ctx->data_end - ctx->data;
	struct pair *p;

	__sync_fetch_and_add(&seen, 1);
	if (len > limit) {
		dropped += level;
		return XDP_DROP;
	}
	p = bpf_map_lookup_elem(&counts, &key);
	if (p) {
		__sync_fetch_and_add(&p->packets, 1);
		p->bytes += len;
	} else {
		struct pair fresh = { 1, len };
		bpf_map_update_elem(&counts, &key, &fresh, BPF_ANY);
	}
	p = bpf_map_lookup_elem(&totals, &zero);
	if (p)
		p->packets++;
	__u64 *e = bpf_ringbuf_reserve(&events, 8, 0);
	if (e) {
		*e = len + dropped;
		bpf_ringbuf_submit(e, 0);
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

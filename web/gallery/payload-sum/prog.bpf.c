// Add up the bytes of a packet, however many there are: bpf_loop calls a
// function for each, and the verifier looks at that function only once.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct sum {
	struct xdp_md *ctx;
	__u32 total;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32); // length
	__type(value, __u32);
} totals SEC(".maps");

static long add(__u32 i, struct sum *s)
{
	__u8 byte;

	// The offset is no constant, so the packet is read by a helper.
	if (bpf_xdp_load_bytes(s->ctx, i, &byte, 1))
		return 1; // ends the loop
	s->total += byte;
	return 0;
}

SEC("xdp")
int checksum(struct xdp_md *ctx)
{
	struct sum s = { .ctx = ctx };
	__u32 len = bpf_xdp_get_buff_len(ctx);

	if (bpf_loop(len, add, &s, 0) != len)
		return XDP_ABORTED;
	bpf_map_update_elem(&totals, &len, &s.total, BPF_ANY);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

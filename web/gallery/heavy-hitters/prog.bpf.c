// Count packets by source in a map that never fills up: a new source takes the
// place of one that was not seen for long.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4);
	__type(key, __be32);
	__type(value, __u64);
} sources SEC(".maps");

SEC("xdp")
int hit(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	__be32 addr = ip->saddr;
	__u64 one = 1, *n = bpf_map_lookup_elem(&sources, &addr);
	if (n)
		__sync_fetch_and_add(n, 1); // the lookup has marked it as used
	else
		bpf_map_update_elem(&sources, &addr, &one, BPF_ANY);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

// Allow or deny by source prefix. The longest matching prefix wins, so a
// denied network may have an allowed host inside.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct prefix {
	__u32 len;   // how many leading bits of addr count
	__be32 addr; // network byte order: the trie compares from the first byte
};

struct rule {
	__u32 deny;
	__u32 hits;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct prefix);
	__type(value, struct rule);
} rules SEC(".maps");

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	struct prefix key = { .len = 32, .addr = ip->saddr };
	struct rule *rule = bpf_map_lookup_elem(&rules, &key);
	if (!rule) // no prefix covers the address
		return XDP_PASS;
	__sync_fetch_and_add(&rule->hits, 1);
	return rule->deny ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

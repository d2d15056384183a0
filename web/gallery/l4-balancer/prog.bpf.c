// Spread TCP connections to a virtual address over backends. The choice is a
// hash of addresses and ports: all packets of a connection reach the same
// backend without any table of connections.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define BACKENDS 4

struct backend {
	__be32 addr;
	__u8 mac[6];
	__u16 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BACKENDS);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BACKENDS);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

const volatile __be32 vip = bpf_htonl(0x0a0000fe); // 10.0.0.254

// Jenkins' one-at-a-time mix, enough to spread four words.
static __always_inline __u32 mix(__u32 h, __u32 v)
{
	h += v;
	h += h << 10;
	h ^= h >> 6;
	return h;
}

// The IPv4 header checksum after a change of the destination (RFC 1624).
static __always_inline void replace_daddr(struct iphdr *ip, __be32 to)
{
	__u32 from = ip->daddr;
	__u32 sum = (__u16)~ip->check;

	sum += (__u16)~from + (__u16)~(from >> 16);
	sum += (__u16)to + (__u16)(to >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	ip->check = ~sum;
	ip->daddr = to;
}

SEC("xdp")
int balance(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > data_end)
		return XDP_PASS;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 ||
	    ip->protocol != IPPROTO_TCP || ip->daddr != vip)
		return XDP_PASS;

	__u32 h = mix(mix(0, ip->saddr), ((__u32)tcp->source << 16) | tcp->dest);
	__u32 key = (h ^ h >> 16) % BACKENDS;
	struct backend *b = bpf_map_lookup_elem(&backends, &key);
	if (!b || !b->addr)
		return XDP_DROP; // nobody serves this share of the traffic
	__u64 *n = bpf_map_lookup_elem(&packets, &key);
	if (n)
		__sync_fetch_and_add(n, 1);

	replace_daddr(ip, b->addr);
	__builtin_memcpy(eth->h_dest, b->mac, ETH_ALEN);
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";

// One program for each protocol, joined by tail calls: the dispatcher jumps to
// the program in the slot of the packet's protocol and does not come back.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

int tcp(struct xdp_md *ctx);
int udp(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__array(values, int(struct xdp_md *));
} protocols SEC(".maps") = {
	.values = {
		[IPPROTO_TCP] = &tcp,
		[IPPROTO_UDP] = &udp,
	},
};

__u64 unknown;

SEC("xdp")
int dispatch(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	bpf_tail_call(ctx, &protocols, ip->protocol);

	// Still here: the slot is empty.
	unknown++;
	return XDP_PASS;
}

SEC("xdp")
int tcp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct tcphdr *h = data + sizeof(struct ethhdr) + sizeof(struct iphdr);

	// A new program, a new proof: what the dispatcher checked is forgotten.
	if ((void *)(h + 1) > data_end)
		return XDP_DROP;
	return h->dest == bpf_htons(23) ? XDP_DROP : XDP_PASS; // no telnet
}

SEC("xdp")
int udp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct udphdr *h = data + sizeof(struct ethhdr) + sizeof(struct iphdr);

	if ((void *)(h + 1) > data_end)
		return XDP_DROP;
	return h->dest == bpf_htons(69) ? XDP_DROP : XDP_PASS; // no tftp
}

char LICENSE[] SEC("license") = "GPL";

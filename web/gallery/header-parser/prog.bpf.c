// Walk the headers of a packet: Ethernet, up to two VLAN tags, IPv4, TCP.
// Every read is preceded by a check against data_end: the verifier wants the
// proof, and a short packet would otherwise be read past its end.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct vlan_tag {
	__be16 tci;
	__be16 proto;
};

struct summary {
	__u32 saddr;
	__u32 daddr;
	__u16 dport;
	__u8 vlans;
	__u8 syn;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct summary);
} last_packet SEC(".maps");

SEC("xdp")
int parse(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *data_end = (void *)(long)ctx->data_end;
	struct summary sum = {};
	__u32 zero = 0;

	struct ethhdr *eth = data;
	if ((void *)(eth + 1) > data_end)
		return XDP_DROP;
	__be16 proto = eth->h_proto;
	void *next = eth + 1;

#pragma unroll
	for (int i = 0; i < 2; i++) {
		struct vlan_tag *vlan = next;
		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(vlan + 1) > data_end)
			return XDP_DROP;
		proto = vlan->proto;
		next = vlan + 1;
		sum.vlans++;
	}
	if (proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;

	struct iphdr *ip = next;
	if ((void *)(ip + 1) > data_end)
		return XDP_DROP;
	sum.saddr = bpf_ntohl(ip->saddr);
	sum.daddr = bpf_ntohl(ip->daddr);

	if (ip->protocol == IPPROTO_TCP) {
		// IP options make the header longer than its struct: ihl counts words.
		struct tcphdr *tcp = next + ip->ihl * 4;
		if ((void *)(tcp + 1) > data_end)
			return XDP_DROP;
		sum.dport = bpf_ntohs(tcp->dest);
		sum.syn = tcp->syn;
	}
	bpf_map_update_elem(&last_packet, &zero, &sum, BPF_ANY);
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";

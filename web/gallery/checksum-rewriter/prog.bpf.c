// Redirect DNS: rewrite the destination port of UDP datagrams and repair the
// checksum by the difference, without reading the payload again.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FROM 53
#define TO 5353

#define L4_OFF (sizeof(struct ethhdr) + sizeof(struct iphdr))

SEC("tc")
int rewrite(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) > data_end)
		return TC_ACT_OK;
	if (eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
		return TC_ACT_OK;
	if (udp->dest != bpf_htons(FROM))
		return TC_ACT_OK;

	// A helper that may move the packet makes all packet pointers stale: the
	// verifier forgets them, so everything needed is kept in numbers.
	__be16 from = bpf_htons(FROM), to = bpf_htons(TO);
	if (udp->check) // 0 means the sender computed none
		bpf_l4_csum_replace(skb, L4_OFF + offsetof(struct udphdr, check), from, to,
				    BPF_F_MARK_MANGLED_0 | sizeof(to));
	bpf_skb_store_bytes(skb, L4_OFF + offsetof(struct udphdr, dest), &to, sizeof(to), 0);
	skb->mark = TO;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";

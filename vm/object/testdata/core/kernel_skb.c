// Members in anonymous unions and structs, and bitfields, of a real kernel type.
#include "types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct net_device {
	int ifindex;
	unsigned int no_such_flag;
};
struct sk_buff {
	struct net_device *dev;
	unsigned int len;
	unsigned char pkt_type : 3;
	unsigned char ip_summed : 2;
	__be16 protocol;
	unsigned long _skb_refdst;
	char cb[48];
};
#pragma clang attribute pop

SEC("raw_tp")
int prog(__u64 *ctx)
{
	struct sk_buff *skb = (void *)ctx[0];

	if (bpf_core_field_exists(skb->dev->no_such_flag))
		return skb->dev->no_such_flag;
	return skb->dev->ifindex + skb->len + skb->protocol + skb->_skb_refdst + skb->cb[20] +
	       BPF_CORE_READ_BITFIELD(skb, pkt_type) + BPF_CORE_READ_BITFIELD(skb, ip_summed);
}

// A timer in a map value: it is started by each packet and fires when a flow
// was quiet for 50 ms. Then the flow is taken out of the map.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define CLOCK_MONOTONIC 1
#define IDLE 50000000ULL // ns

struct flow {
	__u64 packets;
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps");

__u64 expired;

static int quiet(void *map, __u32 *addr, struct flow *f)
{
	__sync_fetch_and_add(&expired, 1);
	bpf_map_delete_elem(map, addr);
	return 0;
}

SEC("tc")
int track(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;

	__u32 addr = ip->saddr;
	struct flow *f = bpf_map_lookup_elem(&flows, &addr);
	if (!f) {
		struct flow zero = {};

		bpf_map_update_elem(&flows, &addr, &zero, BPF_NOEXIST);
		f = bpf_map_lookup_elem(&flows, &addr);
		if (!f)
			return 0;
		bpf_timer_init(&f->timer, &flows, CLOCK_MONOTONIC);
		bpf_timer_set_callback(&f->timer, quiet);
	}
	__sync_fetch_and_add(&f->packets, 1);
	bpf_timer_start(&f->timer, IDLE, 0); // again from now
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

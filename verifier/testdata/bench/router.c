/* A router with policy, connection tracking and address translation, of the
 * size of a large production program (a few thousand instructions, some ten
 * thousand to verify): for benchmarks of the verifier. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct tuple {
	__u32 saddr[4], daddr[4];
	__u16 sport, dport;
	__u8 proto, flags, pad[2];
};

struct conn {
	__u64 packets, bytes, last;
	__u32 addr[4];
	__u16 port, state;
	__u32 flags;
};

struct rule {
	__u32 addr, mask;
	__u16 lo, hi;
	__u8 proto, action, log, pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, struct tuple);
	__type(value, struct conn);
} conns SEC(".maps");

struct policy {
	struct rule rules[40];
	__u32 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct policy);
} policies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64[2]);
} metrics SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} log_ring SEC(".maps");

static __always_inline void metric(__u32 key, __u64 bytes)
{
	__u64 *m = bpf_map_lookup_elem(&metrics, &key);

	if (m) {
		m[0]++;
		m[1] += bytes;
	}
}

static __always_inline int drop(struct __sk_buff *skb, __u32 why)
{
	metric(why, skb->len);
	return TC_ACT_SHOT;
}

static __always_inline int ports(void *l4, void *end, struct tuple *t)
{
	if (t->proto == IPPROTO_TCP) {
		struct tcphdr *tcp = l4;

		if ((void *)(tcp + 1) > end)
			return -1;
		t->sport = tcp->source;
		t->dport = tcp->dest;
		t->flags = tcp->syn | tcp->fin << 1 | tcp->rst << 2;
	} else if (t->proto == IPPROTO_UDP) {
		struct udphdr *udp = l4;

		if ((void *)(udp + 1) > end)
			return -1;
		t->sport = udp->source;
		t->dport = udp->dest;
	}
	return 0;
}

static __always_inline int parse4(void *data, void *end, struct tuple *t)
{
	struct iphdr *ip = data;
	__u32 len;

	if ((void *)(ip + 1) > end)
		return -1;
	len = ip->ihl * 4;
	if (len < sizeof(*ip))
		return -1;
	t->proto = ip->protocol;
	t->saddr[0] = ip->saddr;
	t->daddr[0] = ip->daddr;
	return ports(data + len, end, t);
}

static __always_inline int parse6(void *data, void *end, struct tuple *t)
{
	struct ipv6hdr *ip = data;
	__u8 next;
	void *at = ip + 1;

	if (at > end)
		return -1;
	__builtin_memcpy(t->saddr, &ip->saddr, 16);
	__builtin_memcpy(t->daddr, &ip->daddr, 16);
	next = ip->nexthdr;
#pragma unroll
	for (int i = 0; i < 4; i++) {
		struct ipv6_opt_hdr *h = at;

		if (next != 0 && next != 43 && next != 60)
			break;
		if ((void *)(h + 1) > end)
			return -1;
		next = h->nexthdr;
		at += (h->hdrlen + 1) * 8;
	}
	t->proto = next;
	return ports(at, end, t);
}

static __always_inline int match(const struct rule *r, const struct tuple *t)
{
	__u16 port = bpf_ntohs(t->dport);

	if (r->proto && r->proto != t->proto)
		return 0;
	if ((t->daddr[0] & r->mask) != r->addr)
		return 0;
	return port >= r->lo && port <= r->hi;
}

static __always_inline int decide(__u32 id, const struct tuple *t)
{
	struct policy *p;
	int action = 0;

	id &= 63;
	p = bpf_map_lookup_elem(&policies, &id);
	if (!p)
		return -1;
#pragma unroll
	for (int i = 0; i < 40; i++) {
		if (i >= p->count)
			break;
		if (!match(&p->rules[i], t))
			continue;
		action = p->rules[i].action;
		if (p->rules[i].log) {
			struct tuple *rec = bpf_ringbuf_reserve(&log_ring, sizeof(*rec), 0);

			if (rec) {
				*rec = *t;
				bpf_ringbuf_submit(rec, 0);
			}
		}
		break;
	}
	return action;
}

static __always_inline int track(struct tuple *t, struct conn *out, __u32 len)
{
	struct conn *c = bpf_map_lookup_elem(&conns, t), fresh = {};

	if (!c) {
		fresh.packets = 1;
		fresh.bytes = len;
		fresh.last = bpf_ktime_get_ns();
		fresh.state = t->flags;
		if (bpf_map_update_elem(&conns, t, &fresh, BPF_NOEXIST))
			return -1;
		*out = fresh;
		return 1;
	}
	c->packets++;
	c->bytes += len;
	c->last = bpf_ktime_get_ns();
	switch (t->flags) {
	case 1: c->state = 1; break;
	case 2: c->state |= 2; break;
	case 4: bpf_map_delete_elem(&conns, t); return 2;
	}
	*out = *c;
	return 0;
}

static __always_inline int translate(struct __sk_buff *skb, const struct conn *c, int off)
{
	__u32 to = c->addr[0];
	__u16 port = c->port;

	if (!c->flags)
		return 0;
	if (bpf_l3_csum_replace(skb, off + 10, 0, to, 4))
		return -1;
	if (bpf_skb_store_bytes(skb, off + 16, &to, 4, 0))
		return -1;
	if (bpf_skb_store_bytes(skb, off + 22, &port, 2, BPF_F_RECOMPUTE_CSUM))
		return -1;
	return 0;
}

static __always_inline int route(struct __sk_buff *skb, __u32 policy)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct tuple t = {}, back = {};
	struct conn c = {};
	int off = sizeof(*eth), r;
	__u16 proto;

	if ((void *)(eth + 1) > end)
		return drop(skb, 1);
	proto = eth->h_proto;
#pragma unroll
	for (int i = 0; i < 2; i++) {
		__u16 *tag = data + off;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 2) > end)
			return drop(skb, 2);
		proto = tag[1];
		off += 4;
	}
	if (proto == bpf_htons(ETH_P_IP))
		r = parse4(data + off, end, &t);
	else if (proto == bpf_htons(ETH_P_IPV6))
		r = parse6(data + off, end, &t);
	else
		return TC_ACT_OK;
	if (r)
		return drop(skb, 3);
	r = decide(policy, &t);
	if (r < 0)
		return drop(skb, 4);
	if (r == 1)
		return drop(skb, 5);
	r = track(&t, &c, skb->len);
	if (r < 0)
		return drop(skb, 6);
	__builtin_memcpy(back.saddr, t.daddr, 16);
	__builtin_memcpy(back.daddr, t.saddr, 16);
	back.sport = t.dport;
	back.dport = t.sport;
	back.proto = t.proto;
	if (track(&back, &c, 0) < 0)
		return drop(skb, 7);
	if (translate(skb, &c, off))
		return drop(skb, 8);
	metric(9, skb->len);
	return c.flags & 2 ? bpf_redirect(c.flags >> 8, 0) : TC_ACT_OK;
}

SEC("tc") int ingress(struct __sk_buff *skb)
{
	int r = route(skb, skb->mark);

	if (r != TC_ACT_OK)
		return r;
	skb->mark |= 1 << 16;
	if (skb->tc_index & 1) {
		r = route(skb, skb->mark >> 8);
		if (r != TC_ACT_OK)
			return r;
	}
	return skb->tc_index & 2 ? route(skb, skb->mark >> 24) : r;
}

char _license[] SEC("license") = "GPL";

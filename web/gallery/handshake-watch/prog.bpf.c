// Events in the life of a cgroup's TCP sockets. The first ones come unasked;
// state changes come to sockets that ask for them.
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct counts {
	__u32 active;  // we connected
	__u32 passive; // we accepted
	__u32 closed;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32); // the other side's port, or ours when we accepted
	__type(value, struct counts);
} sockets SEC(".maps");

static struct counts *of(__u32 port)
{
	struct counts zero = {};

	bpf_map_update_elem(&sockets, &port, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(&sockets, &port);
}

SEC("sockops")
int watch(struct bpf_sock_ops *ops)
{
	__u32 remote = bpf_ntohl(ops->remote_port), local = ops->local_port;
	struct counts *c;

	switch (ops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		if ((c = of(remote)))
			__sync_fetch_and_add(&c->active, 1);
		bpf_sock_ops_cb_flags_set(ops, BPF_SOCK_OPS_STATE_CB_FLAG);
		break;
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		if ((c = of(local)))
			__sync_fetch_and_add(&c->passive, 1);
		bpf_sock_ops_cb_flags_set(ops, BPF_SOCK_OPS_STATE_CB_FLAG);
		break;
	case BPF_SOCK_OPS_STATE_CB: // args: the old state and the new one
		if (ops->args[1] == BPF_TCP_CLOSE && (c = of(remote)))
			__sync_fetch_and_add(&c->closed, 1);
		break;
	}
	return 1;
}

char LICENSE[] SEC("license") = "GPL";

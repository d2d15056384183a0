// The processes of a cgroup may connect to the ports of a list, and what goes
// to port 80 is sent to a proxy: the program changes the address in place.
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define PROXY bpf_htonl(0x7f000001) // 127.0.0.1
#define ALLOW 1
#define REFUSE 0

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u16);
	__type(value, __u64); // connections
} ports SEC(".maps");

SEC("cgroup/connect4")
int connect4(struct bpf_sock_addr *ctx)
{
	if (ctx->protocol != IPPROTO_TCP)
		return ALLOW;

	__u16 port = bpf_ntohs(ctx->user_port);
	if (port == 80) {
		ctx->user_ip4 = PROXY;
		ctx->user_port = bpf_htons(3128);
		return ALLOW;
	}
	__u64 *n = bpf_map_lookup_elem(&ports, &port);
	if (!n)
		return REFUSE; // connect(2) fails with EPERM
	__sync_fetch_and_add(n, 1);
	return ALLOW;
}

char LICENSE[] SEC("license") = "GPL";

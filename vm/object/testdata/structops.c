// A struct_ops map: function pointers and plain members.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct sock;

struct tcp_congestion_ops {
	unsigned int (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, unsigned int ack, unsigned int acked);
	unsigned int flags;
	char name[16];
};

SEC("struct_ops/ssthresh")
unsigned int half(__u64 *ctx) { return 2; }

SEC("struct_ops/cong_avoid")
void avoid(__u64 *ctx) {}

SEC(".struct_ops")
struct tcp_congestion_ops reno = {
	.ssthresh = (void *)half,
	.cong_avoid = (void *)avoid,
	.flags = 6,
	.name = "skep_reno",
};

char LICENSE[] SEC("license") = "GPL";

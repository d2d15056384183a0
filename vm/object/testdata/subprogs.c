// Static, global, weak and hidden subprograms, nested, shared by programs.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 calls;

static __attribute__((noinline)) int leaf(int x)
{
	calls++;
	return x * 7 + 1;
}

__attribute__((noinline)) int middle(int x)
{
	volatile int y = leaf(x);
	return leaf(y) + 2;
}

__attribute__((noinline, visibility("hidden"))) int hidden(int x)
{
	volatile int y = x;
	return middle(y) - y;
}

__attribute__((weak, noinline)) int weak(int x)
{
	volatile int y = x;
	return y + 5;
}

static __attribute__((noinline)) int second(struct xdp_md *ctx, int n)
{
	if (n > 100)
		return leaf(n);
	return weak(n);
}

SEC("xdp")
int first(struct xdp_md *ctx)
{
	return hidden(ctx->rx_queue_index) + second(ctx, ctx->ingress_ifindex);
}

SEC("xdp")
int other(struct xdp_md *ctx)
{
	return second(ctx, 300);
}

SEC("tc")
int classify(struct __sk_buff *skb)
{
	return middle(skb->len);
}

SEC("?tracepoint/syscalls/sys_enter_openat")
int quiet(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

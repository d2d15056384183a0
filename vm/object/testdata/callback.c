// Callbacks: the address of a static function, in .text and in a timer.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct slot { __u64 n; struct bpf_timer timer; };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct slot);
} slots SEC(".maps");

static int helper_of_step(int x) { volatile int y = x; return y + 1; }
static __attribute__((noinline)) int add(int x) { volatile int y = x; return y + helper_of_step(y); }

static int step(__u32 i, __u64 *sum)
{
	*sum += add(i);
	return 0;
}

static int visit(void *map, int *key, struct slot *val, void *ctx)
{
	val->n++;
	return 0;
}

int global_cb(__u32 i, void *ctx) { return i > 3; }

SEC("xdp")
int loop(struct xdp_md *ctx)
{
	__u64 sum = 0;
	bpf_loop(10, step, &sum, 0);
	bpf_loop(5, global_cb, 0, 0);
	bpf_for_each_map_elem(&slots, visit, 0, 0);
	return sum & 1;
}

char LICENSE[] SEC("license") = "GPL";

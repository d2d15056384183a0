// A sampling profiler: at each sample of the CPU clock, count the call stack
// that was interrupted.
#include <linux/bpf.h>
#include <linux/bpf_perf_event.h>
#include <bpf/bpf_helpers.h>

#define DEPTH 16

struct where {
	__u32 pid;
	__s32 stack; // id in stacks
};

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 128);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, DEPTH * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, struct where);
	__type(value, __u64);
} samples SEC(".maps");

SEC("perf_event")
int profile(struct bpf_perf_event_data *ctx)
{
	struct where w = { .pid = bpf_get_current_pid_tgid() >> 32 };

	// The same stack gives the same id: the map holds each once.
	w.stack = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	if (w.stack < 0)
		return 0; // no room, or another stack has taken the bucket

	__u64 one = 1, *n = bpf_map_lookup_elem(&samples, &w);
	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&samples, &w, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

// How long does opening a file take? Note the time at the entry of a kernel
// function, look at it again at its return, keep a histogram of powers of two.
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#define BUCKETS 16

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32); // thread
	__type(value, __u64);
} started SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} micros SEC(".maps");

SEC("kprobe/do_sys_openat2")
int enter(void *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&started, &tid, &now, BPF_ANY);
	return 0;
}

SEC("kretprobe/do_sys_openat2")
int leave(void *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	__u64 *from = bpf_map_lookup_elem(&started, &tid);
	if (!from) // the entry came before we were loaded
		return 0;

	__u64 us = (bpf_ktime_get_ns() - *from) / 1000;
	bpf_map_delete_elem(&started, &tid);

	__u32 bucket = 0;
	for (int i = 0; i < BUCKETS - 1; i++) {
		if (us >> bucket <= 1)
			break;
		bucket++;
	}
	__u64 *n = bpf_map_lookup_elem(&micros, &bucket);
	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

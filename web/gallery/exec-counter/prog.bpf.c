// Count how often each user starts a program, at a tracepoint of the kernel.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} execs SEC(".maps");

// What the tracepoint hands over: /sys/kernel/tracing/events/syscalls/
// sys_enter_execve/format has the offsets.
struct sys_enter_execve {
	__u64 common; // type, flags, preempt count and pid
	__s64 nr;
	const char *filename;
	const char *const *argv;
	const char *const *envp;
};

SEC("tracepoint/syscalls/sys_enter_execve")
int count_exec(struct sys_enter_execve *ctx)
{
	// The upper half is the group, the lower half the user.
	__u32 uid = bpf_get_current_uid_gid();
	char path[32];

	__u64 *n = bpf_map_lookup_elem(&execs, &uid);
	if (n) {
		__sync_fetch_and_add(n, 1);
	} else {
		__u64 one = 1;
		bpf_map_update_elem(&execs, &uid, &one, BPF_NOEXIST);
	}

	// The path lies in user memory: it must be copied, and that may fail.
	if (bpf_probe_read_user_str(path, sizeof(path), ctx->filename) > 0)
		bpf_printk("uid %d runs %s", uid, path);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

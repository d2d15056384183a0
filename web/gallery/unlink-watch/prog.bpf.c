// Who removes which file, and did it work? fexit sees the arguments of the
// function and what it returned, both with their types.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

// The fields that we need of the kernel's structs. Their offsets are filled in
// when the program is loaded: compile once, run everywhere.
struct filename {
	const char *name;
} __attribute__((preserve_access_index));

struct removal {
	__u32 pid;
	__s32 result;
	char comm[16];
	char path[40];
};

// Nothing uses it: it keeps the type in the object, for those who read the ring.
const struct removal *unused_removal __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} removals SEC(".maps");

SEC("fexit/do_unlinkat")
int BPF_PROG(unlinked, int dfd, struct filename *name, int ret)
{
	struct removal *r = bpf_ringbuf_reserve(&removals, sizeof(*r), 0);
	if (!r)
		return 0;
	r->pid = bpf_get_current_pid_tgid() >> 32;
	r->result = ret;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	__builtin_memset(r->path, 0, sizeof(r->path));
	bpf_probe_read_kernel_str(r->path, sizeof(r->path), BPF_CORE_READ(name, name));
	bpf_ringbuf_submit(r, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

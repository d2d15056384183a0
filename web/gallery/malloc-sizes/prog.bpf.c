// Look into a program of user space: how large are the pieces of memory that
// it asks malloc for?
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct stat {
	__u64 calls;
	__u64 bytes;
	__u64 largest;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32); // process
	__type(value, struct stat);
} mallocs SEC(".maps");

SEC("uprobe/libc.so.6:malloc")
int BPF_KPROBE(on_malloc, unsigned long size)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct stat zero = {}, *s;

	bpf_map_update_elem(&mallocs, &pid, &zero, BPF_NOEXIST);
	s = bpf_map_lookup_elem(&mallocs, &pid);
	if (!s)
		return 0;
	s->calls++; // of this CPU alone: nobody else writes it
	s->bytes += size;
	if (size > s->largest)
		s->largest = size;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

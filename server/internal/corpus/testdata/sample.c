/* Annotated as the kernel's tests are, to see that records take it over. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define tag(x) __attribute__((btf_decl_tag("comment:" x)))

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

tag("test_expect_success") tag("test_prog_flags=BPF_F_TEST_STATE_FREQ") tag("test_retval=2")
SEC("socket") int count(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 *n = bpf_map_lookup_elem(&counts, &key);

	if (n)
		*n += 1;
	return 2;
}

tag("test_expect_failure") tag("test_expect_msg=0=R1 !read_ok") tag("test_expect_failure_unpriv")
SEC("socket") __attribute__((naked)) int unread(void)
{
	asm volatile("r0 = r1; r1 = 0; call 1; r0 = r1; exit;" ::: "r0", "r1");
}

char _license[] SEC("license") = "GPL";

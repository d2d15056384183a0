// Data sections of every name, string literals, static locals, hidden
// variables, arrays and structs with initial values.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct conf { int a; short b; char name[12]; } conf = { 1, -2, "eth0" };
int table[4] = { 1, 2, 3, 4 };
__u8 big_zero[1000];
const char banner[] = "hello";
SEC(".data.mine") int mine = 42;
SEC(".rodata.theirs") const volatile int theirs = 43;
SEC(".data.a_long_section_name") long longname = 7;
__attribute__((visibility("hidden"))) int concealed = 9;
static volatile const int fixed = 11;
int *pointer = &table[1];

SEC("tc")
int use(struct __sk_buff *skb)
{
	static int times = 5;
	static const char fmt[] = "len %d";
	char copy[8];

	times += skb->len;
	bpf_trace_printk(fmt, sizeof(fmt), times);
	bpf_printk("literal %d", skb->len);
	conf.a += table[skb->len & 3] + mine + theirs + longname + concealed + fixed + (pointer != 0);
	big_zero[skb->len % 1000]++;
	__builtin_memcpy(copy, banner, 6);
	bpf_probe_read_kernel(copy, 6, banner);
	return conf.a + copy[1] + conf.name[skb->len & 7];
}

char LICENSE[] SEC("license") = "GPL";

// What the kernel provides: its configuration, addresses and functions.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct task_struct { int pid; };
extern int LINUX_KERNEL_VERSION __kconfig;
extern unsigned long CONFIG_HZ __kconfig;
extern _Bool CONFIG_SMP __kconfig;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig;
extern void bpf_prog_active __ksym;
extern void runqueues __ksym __weak;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym __weak;

SEC("tp_btf/task_newtask")
int ask(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[0];
	__u64 n = LINUX_KERNEL_VERSION + CONFIG_HZ + CONFIG_DEFAULT_HOSTNAME[2];

	if (CONFIG_SMP)
		n++;
	t = bpf_task_acquire(t);
	if (t)
		bpf_task_release(t);
	n += (unsigned long)&bpf_prog_active;
	return n + (&runqueues != 0);
}

char LICENSE[] SEC("license") = "GPL";

// Externs that cilium/ebpf does not know: weak configuration and a kernel
// variable with a type, reached by BTF id.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern const int bpf_prog_active __ksym;
extern unsigned long CONFIG_HZ __kconfig __weak;
extern _Bool CONFIG_SMP __kconfig __weak;
extern int LINUX_KERNEL_VERSION __kconfig;
extern const int no_such_variable __ksym __weak;

SEC("raw_tp/sys_enter")
int peek(void *ctx)
{
	int *active = bpf_per_cpu_ptr(&bpf_prog_active, 0);
	if (CONFIG_SMP && LINUX_KERNEL_VERSION > CONFIG_HZ)
		return 1;
	return (active ? *active : 0) + (&no_such_variable ? 1 : 0);
}

char LICENSE[] SEC("license") = "GPL";

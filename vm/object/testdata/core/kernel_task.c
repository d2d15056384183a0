// Members of real kernel types, declared as far as they are used.
#include "types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct mm_struct___any {
	unsigned long start_stack;
};
struct task_struct {
	struct task_struct *real_parent;
	struct mm_struct___any *mm;
	int pid;
	char comm[16];
	unsigned int in_execve : 1;
};
#pragma clang attribute pop

SEC("raw_tp")
int prog(__u64 *ctx)
{
	struct task_struct *t = (void *)ctx[0];
	char comm[16];

	BPF_CORE_READ_STR_INTO(&comm, t, comm);
	return BPF_CORE_READ(t, real_parent, real_parent, pid) + BPF_CORE_READ(t, mm, start_stack) +
	       BPF_CORE_READ_BITFIELD_PROBED(t, in_execve) + t->comm[3] + comm[0];
}

// A security hook that says no: users from 1000 on may not run programs that
// are set-user-ID. What an LSM program returns is what the system call fails with.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define EPERM 1
#define S_ISUID 04000

struct inode {
	unsigned short i_mode;
} __attribute__((preserve_access_index));

struct file {
	struct inode *f_inode;
} __attribute__((preserve_access_index));

struct linux_binprm {
	struct file *file;
} __attribute__((preserve_access_index));

__u64 refused;

SEC("lsm/bprm_check_security")
int BPF_PROG(guard, struct linux_binprm *bprm, int ret)
{
	if (ret) // another module has already refused
		return ret;
	__u32 uid = bpf_get_current_uid_gid();

	// A chain of pointers, each of a type that the verifier knows: no copying.
	if (uid >= 1000 && bprm->file->f_inode->i_mode & S_ISUID) {
		__sync_fetch_and_add(&refused, 1);
		return -EPERM;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

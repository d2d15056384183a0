// Sizes, ids and values of real kernel types.
#include "types.h"

struct sk_buff;
struct task_struct { int pid; };
enum pid_type { PIDTYPE_PID, PIDTYPE_NONE };
typedef int pid_t;
struct pid_namespace___gone_v9 { int level; };

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_type_size(struct task_struct) + bpf_core_type_id_kernel(struct task_struct) +
	       bpf_core_type_exists(pid_t) + 2 * bpf_core_type_exists(struct pid_namespace___gone_v9) +
	       4 * bpf_core_type_matches(struct pid_namespace___gone_v9) +
	       bpf_core_enum_value_exists(enum pid_type, PIDTYPE_NONE) +
	       (bpf_core_enum_value(enum pid_type, PIDTYPE_PID) & 7);
}

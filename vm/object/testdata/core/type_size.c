// Bpf_core_type_size.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_type_size(struct plain) + bpf_core_type_size(enum huge);
}

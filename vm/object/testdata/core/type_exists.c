// Bpf_core_type_exists.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_type_exists(struct plain);
}

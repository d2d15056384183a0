// Bpf_core_type_exists of a type that targets lack.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_type_exists(struct gone);
}

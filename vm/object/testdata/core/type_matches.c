// Bpf_core_type_matches.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_type_matches(struct plain);
}

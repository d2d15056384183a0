// Bpf_core_type_matches of a type with pointers and structs.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_type_matches(struct node) + 2 * bpf_core_type_matches(struct nested);
}

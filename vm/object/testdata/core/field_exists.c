// Bpf_core_field_exists.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_field_exists(PTR(plain)->c);
}

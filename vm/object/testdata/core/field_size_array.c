// The size of an array.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_field_size(PTR(plain)->d);
}

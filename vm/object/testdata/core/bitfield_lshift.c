// BPF_FIELD_LSHIFT_U64.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return __builtin_preserve_field_info(PTR(bits)->b, BPF_FIELD_LSHIFT_U64);
}

// Shifts of an ordinary member.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return __builtin_preserve_field_info(PTR(plain)->b, BPF_FIELD_LSHIFT_U64) +
	       __builtin_preserve_field_info(PTR(plain)->h, BPF_FIELD_RSHIFT_U64);
}

// BPF_FIELD_SIGNED of an unsigned int.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return __builtin_preserve_field_info(PTR(plain)->u, BPF_FIELD_SIGNED);
}

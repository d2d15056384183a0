// BPF_FIELD_SIGNED of an int.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return __builtin_preserve_field_info(PTR(plain)->b, BPF_FIELD_SIGNED);
}

// Bpf_core_enum_value of 64 bits.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_enum_value(enum huge, LARGE) >> 3;
}

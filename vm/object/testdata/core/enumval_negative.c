// Bpf_core_enum_value below zero.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_enum_value(enum color, BLUE);
}

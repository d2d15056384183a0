// Bpf_core_enum_value_exists.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_enum_value_exists(enum color, GREEN);
}

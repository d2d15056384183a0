// bpf_core_enum_value above 2^31, in an enum without negative values.
#include "types.h"

enum wide { LOW = 1, HIGH = 0x80000001 };

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_enum_value(enum wide, HIGH) >> 3;
}

// An offset that fits no load.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_field_offset(PTR(large)->after);
}

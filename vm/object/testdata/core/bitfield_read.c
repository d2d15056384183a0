// BPF_CORE_READ_BITFIELD.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return BPF_CORE_READ_BITFIELD(PTR(bits), b);
}

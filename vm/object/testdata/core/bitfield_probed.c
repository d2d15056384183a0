// BPF_CORE_READ_BITFIELD_PROBED.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return BPF_CORE_READ_BITFIELD_PROBED(PTR(bits), b);
}

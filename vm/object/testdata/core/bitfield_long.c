// A bitfield of more than 32 bits.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return BPF_CORE_READ_BITFIELD(PTR(bits), d);
}

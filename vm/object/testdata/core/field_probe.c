// BPF_CORE_READ: an offset that is added.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return BPF_CORE_READ(PTR(plain), c);
}

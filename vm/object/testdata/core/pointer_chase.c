// Members behind two pointers.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return BPF_CORE_READ(PTR(nested), ptr, c);
}

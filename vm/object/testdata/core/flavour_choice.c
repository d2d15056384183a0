// Two flavours, of which one may exist.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	struct plain___new { long fresh; } __attribute__((preserve_access_index));
	if (bpf_core_field_exists(PTR(plain___new)->fresh))
		return PTR(plain___new)->fresh;
	return PTR(plain)->c;
}

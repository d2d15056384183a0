// A flavoured struct, with a part of the members.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	struct plain___old { long c; } __attribute__((preserve_access_index));
	return PTR(plain___old)->c;
}

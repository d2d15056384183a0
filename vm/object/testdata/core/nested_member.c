// A member of a member.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(nested)->in.y;
}

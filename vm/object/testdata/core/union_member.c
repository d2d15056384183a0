// A member of a union.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return ((union either *)ctx[0])->l;
}

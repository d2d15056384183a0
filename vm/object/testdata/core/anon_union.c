// A member of an anonymous union.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(nested)->u2;
}

// An element of an array.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(plain)->d[3];
}

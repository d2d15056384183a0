// An element of a flexible array.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(flex)->tail[4];
}

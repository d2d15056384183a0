// A load of a member of two bytes.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(plain)->h;
}

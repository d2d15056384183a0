// A member of an element behind the pointer.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(plain)[2].b;
}

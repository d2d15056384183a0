// A load of an unsigned member that may be wider.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(plain)->u;
}

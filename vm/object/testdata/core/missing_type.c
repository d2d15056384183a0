// A load from a type that targets lack.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(gone)->x;
}

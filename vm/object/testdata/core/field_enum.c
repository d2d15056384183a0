// A member of an enum type.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(nested)->color;
}

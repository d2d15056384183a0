// An element of an array of arrays.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(nested)->matrix[1][2];
}

// A member of two anonymous structs.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(nested)->deeper;
}

// A member of a named struct.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(nested)->p.c;
}

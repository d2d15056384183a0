// A member of a struct that only a typedef names.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return ((anon_t *)ctx[0])->second;
}

// A store of a register and of a number into a member.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	struct plain *p = PTR(plain);
	p->b = ctx[1];
	p->c = 7;
	return 0;
}

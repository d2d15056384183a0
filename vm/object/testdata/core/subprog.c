// A relocation in a subprogram, whose instructions move.
#include "types.h"

static __attribute__((noinline)) int inner(struct plain *p)
{
	return p->b + bpf_core_type_size(struct plain);
}

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return PTR(plain)->a + inner(PTR(plain));
}

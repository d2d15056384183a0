// A load that runs only if the member exists.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	struct plain *p = PTR(plain);
	if (bpf_core_field_exists(p->c))
		return p->c;
	return 0;
}

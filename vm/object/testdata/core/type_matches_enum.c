// Bpf_core_type_matches of enums and typedefs.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_type_matches(enum color) + 2 * bpf_core_type_matches(func_t) +
	       4 * bpf_core_type_matches(union either);
}

// Bpf_core_type_exists of typedefs.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_type_exists(number_t) + 2 * bpf_core_type_exists(func_t) +
	       4 * bpf_core_type_exists(plain_ptr_t) + 8 * bpf_core_type_exists(array_t) +
	       16 * bpf_core_type_exists(void_t);
}

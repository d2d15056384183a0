// Bpf_core_type_exists of enums and unions.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_type_exists(enum color) + 2 * bpf_core_type_exists(union either);
}

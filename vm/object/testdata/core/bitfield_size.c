// BPF_FIELD_BYTE_SIZE of a bitfield.
#include "types.h"

SEC("raw_tp")
int prog(__u64 *ctx)
{
	return bpf_core_field_size(PTR(bits)->f);
}

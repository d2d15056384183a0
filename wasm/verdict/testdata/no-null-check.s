; The value of a hash map is read without asking whether there is one.
.prog xdp
.license GPL
.map counts hash key=4 value=8 entries=16

	*(u32 *)(r10 - 4) = 7
	r2 = r10
	r2 += -4
	r1 = map[counts]
	call bpf_map_lookup_elem
	r1 = *(u64 *)(r0 + 0)
	r0 = 2
	exit

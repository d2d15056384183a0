; A program that the kernel would refuse: it reads past the end of a map value.
; Here it runs to its fault, and the fault says what was wrong.
.prog xdp
.license GPL
.map counts array key=4 value=64 entries=1

	r6 = 0                       ; sum
	*(u32 *)(r10 - 4) = 0        ; key
	r2 = r10
	r2 += -4
	r1 = map[counts]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r7 = 0                       ; offset in the value

loop:                            ; one round too many: <= where < is meant
	r1 = r0
	r1 += r7
	r2 = *(u64 *)(r1 + 0)
	r6 += r2
	r7 += 8
	if r7 <= 64 goto loop

out:
	r0 = 2
	exit

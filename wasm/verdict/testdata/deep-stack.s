; Two frames of 320 bytes each are more than the 512 that there are.
.prog xdp
.license GPL
	r1 = 0
	*(u64 *)(r10 - 320) = r1
	call callee
	r0 = 2
	exit
callee:
	r1 = 0
	*(u64 *)(r10 - 320) = r1
	r0 = 0
	exit

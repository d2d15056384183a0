; Reads the protocol of the IP header behind a check of the Ethernet header only.
.prog xdp
.license GPL
	r2 = *(u32 *)(r1 + 0)
	r3 = *(u32 *)(r1 + 4)
	r4 = r2
	r4 += 14
	if r4 > r3 goto pass
	r0 = *(u8 *)(r2 + 23)
pass:
	r0 = 2
	exit

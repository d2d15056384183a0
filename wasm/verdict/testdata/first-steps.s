; The first program: count the ones in a number, and drop the packet when
; they are odd. Step through it; step back; click a register to see who set it.
.prog xdp
.license GPL

	r1 = *(u32 *)(r1 + 12)    ; ctx->ingress_ifindex: the interface's number
	r1 |= 0xb5                ; some bits to count
	r0 = 0

next:
	r2 = r1
	r2 &= 1                   ; the lowest bit
	r0 += r2
	r1 >>= 1                  ; on to the next one
	if r1 != 0 goto next

	r0 &= 1                   ; odd?
	if r0 == 0 goto even
	r0 = 1                    ; XDP_DROP
	exit
even:
	r0 = 2                    ; XDP_PASS
	exit

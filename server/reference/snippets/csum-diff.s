;; shows bpf_csum_diff
;; packet eth / ipv4(src=10.0.0.1, dst=10.0.0.2) / udp(dport=53)
; The Internet checksum of 20 bytes of IPv4 header: with the checksum field in
; it, the sum of a right header folds to 0xffff.
.prog xdp
.license GPL

	r2 = *(u32 *)(r1 + 4)
	r1 = *(u32 *)(r1 + 0)
	r3 = r1
	r3 += 34
	if r3 > r2 goto drop
	r3 = r1
	r3 += 14                     ; to: the header
	r1 = 0                       ; from: nothing
	r2 = 0
	r4 = 20
	r5 = 0
	call bpf_csum_diff
	r1 = r0                      ; fold 32 bits into 16
	r1 &= 0xffff
	r0 >>= 16
	r0 += r1
	if r0 != 0xffff goto drop
	r0 = 2
	exit
drop:
	r0 = 1
	exit

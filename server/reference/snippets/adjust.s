;; shows bpf_xdp_adjust_head bpf_xdp_adjust_tail
;; packet eth / ipv4 / udp(dport=53) / "0123456789"
; Cuts 14 bytes from the front of the packet and 4 from its end. Afterwards
; data and data_end must be read again: the old pointers are invalid.
.prog xdp
.license GPL

	r6 = r1
	r2 = 14
	call bpf_xdp_adjust_head
	if r0 != 0 goto drop
	r1 = r6
	r2 = -4
	call bpf_xdp_adjust_tail
	if r0 != 0 goto drop
	r2 = *(u32 *)(r6 + 4)
	r1 = *(u32 *)(r6 + 0)
	r3 = r1
	r3 += 1
	if r3 > r2 goto drop
	r7 = *(u8 *)(r1 + 0)         ; 0x45: the packet begins with its IPv4 header now
	r0 = 2
	exit
drop:
	r0 = 1
	exit

;; shows bpf_xdp_load_bytes bpf_xdp_store_bytes bpf_xdp_get_buff_len
;; packet eth / ipv4 / udp(dport=53)
; Swaps the two MAC addresses without packet pointers: copies to the stack and
; back, which also works where a packet is in several pieces.
.prog xdp
.license GPL

	r6 = r1
	call bpf_xdp_get_buff_len
	if r0 < 12 goto drop
	r1 = r6
	r2 = 0
	r3 = r10
	r3 += -16
	r4 = 12
	call bpf_xdp_load_bytes
	if r0 != 0 goto drop
	r1 = r6
	r2 = 6                       ; the first six bytes go to the source address
	r3 = r10
	r3 += -16
	r4 = 6
	call bpf_xdp_store_bytes
	r1 = r6
	r2 = 0
	r3 = r10
	r3 += -10
	r4 = 6
	call bpf_xdp_store_bytes
	r0 = 3                       ; XDP_TX
	exit
drop:
	r0 = 1
	exit

;; shows bpf_fib_lookup
;; packet eth / ipv4(src=10.0.0.1, dst=198.51.100.7) / udp(dport=53)
; Asks the routing table where to send the packet: the answer has the interface
; and the MAC addresses of the next hop.
.prog xdp
.license GPL

	r6 = r1
	r2 = *(u32 *)(r1 + 4)
	r1 = *(u32 *)(r1 + 0)
	r3 = r1
	r3 += 34
	if r3 > r2 goto pass
	r4 = *(u32 *)(r1 + 26)       ; source
	r5 = *(u32 *)(r1 + 30)       ; destination
	r0 = 0
	*(u64 *)(r10 - 64) = 2       ; struct bpf_fib_lookup: AF_INET
	*(u64 *)(r10 - 56) = r0
	*(u64 *)(r10 - 48) = r0
	*(u64 *)(r10 - 40) = r0
	*(u64 *)(r10 - 32) = r0
	*(u64 *)(r10 - 24) = r0
	*(u64 *)(r10 - 16) = r0
	*(u64 *)(r10 - 8) = r0
	r0 = *(u32 *)(r6 + 12)
	*(u32 *)(r10 - 56) = r0      ; ifindex: where it came in
	*(u32 *)(r10 - 48) = r4
	*(u32 *)(r10 - 32) = r5
	r1 = r6
	r2 = r10
	r2 += -64
	r3 = 64
	r4 = 0
	call bpf_fib_lookup
	if r0 != 0 goto pass         ; BPF_FIB_LKUP_RET_NOT_FWDED and the like
	r7 = *(u32 *)(r10 - 56)      ; ifindex: where it goes
pass:
	r0 = 2
	exit

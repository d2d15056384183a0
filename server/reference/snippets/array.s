;; shows array
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / tcp(dport=443, flags=S)
; Counts packets by length: an array's entries are all there from the start.
.prog xdp
.license GPL
.map sizes array key=4 value=8 entries=4

	r2 = *(u32 *)(r1 + 4)        ; data_end
	r1 = *(u32 *)(r1 + 0)        ; data
	r2 -= r1                     ; bytes
	r2 >>= 5                     ; 32 bytes to an entry
	if r2 <= 3 goto index
	r2 = 3                       ; the last one takes what is longer
index:
	*(u32 *)(r10 - 4) = r2
	r2 = r10
	r2 += -4
	r1 = map[sizes]
	call bpf_map_lookup_elem
	if r0 == 0 goto pass         ; cannot be, but the verifier wants to see it
	r1 = 1
	lock *(u64 *)(r0 + 0) += r1
pass:
	r0 = 2
	exit

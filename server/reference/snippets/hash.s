;; shows bpf_map_lookup_elem bpf_map_update_elem bpf_map_delete_elem hash
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
; Counts packets in a hash map: the first lookup finds nothing, so the entry is
; made; the second adds to it; at the third it is taken out again.
.prog xdp
.license GPL
.map counts hash key=4 value=8 entries=16

	*(u32 *)(r10 - 4) = 17       ; the key
	r2 = r10
	r2 += -4
	r1 = map[counts]
	call bpf_map_lookup_elem
	if r0 != 0 goto found        ; NULL when there is no such key

	*(u64 *)(r10 - 16) = 1       ; the first value
	r1 = map[counts]
	r2 = r10
	r2 += -4
	r3 = r10
	r3 += -16
	r4 = 1                       ; BPF_NOEXIST: only create
	call bpf_map_update_elem
	goto pass

found:
	r1 = 1
	lock *(u64 *)(r0 + 0) += r1  ; r0 points at the value itself
	r1 = *(u64 *)(r0 + 0)
	if r1 < 3 goto pass
	r1 = map[counts]
	r2 = r10
	r2 += -4
	call bpf_map_delete_elem

pass:
	r0 = 2
	exit

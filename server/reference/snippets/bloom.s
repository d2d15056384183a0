;; shows bloom_filter
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
; Asks a Bloom filter whether it has seen this value, then puts it in. The
; answer no (-ENOENT) is always right, yes may be wrong.
.prog xdp
.license GPL
.map seen bloom_filter key=0 value=4 entries=8

	*(u32 *)(r10 - 4) = 53
	r1 = map[seen]
	r2 = r10
	r2 += -4
	call bpf_map_peek_elem
	if r0 == 0 goto drop         ; probably seen
	r1 = map[seen]
	r2 = r10
	r2 += -4
	r3 = 0
	call bpf_map_push_elem
	r0 = 2                       ; XDP_PASS
	exit
drop:
	r0 = 1                       ; XDP_DROP
	exit

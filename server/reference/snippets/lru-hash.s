;; shows bpf_get_prandom_u32 lru_hash
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
; Puts a random key into a map with room for four: an LRU hash is never full,
; it drops a key that was not used for long.
.prog xdp
.license GPL
.map recent lru_hash key=4 value=8 entries=4

	call bpf_get_prandom_u32
	*(u32 *)(r10 - 4) = r0
	*(u64 *)(r10 - 16) = 1
	r1 = map[recent]
	r2 = r10
	r2 += -4
	r3 = r10
	r3 += -16
	r4 = 0
	call bpf_map_update_elem
	r0 = 2
	exit

;; shows bpf_map_peek_elem stack
;; packet eth / ipv4 / udp(dport=53)
; Pushes three numbers and pops the last: 3 comes out first. Peek only looks
; at what is on top.
.prog xdp
.license GPL
.map numbers stack key=0 value=8 entries=8

	r6 = 1
next:
	*(u64 *)(r10 - 8) = r6
	r1 = map[numbers]
	r2 = r10
	r2 += -8
	r3 = 0
	call bpf_map_push_elem
	r6 += 1
	if r6 != 4 goto next

	r1 = map[numbers]
	r2 = r10
	r2 += -16
	call bpf_map_pop_elem
	r1 = map[numbers]
	r2 = r10
	r2 += -24
	call bpf_map_peek_elem
	r0 = 2
	exit

;; shows array_of_maps
;; packet eth / ipv4 / udp(dport=53)
; Finds a value in two lookups: the first gives a map, the second a value in
; it. User space can put another inner map in while packets flow.
.prog xdp
.license GPL
.map inner array key=4 value=8 entries=2
.map outer array_of_maps key=4 value=4 entries=2 inner=inner

	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[outer]
	call bpf_map_lookup_elem
	if r0 == 0 goto pass         ; no map there
	r1 = r0
	r2 = r10
	r2 += -4
	call bpf_map_lookup_elem
	if r0 == 0 goto pass
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1
pass:
	r0 = 2
	exit

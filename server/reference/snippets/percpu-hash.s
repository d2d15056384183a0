;; shows percpu_hash
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
; A hash with a value for each CPU: an update sets the value of this CPU and
; zeroes those of the others when the key is new.
.prog xdp
.license GPL
.map seen percpu_hash key=4 value=8 entries=8

	*(u32 *)(r10 - 4) = 53
	*(u64 *)(r10 - 16) = 1
	r2 = r10
	r2 += -4
	r1 = map[seen]
	call bpf_map_lookup_elem
	if r0 == 0 goto new
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1
	goto pass
new:
	r1 = map[seen]
	r2 = r10
	r2 += -4
	r3 = r10
	r3 += -16
	r4 = 0
	call bpf_map_update_elem
pass:
	r0 = 2
	exit

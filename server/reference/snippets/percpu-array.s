;; shows bpf_get_smp_processor_id bpf_map_lookup_percpu_elem percpu_array
;; packet eth / ipv4 / udp(dport=53)
; Each CPU adds to a value of its own, so no atomic instruction is needed; one
; CPU may look at the value of another.
.prog xdp
.license GPL
.map counts percpu_array key=4 value=8 entries=1

	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[counts]
	call bpf_map_lookup_elem     ; the value of the CPU that we run on
	if r0 == 0 goto pass
	r1 = *(u64 *)(r0 + 0)
	r1 += 1
	*(u64 *)(r0 + 0) = r1

	call bpf_get_smp_processor_id
	r3 = r0
	r3 ^= 1                      ; the other one of two CPUs
	r1 = map[counts]
	r2 = r10
	r2 += -4
	call bpf_map_lookup_percpu_elem
	if r0 == 0 goto pass
	r6 = *(u64 *)(r0 + 0)        ; 0: nothing ran there
pass:
	r0 = 2
	exit

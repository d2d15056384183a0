;; shows bpf_map_push_elem bpf_map_pop_elem queue
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53) t=+1ms
;; packet eth / ipv4 / udp(dport=53) t=+1ms
; Queues the time of each packet. There is room for two: at the third a push
; fails, and the oldest is taken out.
.prog xdp
.license GPL
.map times queue key=0 value=8 entries=2

	call bpf_ktime_get_ns
	*(u64 *)(r10 - 8) = r0
	r1 = map[times]
	r2 = r10
	r2 += -8
	r3 = 0                       ; BPF_EXIST would drop the oldest of a full queue
	call bpf_map_push_elem
	if r0 == 0 goto pass         ; -E2BIG when it is full
	r1 = map[times]
	r2 = r10
	r2 += -16
	call bpf_map_pop_elem        ; -ENOENT when it is empty
	if r0 != 0 goto pass
	r6 = *(u64 *)(r10 - 16)      ; the oldest
pass:
	r0 = 2
	exit

;; shows bpf_ringbuf_reserve bpf_ringbuf_submit bpf_ringbuf_discard ringbuf
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
; Reserves a record, fills it in place, and gives it to user space, or takes
; it back: a record that is neither is refused by the verifier.
.prog xdp
.license GPL
.map events ringbuf key=0 value=0 entries=4096

	r1 = map[events]
	r2 = 16
	r3 = 0
	call bpf_ringbuf_reserve
	if r0 == 0 goto pass         ; full
	r6 = r0
	call bpf_ktime_get_ns
	*(u64 *)(r6 + 0) = r0
	call bpf_get_prandom_u32
	*(u64 *)(r6 + 8) = r0
	r1 = r6
	r2 = 0
	r0 &= 1
	if r0 == 0 goto even
	call bpf_ringbuf_submit
	goto pass
even:
	call bpf_ringbuf_discard     ; user space never sees it
pass:
	r0 = 2
	exit

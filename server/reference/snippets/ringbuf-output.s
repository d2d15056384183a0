;; shows bpf_ringbuf_output bpf_ringbuf_query
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53)
; Copies bytes from the stack into a ring buffer in one call, then asks how
; many bytes wait there for user space.
.prog xdp
.license GPL
.map events ringbuf key=0 value=0 entries=4096

	*(u64 *)(r10 - 8) = 42
	r1 = map[events]
	r2 = r10
	r2 += -8
	r3 = 8
	r4 = 0
	call bpf_ringbuf_output
	r1 = map[events]
	r2 = 0                       ; BPF_RB_AVAIL_DATA
	call bpf_ringbuf_query
	r6 = r0
	r0 = 2
	exit

;; shows bpf_ktime_get_ns bpf_trace_printk
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / ipv4 / udp(dport=53) t=+3ms
; Prints the time of each packet, for debugging: see it under Output.
.prog xdp
.license GPL

	r1 = 0x756c25203a7461 ll     ; "at: %lu", from the last letter to the first
	*(u64 *)(r10 - 8) = r1
	call bpf_ktime_get_ns
	r3 = r0
	r1 = r10
	r1 += -8
	r2 = 8
	call bpf_trace_printk
	r0 = 2
	exit

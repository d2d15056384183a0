;; shows bpf_perf_event_output perf_event_array
;; packet eth / ipv4 / udp(dport=53) / "hello"
; Sends a sample to the perf ring of this CPU: eight bytes of our own and the
; first 32 of the packet, whose number is in the upper half of the flags.
.prog xdp
.license GPL
.map samples perf_event_array key=4 value=4 entries=2

	*(u64 *)(r10 - 8) = 7
	r2 = map[samples]
	r3 = 0x20ffffffff ll         ; 32 bytes of the packet, BPF_F_CURRENT_CPU
	r4 = r10
	r4 += -8
	r5 = 8
	call bpf_perf_event_output
	r0 = 2
	exit

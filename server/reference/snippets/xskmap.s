;; shows xskmap
;; packet eth / ipv4 / udp(dport=53)
; Hands packets to the AF_XDP socket of their receive queue. No socket is bound
; to the queue here, so the flags say what happens: XDP_PASS.
.prog xdp
.license GPL
.map sockets xskmap key=4 value=4 entries=4

	r2 = *(u32 *)(r1 + 16)       ; rx_queue_index
	r1 = map[sockets]
	r3 = 2
	call bpf_redirect_map
	exit

;; shows bpf_redirect_map devmap
;; packet eth / ipv4 / udp(dport=53)
;; entry ports 01000000 02000000
; Sends the packet out of the interface at index 1 of a map; XDP_PASS when
; there is none.
.prog xdp
.license GPL
.map ports devmap key=4 value=4 entries=4

	r1 = map[ports]
	r2 = 1
	r3 = 2                       ; otherwise: XDP_PASS
	call bpf_redirect_map        ; XDP_REDIRECT
	exit

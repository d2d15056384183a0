;; shows devmap_hash
;; packet eth / ipv4 / udp(dport=53) ifindex=1
;; entry ports 01000000 02000000
; Sends what came in on interface 1 out of interface 2: keys are any numbers.
.prog xdp
.license GPL
.map ports devmap_hash key=4 value=4 entries=4

	r2 = *(u32 *)(r1 + 12)       ; ingress_ifindex
	r1 = map[ports]
	r3 = 2
	call bpf_redirect_map
	exit

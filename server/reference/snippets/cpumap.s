;; shows cpumap
;; packet eth / ipv4 / udp(dport=53)
;; entry cpus 01000000 c0000000
; Lets another CPU go on with the packet: its network stack runs there, behind
; a queue of 192 packets.
.prog xdp
.license GPL
.map cpus cpumap key=4 value=4 entries=2

	r1 = map[cpus]
	r2 = 1
	r3 = 0                       ; otherwise: XDP_ABORTED
	call bpf_redirect_map
	exit

;; shows bpf_tail_call prog_array
;; packet eth / ipv4 / udp(dport=53)
;; entry next 00000000 00000000
; Jumps to itself: entry 0 of the map is this very program. After 33 tail calls
; the next one does nothing, and the program goes on behind it.
.prog xdp
.license GPL
.map next prog_array key=4 value=4 entries=1

	r2 = map[next]
	r3 = 0
	call bpf_tail_call           ; comes back only when it fails
	r0 = 2
	exit

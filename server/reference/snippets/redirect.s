;; shows bpf_redirect bpf_clone_redirect
;; packet eth / ipv4 / udp(dport=53)
; Sends a copy to interface 2, and the packet itself back where it came from.
.prog sched_cls
.license GPL

	r6 = *(u32 *)(r1 + 40)       ; ifindex
	r2 = 2
	r3 = 0
	call bpf_clone_redirect
	r1 = r6
	r2 = 0                       ; outgoing
	call bpf_redirect            ; TC_ACT_REDIRECT
	exit

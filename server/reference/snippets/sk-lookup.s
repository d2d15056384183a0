;; shows bpf_sk_lookup_tcp
;; packet eth / ipv4(src=10.0.0.1, dst=10.0.0.2) / tcp(sport=40000, dport=443, flags=S)
; Asks whether somebody listens for this connection. A socket that was found is
; held until it is given back: forgetting that is refused by the verifier.
.prog sched_cls
.license GPL

	r6 = r1
	r2 = 26                      ; addresses
	r3 = r10
	r3 += -16
	r4 = 8
	call bpf_skb_load_bytes
	if r0 != 0 goto out
	r1 = r6
	r2 = 34                      ; ports: struct bpf_sock_tuple has them behind
	r3 = r10
	r3 += -8
	r4 = 4
	call bpf_skb_load_bytes
	if r0 != 0 goto out
	r1 = r6
	r2 = r10
	r2 += -16
	r3 = 12
	r4 = -1                      ; BPF_F_CURRENT_NETNS
	r5 = 0
	call bpf_sk_lookup_tcp
	if r0 == 0 goto out
	r1 = r0
	call bpf_sk_release
out:
	r0 = 0
	exit

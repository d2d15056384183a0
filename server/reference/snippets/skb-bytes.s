;; shows bpf_skb_load_bytes bpf_skb_store_bytes bpf_l3_csum_replace bpf_l4_csum_replace
;; packet eth / ipv4(src=10.0.0.1, dst=10.0.0.2) / udp(sport=40000, dport=53) / "a query"
; Sends a packet to another address: four bytes are changed, and the checksums
; of IPv4 and UDP are repaired by the difference.
.prog sched_cls
.license GPL

	r6 = r1
	r2 = 30                      ; destination address
	r3 = r10
	r3 += -4
	r4 = 4
	call bpf_skb_load_bytes
	if r0 != 0 goto out
	r7 = *(u32 *)(r10 - 4)       ; as it was

	*(u32 *)(r10 - 4) = 0x0300000a   ; 10.0.0.3
	r1 = r6
	r2 = 40                      ; UDP checksum
	r3 = r7
	r4 = *(u32 *)(r10 - 4)
	r5 = 20                      ; BPF_F_PSEUDO_HDR and four bytes
	call bpf_l4_csum_replace
	r1 = r6
	r2 = 24                      ; IPv4 checksum
	r3 = r7
	r4 = *(u32 *)(r10 - 4)
	r5 = 4
	call bpf_l3_csum_replace
	r1 = r6
	r2 = 30
	r3 = r10
	r3 += -4
	r4 = 4
	r5 = 0
	call bpf_skb_store_bytes
out:
	r0 = 0
	exit

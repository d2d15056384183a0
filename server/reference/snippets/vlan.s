;; shows bpf_skb_vlan_push bpf_skb_vlan_pop
;; packet eth / ipv4 / udp(dport=53)
;; packet eth / vlan(id=7) / ipv4 / udp(dport=53)
; Puts packets without a tag into VLAN 7, and takes the tag off the others.
.prog sched_cls
.license GPL

	r6 = r1
	r2 = *(u32 *)(r1 + 16)       ; protocol
	if r2 == 0x0081 goto tagged  ; ETH_P_8021Q, in network order
	r2 = 0x0081
	r3 = 7
	call bpf_skb_vlan_push
	goto out
tagged:
	r1 = r6
	call bpf_skb_vlan_pop
out:
	r0 = 0
	exit

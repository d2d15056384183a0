;; shows lpm_trie
;; packet eth / ipv4(src=10.1.2.3) / udp(dport=53)
;; packet eth / ipv4(src=10.9.9.9) / udp(dport=53)
;; packet eth / ipv4(src=192.0.2.1) / udp(dport=53)
;; entry rules 080000000a000000 01000000
;; entry rules 100000000a010000 02000000
; Looks the source address up in a trie: the longest prefix that matches wins.
; 10.0.0.0/8 says 1 (XDP_DROP), 10.1.0.0/16 in it says 2 (XDP_PASS).
.prog xdp
.license GPL
.map rules lpm_trie key=8 value=4 entries=16 flags=1

	r2 = *(u32 *)(r1 + 4)        ; data_end
	r1 = *(u32 *)(r1 + 0)        ; data
	r3 = r1
	r3 += 34
	if r3 > r2 goto pass         ; shorter than Ethernet and IPv4
	*(u32 *)(r10 - 8) = 32       ; the whole address
	r1 = *(u32 *)(r1 + 26)       ; source, in network order as the key wants it
	*(u32 *)(r10 - 4) = r1
	r2 = r10
	r2 += -8
	r1 = map[rules]
	call bpf_map_lookup_elem
	if r0 == 0 goto pass
	r0 = *(u32 *)(r0 + 0)
	exit
pass:
	r0 = 2
	exit

;; shows bpf_strtol
;; packet eth / ipv4 / udp(dport=53)
; Reads the number in "-42": the answer is how many letters it took.
.prog sched_cls
.license GPL

	r1 = 0x32342d                ; "-42", from the last letter to the first
	*(u64 *)(r10 - 8) = r1
	r1 = r10
	r1 += -8
	r2 = 8
	r3 = 0                       ; base: by its prefix, else 10
	r4 = r10
	r4 += -16
	*(u64 *)(r10 - 16) = 0
	call bpf_strtol
	r6 = *(u64 *)(r10 - 16)      ; -42
	r0 = 0
	exit

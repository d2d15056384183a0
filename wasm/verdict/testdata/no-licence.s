; bpf_ktime_get_ns needs a GPL compatible licence: the program says none.
.prog socket_filter
	call bpf_ktime_get_ns
	r0 = 0
	exit

; A spin lock and a timer in a map value: .map says where they are.
.prog sched_cls
.license GPL
.map m array key=4 value=24 entries=1 lock=0 timer=8
	*(u32 *)(r10 - 4) = 0
	r2 = r10
	r2 += -4
	r1 = map[m]
	call bpf_map_lookup_elem
	if r0 == 0 goto out
	r6 = r0
	r1 = r6
	call bpf_spin_lock
	*(u32 *)(r6 + 4) = 7
	r1 = r6
	call bpf_spin_unlock
	r1 = r6
	r1 += 8
	r2 = map[m]
	r3 = 1
	call bpf_timer_init
	r1 = r6
	r1 += 8
	r2 = subprog[cb]
	call bpf_timer_set_callback
	r1 = r6
	r1 += 8
	r2 = 1000
	r3 = 0
	call bpf_timer_start
out:
	r0 = 0
	exit
cb:
	r0 = 0
	exit

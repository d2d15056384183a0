// Package helper is the table of the 211 helpers of Linux 6.12: number, name,
// prototype, who may call them, and what those that are simulated do.
//
//	p := helper.ByName("bpf_map_lookup_elem")   // number 1, R1 is ArgConstMapPtr, ...
//	p = helper.ProtoFor(hook.CgroupSock, 0, 107) // sk_storage_get as that type sees it
//	d := helper.Permission(helper.Privileged(hook.XDP, 0), 9)
//	println(d.Message(9)) // program of this type cannot use helper bpf_skb_store_bytes#9
//	err := helper.Run(env, &helper.Call{ID: 5}) // bpf_ktime_get_ns
//
// A helper that is simulated is a function over [Env], which is the machine
// as helpers see it: memory, maps, packet, clock, and a scripted [World] of
// tasks, sockets and routes. Nothing here keeps state, so whoever implements
// Env can undo every call.
//
// Why a Call that is run again after each callback, and not a function that
// calls the program? A student steps inside callbacks and back out of them:
// a half-done bpf_loop must be data that can be saved, not a Go stack.
//
// ztable.go and zperm.go are generated: see internal/gen. A test holds the
// permissions, and the first argument of every prototype, to what the kernel
// answered when each helper was called from each program type.
//
// Read next: proto.go (facts), perm.go (permission), env.go (the seam), and
// run.go, which lists the functions.
package helper

// LINUX is an unpacked source tree of the reference kernel, SKEP_DATA the
// folder of measurements; what is not set is not written.
//
//go:generate go run ./internal/gen -linux=${LINUX} -probe=${SKEP_DATA} -out .

package verifier

import (
	"skep/vm/btf"
	"skep/vm/hook"
)

// kfuncFilter reports whether a set that looks at more than the program's type
// lets the program call one of its functions (btf_kfunc_filter_t).
func (e *env) kfuncFilter(name string) bool {
	switch name {
	case "bpf_get_task_exe_file", "bpf_put_file", "bpf_path_d_path", "bpf_get_dentry_xattr", "bpf_get_file_xattr",
		"bpf_get_fsverity_digest":
		return e.prog.Type == hook.LSM
	case "bpf_sock_destroy":
		return e.attachType() == hook.TraceIter
	case "bpf_session_cookie", "bpf_session_is_return":
		return e.prog.Type == hook.Kprobe && e.attachType() == hook.TraceKprobeSession
	}
	return false
}

// kernelContexts are the kernel's structs behind the contexts
// (include/linux/bpf_types.h).
var kernelContexts = [...]struct {
	typ  hook.ProgType
	name string
}{
	{hook.SocketFilter, "sk_buff"}, {hook.SchedCls, "sk_buff"}, {hook.SchedAct, "sk_buff"}, {hook.CgroupSkb, "sk_buff"},
	{hook.LwtIn, "sk_buff"}, {hook.LwtOut, "sk_buff"}, {hook.LwtXmit, "sk_buff"}, {hook.LwtSeg6local, "sk_buff"},
	{hook.SkSkb, "sk_buff"}, {hook.XDP, "xdp_buff"}, {hook.CgroupSock, "sock"}, {hook.CgroupSockAddr, "bpf_sock_addr_kern"},
	{hook.SockOps, "bpf_sock_ops_kern"}, {hook.SkMsg, "sk_msg"}, {hook.FlowDissector, "bpf_flow_dissector"},
	{hook.Kprobe, "pt_regs"}, {hook.PerfEvent, "bpf_perf_event_data_kern"}, {hook.CgroupDevice, "bpf_cgroup_dev_ctx"},
	{hook.CgroupSysctl, "bpf_sysctl_kern"}, {hook.CgroupSockopt, "bpf_sockopt_kern"}, {hook.SkReuseport, "sk_reuseport_kern"},
	{hook.SkLookup, "bpf_sk_lookup_kern"}, {hook.Netfilter, "bpf_nf_ctx"},
}

// kernelCtx is the struct behind the program's context, 0 when it is not known
// (get_kern_ctx_btf_id).
func (e *env) kernelCtx() btf.ID {
	for i := range kernelContexts {
		if kernelContexts[i].typ == e.prog.Type {
			return e.kernelStruct(kernelContexts[i].name)
		}
	}
	return 0
}

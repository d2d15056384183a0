package hook

// Section is what a section name of an ELF object says of the programs in it,
// as libbpf 1.5 reads it.
type Section struct {
	Name      string // table entry: "xdp", "fentry+"
	Type      ProgType
	Attach    AttachType // expected attach type at load
	Target    TargetKind
	Sleepable bool
	Frags     bool // XDP with fragments: BPF_F_XDP_HAS_FRAGS
}

// TargetKind is what the rest of a section name, after the slash, names.
type TargetKind uint8

const (
	TargetNone       TargetKind = iota
	TargetKprobe                // kernel function, with +offset
	TargetUprobe                // BINARY:FUNCTION, with +offset
	TargetMulti                 // pattern of kernel functions
	TargetMultiU                // BINARY:PATTERN
	TargetSyscall               // system call
	TargetUSDT                  // BINARY:PROVIDER:NAME
	TargetTracepoint            // CATEGORY/NAME
	TargetRawTP                 // NAME of a tracepoint
	TargetBTF                   // kernel function or tracepoint by BTF
	TargetProgram               // function of another BPF program
	TargetLSM                   // security hook
	TargetIter                  // kind of iterator
	TargetStructOps             // member function
)

// sections is in libbpf's order: the first match wins. A name that ends in +
// matches itself and NAME/target; others match only themselves.
var sections = [...]Section{
	{"socket", SocketFilter, 0, 0, false, false},
	{"sk_reuseport/migrate", SkReuseport, SkReuseportSelectOrMigrate, 0, false, false},
	{"sk_reuseport", SkReuseport, SkReuseportSelect, 0, false, false},
	{"kprobe+", Kprobe, 0, TargetKprobe, false, false},
	{"uprobe+", Kprobe, 0, TargetUprobe, false, false},
	{"uprobe.s+", Kprobe, 0, TargetUprobe, true, false},
	{"kretprobe+", Kprobe, 0, TargetKprobe, false, false},
	{"uretprobe+", Kprobe, 0, TargetUprobe, false, false},
	{"uretprobe.s+", Kprobe, 0, TargetUprobe, true, false},
	{"kprobe.multi+", Kprobe, TraceKprobeMulti, TargetMulti, false, false},
	{"kretprobe.multi+", Kprobe, TraceKprobeMulti, TargetMulti, false, false},
	{"kprobe.session+", Kprobe, TraceKprobeSession, TargetMulti, false, false},
	{"uprobe.multi+", Kprobe, TraceUprobeMulti, TargetMultiU, false, false},
	{"uretprobe.multi+", Kprobe, TraceUprobeMulti, TargetMultiU, false, false},
	{"uprobe.multi.s+", Kprobe, TraceUprobeMulti, TargetMultiU, true, false},
	{"uretprobe.multi.s+", Kprobe, TraceUprobeMulti, TargetMultiU, true, false},
	{"ksyscall+", Kprobe, 0, TargetSyscall, false, false},
	{"kretsyscall+", Kprobe, 0, TargetSyscall, false, false},
	{"usdt+", Kprobe, 0, TargetUSDT, false, false},
	{"usdt.s+", Kprobe, 0, TargetUSDT, true, false},
	{"tc/ingress", SchedCls, TCXIngress, 0, false, false},
	{"tc/egress", SchedCls, TCXEgress, 0, false, false},
	{"tcx/ingress", SchedCls, TCXIngress, 0, false, false},
	{"tcx/egress", SchedCls, TCXEgress, 0, false, false},
	{"tc", SchedCls, 0, 0, false, false},
	{"classifier", SchedCls, 0, 0, false, false},
	{"action", SchedAct, 0, 0, false, false},
	{"netkit/primary", SchedCls, NetkitPrimary, 0, false, false},
	{"netkit/peer", SchedCls, NetkitPeer, 0, false, false},
	{"tracepoint+", Tracepoint, 0, TargetTracepoint, false, false},
	{"tp+", Tracepoint, 0, TargetTracepoint, false, false},
	{"raw_tracepoint+", RawTracepoint, 0, TargetRawTP, false, false},
	{"raw_tp+", RawTracepoint, 0, TargetRawTP, false, false},
	{"raw_tracepoint.w+", RawTracepointWritable, 0, TargetRawTP, false, false},
	{"raw_tp.w+", RawTracepointWritable, 0, TargetRawTP, false, false},
	{"tp_btf+", Tracing, TraceRawTp, TargetBTF, false, false},
	{"fentry+", Tracing, TraceFentry, TargetBTF, false, false},
	{"fmod_ret+", Tracing, ModifyReturn, TargetBTF, false, false},
	{"fexit+", Tracing, TraceFexit, TargetBTF, false, false},
	{"fentry.s+", Tracing, TraceFentry, TargetBTF, true, false},
	{"fmod_ret.s+", Tracing, ModifyReturn, TargetBTF, true, false},
	{"fexit.s+", Tracing, TraceFexit, TargetBTF, true, false},
	{"freplace+", Ext, 0, TargetProgram, false, false},
	{"lsm+", LSM, LSMMac, TargetLSM, false, false},
	{"lsm.s+", LSM, LSMMac, TargetLSM, true, false},
	{"lsm_cgroup+", LSM, LSMCgroup, TargetLSM, false, false},
	{"iter+", Tracing, TraceIter, TargetIter, false, false},
	{"iter.s+", Tracing, TraceIter, TargetIter, true, false},
	{"syscall", Syscall, 0, 0, true, false},
	{"xdp.frags/devmap", XDP, XDPDevmap, 0, false, true},
	{"xdp/devmap", XDP, XDPDevmap, 0, false, false},
	{"xdp.frags/cpumap", XDP, XDPCpumap, 0, false, true},
	{"xdp/cpumap", XDP, XDPCpumap, 0, false, false},
	{"xdp.frags", XDP, AttachXDP, 0, false, true},
	{"xdp", XDP, AttachXDP, 0, false, false},
	{"perf_event", PerfEvent, 0, 0, false, false},
	{"lwt_in", LwtIn, 0, 0, false, false},
	{"lwt_out", LwtOut, 0, 0, false, false},
	{"lwt_xmit", LwtXmit, 0, 0, false, false},
	{"lwt_seg6local", LwtSeg6local, 0, 0, false, false},
	{"sockops", SockOps, CgroupSockOps, 0, false, false},
	{"sk_skb/stream_parser", SkSkb, SkSkbStreamParser, 0, false, false},
	{"sk_skb/stream_verdict", SkSkb, SkSkbStreamVerdict, 0, false, false},
	{"sk_skb/verdict", SkSkb, SkSkbVerdict, 0, false, false},
	{"sk_skb", SkSkb, 0, 0, false, false},
	{"sk_msg", SkMsg, SkMsgVerdict, 0, false, false},
	{"lirc_mode2", LircMode2, AttachLircMode2, 0, false, false},
	{"flow_dissector", FlowDissector, AttachFlowDissector, 0, false, false},
	{"cgroup_skb/ingress", CgroupSkb, CgroupInetIngress, 0, false, false},
	{"cgroup_skb/egress", CgroupSkb, CgroupInetEgress, 0, false, false},
	{"cgroup/skb", CgroupSkb, 0, 0, false, false},
	{"cgroup/sock_create", CgroupSock, CgroupInetSockCreate, 0, false, false},
	{"cgroup/sock_release", CgroupSock, CgroupInetSockRelease, 0, false, false},
	{"cgroup/sock", CgroupSock, CgroupInetSockCreate, 0, false, false},
	{"cgroup/post_bind4", CgroupSock, CgroupInet4PostBind, 0, false, false},
	{"cgroup/post_bind6", CgroupSock, CgroupInet6PostBind, 0, false, false},
	{"cgroup/bind4", CgroupSockAddr, CgroupInet4Bind, 0, false, false},
	{"cgroup/bind6", CgroupSockAddr, CgroupInet6Bind, 0, false, false},
	{"cgroup/connect4", CgroupSockAddr, CgroupInet4Connect, 0, false, false},
	{"cgroup/connect6", CgroupSockAddr, CgroupInet6Connect, 0, false, false},
	{"cgroup/connect_unix", CgroupSockAddr, CgroupUnixConnect, 0, false, false},
	{"cgroup/sendmsg4", CgroupSockAddr, CgroupUDP4Sendmsg, 0, false, false},
	{"cgroup/sendmsg6", CgroupSockAddr, CgroupUDP6Sendmsg, 0, false, false},
	{"cgroup/sendmsg_unix", CgroupSockAddr, CgroupUnixSendmsg, 0, false, false},
	{"cgroup/recvmsg4", CgroupSockAddr, CgroupUDP4Recvmsg, 0, false, false},
	{"cgroup/recvmsg6", CgroupSockAddr, CgroupUDP6Recvmsg, 0, false, false},
	{"cgroup/recvmsg_unix", CgroupSockAddr, CgroupUnixRecvmsg, 0, false, false},
	{"cgroup/getpeername4", CgroupSockAddr, CgroupInet4Getpeername, 0, false, false},
	{"cgroup/getpeername6", CgroupSockAddr, CgroupInet6Getpeername, 0, false, false},
	{"cgroup/getpeername_unix", CgroupSockAddr, CgroupUnixGetpeername, 0, false, false},
	{"cgroup/getsockname4", CgroupSockAddr, CgroupInet4Getsockname, 0, false, false},
	{"cgroup/getsockname6", CgroupSockAddr, CgroupInet6Getsockname, 0, false, false},
	{"cgroup/getsockname_unix", CgroupSockAddr, CgroupUnixGetsockname, 0, false, false},
	{"cgroup/sysctl", CgroupSysctl, AttachCgroupSysctl, 0, false, false},
	{"cgroup/getsockopt", CgroupSockopt, CgroupGetsockopt, 0, false, false},
	{"cgroup/setsockopt", CgroupSockopt, CgroupSetsockopt, 0, false, false},
	{"cgroup/dev", CgroupDevice, AttachCgroupDevice, 0, false, false},
	{"struct_ops+", StructOps, 0, TargetStructOps, false, false},
	{"struct_ops.s+", StructOps, 0, TargetStructOps, true, false},
	{"sk_lookup", SkLookup, AttachSkLookup, 0, false, false},
	{"netfilter", Netfilter, AttachNetfilter, 0, false, false},
}

// Sections is libbpf's table, in its order. It must not be changed.
func Sections() []Section { return sections[:] }

// ParseSection is the table entry that a section name belongs to, and the
// target that the name gives after it: "fentry/do_unlinkat" is fentry+ and
// do_unlinkat. A leading "?" (do not load by default) is ignored. An XDP
// program without target keeps attach type XDP, which the kernel treats like
// none.
func ParseSection(name string) (Section, string, bool) {
	if name != "" && name[0] == '?' {
		name = name[1:]
	}
	for _, s := range sections {
		n := len(s.Name)
		if s.Name[n-1] != '+' {
			if name == s.Name {
				return s, "", true
			}
			continue
		}
		base := s.Name[:n-1]
		switch {
		case name == base:
			return s, "", true
		case len(name) >= n && name[:n-1] == base && name[n-1] == '/':
			return s, name[n:], true
		}
	}
	return Section{}, "", false
}

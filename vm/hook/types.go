package hook

// Type is what is known of a program type.
type Type struct {
	Name    string // bpftool's name
	Since   string // first Linux version
	Context string // struct of the context; empty: by BTF of the target, or raw memory
	Packet  bool   // a run has a packet
	Sleep   bool   // can be sleepable
	Doc     string // one sentence: when it runs
}

// types is indexed by ProgType.
var types = [numProgTypes]Type{
	Unspec:                {Name: "unspec"},
	SocketFilter:          {"socket_filter", "3.19", "__sk_buff", true, false, "Runs on each packet that a socket receives and says how many bytes of it to keep."},
	Kprobe:                {"kprobe", "4.1", "pt_regs", false, true, "Runs when a kernel or user function is entered or left."},
	SchedCls:              {"sched_cls", "4.1", "__sk_buff", true, false, "Runs on packets that enter or leave an interface, in traffic control."},
	SchedAct:              {"sched_act", "4.1", "__sk_buff", true, false, "Runs as an action of a traffic control filter."},
	Tracepoint:            {"tracepoint", "4.7", "", false, false, "Runs at a tracepoint of the kernel."},
	XDP:                   {"xdp", "4.8", "xdp_md", true, false, "Runs on packets in the driver, before the kernel looks at them."},
	PerfEvent:             {"perf_event", "4.9", "bpf_perf_event_data", false, false, "Runs on samples of a hardware or software counter."},
	CgroupSkb:             {"cgroup_skb", "4.10", "__sk_buff", true, false, "Runs on packets that sockets of a cgroup receive or send."},
	CgroupSock:            {"cgroup_sock", "4.10", "bpf_sock", false, false, "Runs when a cgroup's process creates, binds or releases a socket."},
	LwtIn:                 {"lwt_in", "4.10", "__sk_buff", true, false, "Runs on packets that a route's tunnel delivers."},
	LwtOut:                {"lwt_out", "4.10", "__sk_buff", true, false, "Runs on packets that a route's tunnel sends."},
	LwtXmit:               {"lwt_xmit", "4.10", "__sk_buff", true, false, "Runs on packets of a route just before they leave, and may change them."},
	SockOps:               {"sock_ops", "4.13", "bpf_sock_ops", false, false, "Runs at events of a cgroup's TCP sockets."},
	SkSkb:                 {"sk_skb", "4.14", "__sk_buff", true, false, "Runs on data that a socket of a sockmap receives."},
	CgroupDevice:          {"cgroup_device", "4.15", "bpf_cgroup_dev_ctx", false, false, "Runs when a cgroup's process opens or makes a device file."},
	SkMsg:                 {"sk_msg", "4.17", "sk_msg_md", true, false, "Runs on data that a socket of a sockmap sends."},
	RawTracepoint:         {"raw_tracepoint", "4.17", "", false, false, "Runs at a tracepoint with its raw arguments."},
	CgroupSockAddr:        {"cgroup_sock_addr", "4.17", "bpf_sock_addr", false, false, "Runs when a cgroup's process binds, connects or sends to an address."},
	LwtSeg6local:          {"lwt_seg6local", "4.18", "__sk_buff", true, false, "Runs on packets of an IPv6 segment routing endpoint."},
	LircMode2:             {"lirc_mode2", "4.18", "", false, false, "Runs on pulses of an infrared receiver."},
	SkReuseport:           {"sk_reuseport", "4.19", "sk_reuseport_md", true, false, "Runs to choose a socket of a reuseport group."},
	FlowDissector:         {"flow_dissector", "4.20", "__sk_buff", true, false, "Runs to find the headers that make up a packet's flow."},
	CgroupSysctl:          {"cgroup_sysctl", "5.2", "bpf_sysctl", false, false, "Runs when a cgroup's process reads or writes a sysctl."},
	RawTracepointWritable: {"raw_tracepoint_writable", "5.2", "", false, false, "Runs at a tracepoint with a buffer that it may change."},
	CgroupSockopt:         {"cgroup_sockopt", "5.3", "bpf_sockopt", false, false, "Runs when a cgroup's process reads or sets a socket option."},
	Tracing:               {"tracing", "5.5", "", false, true, "Runs at a kernel function, tracepoint or iterator with typed arguments."},
	StructOps:             {"struct_ops", "5.6", "", false, true, "Implements a function of a kernel interface, as a congestion control."},
	Ext:                   {"ext", "5.6", "", false, false, "Replaces a function of another BPF program."},
	LSM:                   {"lsm", "5.7", "", false, true, "Runs at a security hook and may refuse the operation."},
	SkLookup:              {"sk_lookup", "5.9", "bpf_sk_lookup", false, false, "Runs to choose the socket that a new connection reaches."},
	Syscall:               {"syscall", "5.14", "", false, true, "Runs when user space asks for it, and may make bpf system calls."},
	Netfilter:             {"netfilter", "6.4", "bpf_nf_ctx", true, false, "Runs at a netfilter hook."},
}

// NumTypes is one more than the highest program type.
const NumTypes = int(numProgTypes)

// Info is what is known of the type; the zero Type when 6.12 has none such.
func (t ProgType) Info() *Type {
	if t >= numProgTypes {
		return &types[Unspec]
	}
	return &types[t]
}

// String is the name that bpftool prints.
func (t ProgType) String() string { return t.Info().Name }

// Layout is the struct of the context, nil when the type has none. arm64
// chooses the register struct of arm64 over that of amd64.
func (t ProgType) Layout(arm64 bool) *Layout {
	name := t.Info().Context
	if arm64 && name == "pt_regs" {
		name = "user_pt_regs"
	}
	if name == "" {
		return nil
	}
	return Struct(name)
}

// ByName is the program type that bpftool calls name, or raw_tp_writable as
// the kernel's tests do.
func ByName(name string) (ProgType, bool) {
	if name == "raw_tp_writable" {
		return RawTracepointWritable, true
	}
	for i := range types {
		if types[i].Name == name {
			return ProgType(i), true
		}
	}
	return 0, false
}

// AttachAllowed says whether a program of this type may be loaded with this
// expected attach type: bpf_prog_load_check_attach, and the checks of tracing
// and LSM programs. The kernel answers EINVAL, with an empty log, otherwise.
func AttachAllowed(t ProgType, a AttachType) bool {
	switch t {
	case CgroupSock: // 0 is taken for sock_create
		return a == CgroupInetSockCreate || a == CgroupInetSockRelease || a == CgroupInet4PostBind || a == CgroupInet6PostBind || a == 0
	case CgroupSockAddr:
		switch a {
		case CgroupInet4Bind, CgroupInet6Bind, CgroupInet4Connect, CgroupInet6Connect, CgroupUnixConnect,
			CgroupInet4Getpeername, CgroupInet6Getpeername, CgroupUnixGetpeername,
			CgroupInet4Getsockname, CgroupInet6Getsockname, CgroupUnixGetsockname,
			CgroupUDP4Sendmsg, CgroupUDP6Sendmsg, CgroupUnixSendmsg,
			CgroupUDP4Recvmsg, CgroupUDP6Recvmsg, CgroupUnixRecvmsg:
			return true
		}
		return false
	case CgroupSkb:
		return a == CgroupInetIngress || a == CgroupInetEgress
	case CgroupSockopt:
		return a == CgroupSetsockopt || a == CgroupGetsockopt
	case SkLookup:
		return a == AttachSkLookup
	case SkReuseport: // 0 is taken for the first of these
		return a == SkReuseportSelect || a == SkReuseportSelectOrMigrate || a == 0
	case Netfilter:
		return a == AttachNetfilter
	case Syscall, Ext:
		return a == 0
	}
	return a < numAttachTypes
}

package hook

// Attach types of Linux 6.12, in the order of the UAPI header.
const (
	CgroupInetIngress AttachType = iota
	CgroupInetEgress
	CgroupInetSockCreate
	CgroupSockOps
	SkSkbStreamParser
	SkSkbStreamVerdict
	AttachCgroupDevice
	SkMsgVerdict
	CgroupInet4Bind
	CgroupInet6Bind
	CgroupInet4Connect
	CgroupInet6Connect
	CgroupInet4PostBind
	CgroupInet6PostBind
	CgroupUDP4Sendmsg
	CgroupUDP6Sendmsg
	AttachLircMode2
	AttachFlowDissector
	AttachCgroupSysctl
	CgroupUDP4Recvmsg
	CgroupUDP6Recvmsg
	CgroupGetsockopt
	CgroupSetsockopt
	TraceRawTp
	TraceFentry
	TraceFexit
	ModifyReturn
	LSMMac
	TraceIter
	CgroupInet4Getpeername
	CgroupInet6Getpeername
	CgroupInet4Getsockname
	CgroupInet6Getsockname
	XDPDevmap
	CgroupInetSockRelease
	XDPCpumap
	AttachSkLookup
	AttachXDP
	SkSkbVerdict
	SkReuseportSelect
	SkReuseportSelectOrMigrate
	AttachPerfEvent
	TraceKprobeMulti
	LSMCgroup
	AttachStructOps
	AttachNetfilter
	TCXIngress
	TCXEgress
	TraceUprobeMulti
	CgroupUnixConnect
	CgroupUnixSendmsg
	CgroupUnixRecvmsg
	CgroupUnixGetpeername
	CgroupUnixGetsockname
	NetkitPrimary
	NetkitPeer
	TraceKprobeSession

	numAttachTypes
)

// attachNames are the names of bpftool.
var attachNames = [numAttachTypes]string{
	"cgroup_inet_ingress",
	"cgroup_inet_egress",
	"cgroup_inet_sock_create",
	"cgroup_sock_ops",
	"sk_skb_stream_parser",
	"sk_skb_stream_verdict",
	"cgroup_device",
	"sk_msg_verdict",
	"cgroup_inet4_bind",
	"cgroup_inet6_bind",
	"cgroup_inet4_connect",
	"cgroup_inet6_connect",
	"cgroup_inet4_post_bind",
	"cgroup_inet6_post_bind",
	"cgroup_udp4_sendmsg",
	"cgroup_udp6_sendmsg",
	"lirc_mode2",
	"flow_dissector",
	"cgroup_sysctl",
	"cgroup_udp4_recvmsg",
	"cgroup_udp6_recvmsg",
	"cgroup_getsockopt",
	"cgroup_setsockopt",
	"trace_raw_tp",
	"trace_fentry",
	"trace_fexit",
	"modify_return",
	"lsm_mac",
	"trace_iter",
	"cgroup_inet4_getpeername",
	"cgroup_inet6_getpeername",
	"cgroup_inet4_getsockname",
	"cgroup_inet6_getsockname",
	"xdp_devmap",
	"cgroup_inet_sock_release",
	"xdp_cpumap",
	"sk_lookup",
	"xdp",
	"sk_skb_verdict",
	"sk_reuseport_select",
	"sk_reuseport_select_or_migrate",
	"perf_event",
	"trace_kprobe_multi",
	"lsm_cgroup",
	"struct_ops",
	"netfilter",
	"tcx_ingress",
	"tcx_egress",
	"trace_uprobe_multi",
	"cgroup_unix_connect",
	"cgroup_unix_sendmsg",
	"cgroup_unix_recvmsg",
	"cgroup_unix_getpeername",
	"cgroup_unix_getsockname",
	"netkit_primary",
	"netkit_peer",
	"trace_kprobe_session",
}

// String is the name that bpftool prints.
func (a AttachType) String() string {
	if int(a) < len(attachNames) {
		return attachNames[a]
	}
	return "unknown"
}

// AttachByName is the attach type that bpftool calls name.
func AttachByName(name string) (AttachType, bool) {
	for i, n := range attachNames {
		if n == name {
			return AttachType(i), true
		}
	}
	return 0, false
}

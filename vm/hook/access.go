package hook

// Program is what the context access rules depend on.
type Program struct {
	Type   ProgType // of a freplace program: the type of its target
	Attach AttachType
	CapBPF bool // the loader has CAP_BPF
	ARM64  bool // pt_regs of arm64; amd64 otherwise
}

// Loaded is what a load from the context leaves in the register.
type Loaded uint8

const (
	LoadScalar           Loaded = iota // a number of the access's size
	LoadPkt                            // pkt
	LoadPktMeta                        // pkt_meta
	LoadPktEnd                         // pkt_end
	LoadSock                           // sock
	LoadSockOrNull                     // sock_or_null, with a new id
	LoadSockCommonOrNull               // sock_common_or_null, with a new id
	LoadFlowKeys                       // flow_keys
	LoadTPBuffer                       // tp_buffer
	LoadSkBuff                         // trusted_ptr_sk_buff
	LoadNFHookState                    // trusted_ptr_nf_hook_state
	LoadByBTF                          // ask the BTF of the attach target: btf_ctx_access
)

// Access says whether a program may load from (or, with write, store to) size
// bytes at off of its context, and what a load yields: the kernel's
// is_valid_access functions. signed is a sign-extending load. Refused
// accesses print "invalid bpf_context access off=%d size=%d" with EACCES.
//
// Loads reproduce the measured table of 6.12 exactly (every pair of types
// that loads without a BTF target, offsets 0 to 511); stores, the BTF-typed
// types and the pairs that could not be loaded follow the kernel's source.
// Offloaded programs are not covered.
func Access(p Program, off, size int, write, signed bool) (Loaded, bool) {
	kind, ok := access(p, off, size, write, signed)
	if !ok {
		return 0, false
	}
	return kind, true
}

func access(p Program, off, size int, write, signed bool) (Loaded, bool) {
	if off < 0 || off > 1<<16-1 || size < 1 || size > 8 || size&(size-1) != 0 || off%size != 0 {
		return 0, false
	}
	switch p.Type {
	case Kprobe:
		regs := ptRegsAMD64.Size
		if p.ARM64 {
			regs = ptRegsARM64.Size
		}
		return LoadScalar, !write && off+size <= regs
	case PerfEvent:
		regs := ptRegsAMD64.Size
		if p.ARM64 {
			regs = ptRegsARM64.Size
		}
		if off < regs {
			return LoadScalar, !write && size == 8
		}
		return LoadScalar, !write && off < regs+16 // sample_period, addr
	case Tracepoint:
		return LoadScalar, !write && off >= 8 && off < maxTraceSize
	case RawTracepointWritable:
		if off == 0 {
			return LoadTPBuffer, !write && size == 8
		}
		return LoadScalar, !write && off < 8*maxFuncArgs
	case RawTracepoint:
		return LoadScalar, !write && off < 8*maxFuncArgs
	case Tracing, LSM, StructOps:
		return LoadByBTF, !write && off < 8*maxFuncArgs
	case Syscall:
		return LoadScalar, off < 1<<16-1
	}
	rules, who := accessRules(p)
	return find(rules, who, off, size, write, signed)
}

const (
	maxTraceSize = 8192 // PERF_MAX_TRACE_SIZE
	maxFuncArgs  = 12   // MAX_BPF_FUNC_ARGS
)

// SockAccess says whether a program may load size bytes at off of a
// struct bpf_sock that it holds a pointer to. common is a pointer to
// sock_common, which lacks type, protocol, mark and priority. No store is
// allowed.
func SockAccess(off, size int, common bool) bool {
	who := whoSock
	if common {
		who = whoSockCommon
	}
	return structAccess(sockRules, who, off, size)
}

// TCPSockAccess is SockAccess of a struct bpf_tcp_sock.
func TCPSockAccess(off, size int) bool { return structAccess(tcpSockRules, whoAll, off, size) }

// XDPSockAccess is SockAccess of a struct bpf_xdp_sock.
func XDPSockAccess(off, size int) bool { return structAccess(xdpSockRules, whoAll, off, size) }

// FlowKeysSize is the size of struct bpf_flow_keys: any access inside it is
// allowed, stores too.
const FlowKeysSize = 56

func structAccess(rules []accessRule, who uint16, off, size int) bool {
	if off < 0 || off > 1<<16-1 || size < 1 || size > 8 || off%size != 0 {
		return false
	}
	_, ok := find(rules, who, off, size, false, false)
	return ok
}

// accessRule is one stretch of a context. Masks are sums of the sizes
// allowed: 7 is 1, 2 or 4 bytes (a narrow load of a word).
type accessRule struct {
	off, len uint16
	at       uint8  // load sizes at off itself
	in       uint8  // load sizes further in
	store    uint8  // store sizes
	kind     Loaded // of a load
	read     uint16 // who may load
	write    uint16 // who may store
}

// overrun marks a rule whose first offset allows an access past its end, for
// fields that were once wider.
const overrun = 0x80

func find(rules []accessRule, who uint16, off, size int, write, signed bool) (Loaded, bool) {
	for i := range rules {
		r := &rules[i]
		start, end := int(r.off), int(r.off)+int(r.len)
		if off < start || off >= end {
			continue
		}
		sizes, allowed := r.in, r.read
		switch {
		case write:
			sizes, allowed = r.store, r.write
		case off == start:
			sizes = r.at
		}
		switch {
		case allowed&who == 0 || int(sizes)&size == 0:
			return 0, false
		case off+size > end && sizes&overrun == 0:
			return 0, false
		case signed && (r.kind == LoadPkt || r.kind == LoadPktMeta || r.kind == LoadPktEnd):
			return 0, false
		}
		return r.kind, true
	}
	return 0, false
}

// A who is a bit per group of program and attach types that share a context
// struct; its meaning depends on the struct.
const (
	whoAll uint16 = 0xffff

	// __sk_buff
	whoFilter       uint16 = 1 << 0
	whoCls          uint16 = 1 << 1
	whoCgroup       uint16 = 1 << 2 // cgroup_skb
	whoCgroupUnpriv uint16 = 1 << 3 // cgroup_skb without CAP_BPF
	whoLwt          uint16 = 1 << 4
	whoSkSkb        uint16 = 1 << 5
	whoFlow         uint16 = 1 << 6
	whoCgroups             = whoCgroup | whoCgroupUnpriv
	whoSkb                 = whoFilter | whoCls | whoCgroups | whoLwt | whoSkSkb
	whoPacket              = whoCls | whoCgroup | whoLwt | whoSkSkb | whoFlow
	whoEndpoint            = whoCgroups | whoSkSkb

	// bpf_sock
	whoCreate     uint16 = 1 << 0
	whoPost4      uint16 = 1 << 1
	whoPost6      uint16 = 1 << 2
	whoSock       uint16 = 1 << 3 // through a sock pointer
	whoSockCommon uint16 = 1 << 4 // through a sock_common pointer

	// bpf_sock_addr
	whoV4    uint16 = 1 << 0
	whoV6    uint16 = 1 << 1
	whoUnix  uint16 = 1 << 2
	whoSend4 uint16 = 1 << 3
	whoSend6 uint16 = 1 << 4

	// bpf_sockopt
	whoGet uint16 = 1 << 0
	whoSet uint16 = 1 << 1

	// xdp_md
	whoDevmap uint16 = 1 << 1
)

// accessRules are the rules of p's context and which of its groups p is in.
func accessRules(p Program) ([]accessRule, uint16) {
	switch p.Type {
	case SocketFilter:
		return skbRules, whoFilter
	case SchedCls, SchedAct:
		return skbRules, whoCls
	case CgroupSkb:
		if !p.CapBPF {
			return skbRules, whoCgroupUnpriv
		}
		return skbRules, whoCgroup
	case LwtIn, LwtOut, LwtXmit, LwtSeg6local:
		return skbRules, whoLwt
	case SkSkb:
		return skbRules, whoSkSkb
	case FlowDissector:
		return skbRules, whoFlow
	case XDP:
		if p.Attach == XDPDevmap {
			return xdpRules, whoDevmap
		}
		return xdpRules, 1
	case CgroupSock:
		switch p.Attach {
		case CgroupInet4PostBind:
			return sockRules, whoPost4
		case CgroupInet6PostBind:
			return sockRules, whoPost6
		}
		return sockRules, whoCreate
	case CgroupSockAddr:
		return sockAddrRules, sockAddrWho(p.Attach)
	case CgroupSockopt:
		if p.Attach == CgroupGetsockopt {
			return sockoptRules, whoGet
		}
		return sockoptRules, whoSet
	case SockOps:
		return sockOpsRules, whoAll
	case SkMsg:
		return skMsgRules, whoAll
	case SkReuseport:
		return skReuseportRules, whoAll
	case SkLookup:
		return skLookupRules, whoAll
	case CgroupSysctl:
		return sysctlRules, whoAll
	case CgroupDevice:
		return deviceRules, whoAll
	case Netfilter:
		return netfilterRules, whoAll
	case LircMode2:
		return lircRules, whoAll
	}
	return nil, 0
}

func sockAddrWho(a AttachType) uint16 {
	switch a {
	case CgroupUDP4Sendmsg:
		return whoV4 | whoSend4
	case CgroupUDP6Sendmsg:
		return whoV6 | whoSend6
	case CgroupInet4Bind, CgroupInet4Connect, CgroupInet4Getpeername, CgroupInet4Getsockname, CgroupUDP4Recvmsg:
		return whoV4
	case CgroupInet6Bind, CgroupInet6Connect, CgroupInet6Getpeername, CgroupInet6Getsockname, CgroupUDP6Recvmsg:
		return whoV6
	}
	return whoUnix
}

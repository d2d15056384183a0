package hook

import "strconv"

// Range is the return values that the verifier allows a program.
type Range struct {
	Min, Max int32
	Checked  bool // false: any value
	ByBTF    bool // depends on the function attached to: see Return
	Bits32   bool // compared as a 32-bit value
}

// Return is the range of return values that the verifier enforces when the
// main program exits (check_return_code). With ByBTF the answer needs the
// attach target: raw_tp with a BTF id is [0, 0]; an LSM program [-4095, 0],
// of a bool hook [0, 1], of a void hook nothing (LSM_CGROUP: [1, 1]);
// struct_ops of a void function nothing.
func Return(t ProgType, a AttachType) Range {
	allow := func(lo, hi int32) Range { return Range{Min: lo, Max: hi, Checked: true} }
	switch t {
	case CgroupSockAddr:
		switch a {
		case CgroupUDP4Recvmsg, CgroupUDP6Recvmsg, CgroupUnixRecvmsg,
			CgroupInet4Getpeername, CgroupInet6Getpeername, CgroupUnixGetpeername,
			CgroupInet4Getsockname, CgroupInet6Getsockname, CgroupUnixGetsockname:
			return allow(1, 1)
		case CgroupInet4Bind, CgroupInet6Bind:
			return allow(0, 3)
		}
		return allow(0, 1)
	case CgroupSkb:
		if a == CgroupInetEgress {
			return allow(0, 3)
		}
		return allow(0, 1)
	case CgroupSock, SockOps, CgroupDevice, CgroupSysctl, CgroupSockopt, SkLookup, Netfilter:
		return allow(0, 1)
	case RawTracepoint:
		return Range{ByBTF: true}
	case Tracing:
		switch a {
		case TraceFentry, TraceFexit:
			return allow(0, 0)
		case TraceIter:
			return allow(0, 1)
		}
	case Kprobe:
		if a == TraceKprobeSession {
			return allow(0, 1)
		}
	case LSM:
		if a == LSMCgroup {
			return Range{Max: 1, Checked: true, ByBTF: true}
		}
		return Range{Min: -4095, Checked: true, ByBTF: true, Bits32: true}
	case StructOps:
		return Range{ByBTF: true}
	}
	return Range{}
}

// Action is the name of a return value where the type has names for them
// (XDP_DROP, TC_ACT_SHOT), empty otherwise.
func Action(t ProgType, a AttachType, ret int32) string {
	pick := func(names ...string) string {
		if ret >= 0 && int(ret) < len(names) {
			return names[ret]
		}
		return ""
	}
	switch t {
	case XDP:
		return pick("XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX", "XDP_REDIRECT")
	case SchedCls, SchedAct:
		if ret == -1 {
			return "TC_ACT_UNSPEC"
		}
		return pick("TC_ACT_OK", "TC_ACT_RECLASSIFY", "TC_ACT_SHOT", "TC_ACT_PIPE", "TC_ACT_STOLEN", "TC_ACT_QUEUED", "TC_ACT_REPEAT", "TC_ACT_REDIRECT", "TC_ACT_TRAP")
	case SkSkb, SkMsg, SkReuseport, SkLookup:
		return pick("SK_DROP", "SK_PASS")
	case Netfilter:
		return pick("NF_DROP", "NF_ACCEPT")
	case LwtIn, LwtOut, LwtXmit, LwtSeg6local:
		if ret == 128 {
			return "BPF_LWT_REROUTE"
		}
		return pick("BPF_OK", "", "BPF_DROP", "", "", "", "", "BPF_REDIRECT")
	case FlowDissector:
		if ret == 129 {
			return "BPF_FLOW_DISSECTOR_CONTINUE"
		}
		return pick("BPF_OK", "", "BPF_DROP")
	}
	return ""
}

// Meaning says in a few words what a return value makes the kernel do.
// packet is the length of the packet, where there is one.
func Meaning(t ProgType, a AttachType, ret int32, packet int) string {
	pick := func(other string, words ...string) string {
		if ret >= 0 && int(ret) < len(words) && words[ret] != "" {
			return words[ret]
		}
		return other
	}
	switch t {
	case SocketFilter:
		switch {
		case ret == 0:
			return "drop the packet"
		case int64(uint32(ret)) >= int64(packet):
			return "keep the whole packet"
		}
		return "keep the first " + strconv.FormatUint(uint64(uint32(ret)), 10) + " bytes"
	case XDP:
		return pick("drop the packet and warn: not an action", "drop the packet and trace an error", "drop the packet", "pass the packet to the network stack", "send the packet back out of the same interface", "redirect the packet")
	case SchedCls, SchedAct:
		if ret == -1 {
			return "use the default action"
		}
		return pick("use the default action", "let the packet pass", "classify the packet again", "drop the packet", "go on with the next action", "consume the packet", "consume the packet: queued", "run the actions again", "redirect the packet", "send the packet to the CPU path")
	case CgroupSkb:
		if a == CgroupInetEgress {
			return pick("", "drop the packet", "send the packet", "drop the packet and signal congestion", "send the packet and signal congestion")
		}
		return pick("", "drop the packet", "let the packet pass")
	case CgroupSockAddr:
		if (a == CgroupInet4Bind || a == CgroupInet6Bind) && ret >= 2 {
			return pick("", "", "", "refuse with EPERM", "allow, without CAP_NET_BIND_SERVICE")
		}
		return pick("", "refuse with EPERM", "allow")
	case CgroupSock, CgroupDevice, CgroupSysctl, CgroupSockopt:
		return pick("", "refuse with EPERM", "allow")
	case SkSkb:
		if a == SkSkbStreamParser {
			return pick("the message has this many bytes", "wait for more data")
		}
		return pick("drop the data", "drop the data", "pass the data on")
	case SkMsg:
		return pick("drop the data", "drop the data", "pass the data on")
	case SkReuseport:
		return pick("", "drop the packet", "deliver to the chosen socket, or by hash when none was chosen")
	case SkLookup:
		return pick("", "refuse the packet", "go on with the chosen socket, or the normal lookup when none was chosen")
	case Netfilter:
		return pick("", "drop the packet", "let the packet go on")
	case LwtIn, LwtOut, LwtXmit, LwtSeg6local:
		if ret == 128 {
			return "route the changed packet again"
		}
		return pick("drop the packet", "go on", "", "drop the packet", "", "", "", "", "redirect the packet")
	case FlowDissector:
		if ret == 129 {
			return "leave it to the kernel's dissector"
		}
		return pick("the packet has no flow", "use the flow keys", "", "the packet has no flow")
	case LSM:
		switch {
		case a == LSMCgroup:
			return pick("", "refuse with EPERM", "allow")
		case ret == 0:
			return "allow"
		case ret < 0:
			return "refuse with errno " + strconv.Itoa(int(-ret))
		}
	case Tracing:
		switch a {
		case ModifyReturn:
			if ret == 0 {
				return "run the function"
			}
			return "skip the function and return this"
		case TraceIter:
			return pick("", "go on", "show the element again")
		}
	case Kprobe:
		if a == TraceKprobeSession {
			return pick("", "run at the function's return too", "do not run at the function's return")
		}
		return pick("store an event for perf", "ignored by perf")
	case PerfEvent, Tracepoint:
		return pick("store the sample for perf", "drop the sample")
	}
	return ""
}

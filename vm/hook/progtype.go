package hook

// ProgType is a number of the kernel's enum bpf_prog_type.
type ProgType uint8

// AttachType is a number of the kernel's enum bpf_attach_type. Zero is both
// BPF_CGROUP_INET_INGRESS and "not given".
type AttachType uint8

// Program types of Linux 6.12, in the order of the UAPI header.
const (
	Unspec ProgType = iota
	SocketFilter
	Kprobe
	SchedCls
	SchedAct
	Tracepoint
	XDP
	PerfEvent
	CgroupSkb
	CgroupSock
	LwtIn
	LwtOut
	LwtXmit
	SockOps
	SkSkb
	CgroupDevice
	SkMsg
	RawTracepoint
	CgroupSockAddr
	LwtSeg6local
	LircMode2
	SkReuseport
	FlowDissector
	CgroupSysctl
	RawTracepointWritable
	CgroupSockopt
	Tracing
	StructOps
	Ext
	LSM
	SkLookup
	Syscall
	Netfilter

	numProgTypes
)

// Packet is where the packet of a run lies in the arena. All addresses are
// arena addresses; Meta <= Data <= End and Room <= Meta, End <= Limit.
// The bytes between Room and Meta are headroom, those between End and Limit
// tailroom.
type Packet struct {
	Room  uint64 // start of the buffer
	Meta  uint64 // data_meta; equal to Data when there is no metadata
	Data  uint64
	End   uint64 // one past the last byte a program may reach directly
	Limit uint64 // one past the buffer
	Net   uint64 // network header; 0: where Data says, behind an Ethernet header if the type sees one
}

// Len is the number of packet bytes.
func (p Packet) Len() uint64 { return p.End - p.Data }

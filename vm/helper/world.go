package helper

// World is the scripted surroundings of a run: everything a helper may ask
// about that is neither packet, map nor program memory. The zero World is a
// machine with one CPU, no task, no routes and no sockets. It does not change
// during a run.
type World struct {
	CPUs     uint32 // number of possible CPUs; 0 means 1
	NUMANode uint32
	HZ       uint64 // ticks a second; 0 means 250
	BootNs   uint64 // CLOCK_BOOTTIME minus CLOCK_MONOTONIC
	TAINs    uint64 // CLOCK_TAI minus CLOCK_MONOTONIC

	Task    Task
	Cgroups []uint64 // cgroup ids of the current task from the root down
	ClassID uint32   // net_cls class id
	Realm   uint32   // routing realm of the packet
	NetNS   uint64   // cookie of the network namespace

	Links   []Link
	Routes  []Route
	Sockets []Socket
	Own     int        // index of the socket that is the context of cgroup_sock programs
	Stacks  [][]uint64 // kernel stacks, innermost first; the first is the current one
	UserIPs []uint64   // the current task's user stack

	FuncIP    uint64   // traced function
	Cookie    uint64   // bpf_get_attach_cookie
	FuncArgs  []uint64 // arguments of the traced function
	FuncRet   uint64   // its return value
	Tunnel    Tunnel   // of the packet received
	Sysctl    Sysctl
	PathName  string // bpf_d_path
	PerfCount PerfValue
	Branches  []Branch
	Symbols   []Symbol
	VMAs      []VMA // memory areas of the current task

	// UserKey, when set, is the number by which user space names a simulated
	// kernel object, by its address: the key of its value in a storage map.
	UserKey func(addr uint64) (uint32, bool)
}

// Task is the current task.
type Task struct {
	PID, TGID uint32
	UID, GID  uint32
	Comm      string // at most 15 bytes
	NSDev     uint64 // device and inode of the pid namespace
	NSIno     uint64
	NSPID     uint32 // PID and TGID in that namespace
	NSTGID    uint32
	Addr      uint64 // of its task_struct; 0: one that holds nothing
}

// Link is a network interface.
type Link struct {
	Index uint32
	MTU   uint32 // 0 means 1500
	MAC   [6]byte
}

// Route answers bpf_fib_lookup: the longest Prefix that holds the destination
// wins, the first of equals.
type Route struct {
	Prefix   [16]byte // IPv4 in the first four bytes
	Bits     uint8
	V6       bool
	Link     uint32 // outgoing interface
	Gateway  [16]byte
	HasGate  bool
	SrcMAC   [6]byte
	DstMAC   [6]byte
	NoNeigh  bool // no neighbour entry: BPF_FIB_LKUP_RET_NO_NEIGH
	MTU      uint32
	Code     uint8 // another BPF_FIB_LKUP_RET_* than success
	Metric   uint32
	TableID  uint32
	Src      [16]byte // preferred source address
	PortVLAN uint16
}

// Socket is a socket that lookups find and contexts point to.
type Socket struct {
	Family, Type, Protocol uint32
	Local, Remote          [16]byte // IPv4 in the first four bytes
	LocalPort, RemotePort  uint16
	State                  uint32 // BPF_TCP_*
	Bound                  uint32 // interface
	Mark, Priority         uint32
	RxQueue                int32
	Cookie                 uint64
	UID                    uint32
	Cgroups                []uint64
	Name                   string // for the outputs
}

// Tunnel is the tunnel metadata of a received packet.
type Tunnel struct {
	ID     uint32
	Remote [16]byte
	V6     bool
	TOS    uint8
	TTL    uint8
	Label  uint32
	Opt    []byte
}

// Sysctl is the sysctl that a cgroup_sysctl program is asked about.
type Sysctl struct {
	Name    string // net/ipv4/tcp_mem
	Current string
	New     string // written value; only when Write
	Write   bool
}

// PerfValue answers bpf_perf_event_read and its kin.
type PerfValue struct{ Counter, Enabled, Running uint64 }

// Branch is one record of a branch trace.
type Branch struct{ From, To, Flags uint64 }

// Symbol is one line of kallsyms.
type Symbol struct {
	Name string
	Addr uint64
}

// VMA is a memory area of a task.
type VMA struct{ Start, End, Flags uint64 }

func (w *World) cpus() uint32 {
	if w.CPUs == 0 {
		return 1
	}
	return w.CPUs
}

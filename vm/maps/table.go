// Package maps holds eBPF's maps: the table of all types of Linux 6.12, the
// checks of map creation, and a simulation of each type in the memory of a
// machine.
//
// All state of a map (values, but also buckets, free lists, ring positions)
// lies in the machine's arena, so that stepping a machine back undoes map
// operations without the maps' help.
//
//	set := maps.NewSet(a, 2) // two CPUs
//	m, err := set.New(maps.Spec{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 4})
//	addr := m.Lookup([]byte{1, 0, 0, 0}, 0) // arena address of the value, 0 when there is none
//
// Read next: map.go for what a map can do, then one file a type.
package maps

// Type is a number of the kernel's enum bpf_map_type.
type Type uint32

// Map types of Linux 6.12, in the order of the UAPI header.
const (
	Unspec Type = iota
	Hash
	Array
	ProgArray
	PerfEventArray
	PerCPUHash
	PerCPUArray
	StackTrace
	CgroupArray
	LRUHash
	LRUPerCPUHash
	LPMTrie
	ArrayOfMaps
	HashOfMaps
	Devmap
	Sockmap
	CPUMap
	XSKMap
	SockHash
	CgroupStorage
	ReuseportSockArray
	PerCPUCgroupStorage
	Queue
	Stack
	SkStorage
	DevmapHash
	StructOps
	Ringbuf
	InodeStorage
	TaskStorage
	BloomFilter
	UserRingbuf
	CgrpStorage
	Arena

	NumTypes = int(iota)
)

// Creation flags (map_flags).
const (
	FlagNoPrealloc    = 1 << 0  // BPF_F_NO_PREALLOC
	FlagNoCommonLRU   = 1 << 1  // BPF_F_NO_COMMON_LRU
	FlagNUMANode      = 1 << 2  // BPF_F_NUMA_NODE
	FlagRdonly        = 1 << 3  // BPF_F_RDONLY: user space may not write
	FlagWronly        = 1 << 4  // BPF_F_WRONLY
	FlagStackBuildID  = 1 << 5  // BPF_F_STACK_BUILD_ID
	FlagZeroSeed      = 1 << 6  // BPF_F_ZERO_SEED
	FlagRdonlyProg    = 1 << 7  // BPF_F_RDONLY_PROG: programs may not write
	FlagWronlyProg    = 1 << 8  // BPF_F_WRONLY_PROG
	FlagClone         = 1 << 9  // BPF_F_CLONE
	FlagMmapable      = 1 << 10 // BPF_F_MMAPABLE
	FlagPreserveElems = 1 << 11 // BPF_F_PRESERVE_ELEMS
	FlagInnerMap      = 1 << 12 // BPF_F_INNER_MAP
	FlagLink          = 1 << 13 // BPF_F_LINK
	FlagVtypeBTFObjFD = 1 << 15 // BPF_F_VTYPE_BTF_OBJ_FD
	FlagSegvOnFault   = 1 << 17 // BPF_F_SEGV_ON_FAULT
	FlagNoUserConv    = 1 << 18 // BPF_F_NO_USER_CONV

	flagsAccess = FlagRdonly | FlagWronly | FlagRdonlyProg | FlagWronlyProg
)

// Flags of an update (bpf_map_update_elem).
const (
	Any     = 0 // BPF_ANY: create or replace
	NoExist = 1 // BPF_NOEXIST: only create
	Exist   = 2 // BPF_EXIST: only replace
	Lock    = 4 // BPF_F_LOCK: hold the value's bpf_spin_lock meanwhile
)

// SizeRule is what a type demands of its key or value size. The errors for
// sizes that break it are those of [Spec.Check].
type SizeRule uint8

const (
	SizeAny      SizeRule = iota // 1 or more
	SizeZero                     // must be 0
	Size4                        // must be 4
	Size4or8                     // 4, or 8 with a program or a cookie
	SizeMul8                     // 8 or more, a multiple of 8
	SizeLPM                      // 5 to 260: a 4-byte prefix length and 1 to 256 bytes of data
	SizeCgroup                   // 8 or 16: a cgroup id, with the attach type or without
	SizeTyped                    // that of the kernel struct named by btf_vmlinux_value_type_id
	SizePerCPU                   // 1 or more, rounded up to 8 at most 32 KiB
	SizeStorage                  // 1 or more, at most what fits 64 KiB with its header
	SizeEntries0                 // only for max_entries: must be 0
	SizePages                    // only for max_entries: a power of two and a multiple of the page size
	SizeOne                      // only for max_entries: must be 1
)

var sizeRuleText = [...]string{
	"1 or more", "0", "4", "4 or 8", "a multiple of 8", "5 to 260", "8 or 16", "that of the kernel's struct",
	"1 to 32768", "1 to 65407", "0", "a power of two of whole pages", "1",
}

func (r SizeRule) String() string { return sizeRuleText[r] }

// Row is what is known of one map type.
type Row struct {
	Type    Type
	Name    string // bpftool's
	Const   string // the kernel's
	Since   string // first Linux version
	Key     SizeRule
	Value   SizeRule
	Entries SizeRule
	Flags   uint32 // creation flags allowed
	Must    uint32 // creation flags demanded
	Priv    Priv
	PerCPU  bool // a value for each CPU
	Doc     string
}

// Priv is the capability that creating a map of the type takes.
type Priv uint8

const (
	PrivNone     Priv = iota // none, where unprivileged bpf is on
	PrivBPF                  // CAP_BPF
	PrivNetAdmin             // CAP_NET_ADMIN
)

// Table has a row for each type; Table[t] is the row of Type t.
var Table = [NumTypes]Row{
	{Type: Unspec, Name: "unspec", Const: "BPF_MAP_TYPE_UNSPEC", Since: "3.18", Doc: "no map"},
	{Type: Hash, Name: "hash", Const: "BPF_MAP_TYPE_HASH", Since: "3.19", Flags: hashFlags, Doc: "keys of any bytes to values; full at max_entries"},
	{Type: Array, Name: "array", Const: "BPF_MAP_TYPE_ARRAY", Since: "3.19", Key: Size4, Flags: arrayFlags | FlagMmapable | FlagInnerMap, Doc: "values by index, all there from the start and zero"},
	{Type: ProgArray, Name: "prog_array", Const: "BPF_MAP_TYPE_PROG_ARRAY", Since: "4.2", Key: Size4, Value: Size4, Flags: fdArrayFlags, Doc: "programs by index, for bpf_tail_call"},
	{Type: PerfEventArray, Name: "perf_event_array", Const: "BPF_MAP_TYPE_PERF_EVENT_ARRAY", Since: "4.3", Key: Size4, Value: Size4, Flags: fdArrayFlags | FlagPreserveElems, Doc: "perf events by CPU, to send samples to user space"},
	{Type: PerCPUHash, Name: "percpu_hash", Const: "BPF_MAP_TYPE_PERCPU_HASH", Since: "4.6", Value: SizePerCPU, Flags: hashFlags, PerCPU: true, Doc: "hash with a value for each CPU"},
	{Type: PerCPUArray, Name: "percpu_array", Const: "BPF_MAP_TYPE_PERCPU_ARRAY", Since: "4.6", Key: Size4, Value: SizePerCPU, Flags: arrayFlags, PerCPU: true, Doc: "array with a value for each CPU"},
	{Type: StackTrace, Name: "stack_trace", Const: "BPF_MAP_TYPE_STACK_TRACE", Since: "4.6", Key: Size4, Value: SizeMul8, Flags: FlagNUMANode | FlagRdonly | FlagWronly | FlagStackBuildID, Priv: PrivBPF, Doc: "call stacks by the id that bpf_get_stackid gives them"},
	{Type: CgroupArray, Name: "cgroup_array", Const: "BPF_MAP_TYPE_CGROUP_ARRAY", Since: "4.8", Key: Size4, Value: Size4, Flags: fdArrayFlags, Doc: "cgroups by index, to ask whether a packet or task is below one"},
	{Type: LRUHash, Name: "lru_hash", Const: "BPF_MAP_TYPE_LRU_HASH", Since: "4.10", Flags: hashFlags, Priv: PrivBPF, Doc: "hash that makes room by dropping keys not used for long"},
	{Type: LRUPerCPUHash, Name: "lru_percpu_hash", Const: "BPF_MAP_TYPE_LRU_PERCPU_HASH", Since: "4.10", Value: SizePerCPU, Flags: hashFlags, Priv: PrivBPF, PerCPU: true, Doc: "LRU hash with a value for each CPU"},
	{Type: LPMTrie, Name: "lpm_trie", Const: "BPF_MAP_TYPE_LPM_TRIE", Since: "4.11", Key: SizeLPM, Flags: FlagNoPrealloc | FlagNUMANode | flagsAccess, Must: FlagNoPrealloc, Priv: PrivBPF, Doc: "prefixes to values; a lookup finds the longest that matches"},
	{Type: ArrayOfMaps, Name: "array_of_maps", Const: "BPF_MAP_TYPE_ARRAY_OF_MAPS", Since: "4.12", Key: Size4, Value: Size4, Flags: fdArrayFlags, Doc: "maps by index"},
	{Type: HashOfMaps, Name: "hash_of_maps", Const: "BPF_MAP_TYPE_HASH_OF_MAPS", Since: "4.12", Value: Size4, Flags: hashFlags, Doc: "maps by key"},
	{Type: Devmap, Name: "devmap", Const: "BPF_MAP_TYPE_DEVMAP", Since: "4.14", Key: Size4, Value: Size4or8, Flags: FlagNUMANode | FlagRdonly | FlagWronly, Priv: PrivNetAdmin, Doc: "interfaces by index, for bpf_redirect_map"},
	{Type: Sockmap, Name: "sockmap", Const: "BPF_MAP_TYPE_SOCKMAP", Since: "4.14", Key: Size4, Value: Size4or8, Flags: FlagNUMANode | FlagRdonly | FlagWronly, Priv: PrivNetAdmin, Doc: "sockets by index, to redirect messages and streams"},
	{Type: CPUMap, Name: "cpumap", Const: "BPF_MAP_TYPE_CPUMAP", Since: "4.15", Key: Size4, Value: Size4or8, Flags: FlagNUMANode, Priv: PrivBPF, Doc: "CPUs, to continue a packet there by bpf_redirect_map"},
	{Type: XSKMap, Name: "xskmap", Const: "BPF_MAP_TYPE_XSKMAP", Since: "4.18", Key: Size4, Value: Size4, Flags: FlagNUMANode | FlagRdonly | FlagWronly, Priv: PrivNetAdmin, Doc: "AF_XDP sockets by queue, for bpf_redirect_map"},
	{Type: SockHash, Name: "sockhash", Const: "BPF_MAP_TYPE_SOCKHASH", Since: "4.18", Value: Size4or8, Flags: FlagNUMANode | FlagRdonly | FlagWronly, Priv: PrivNetAdmin, Doc: "sockets by key"},
	{Type: CgroupStorage, Name: "cgroup_storage", Const: "BPF_MAP_TYPE_CGROUP_STORAGE", Since: "4.19", Key: SizeCgroup, Value: SizeStorage, Entries: SizeEntries0, Flags: FlagNUMANode | flagsAccess, Doc: "a value for each cgroup a program is attached to; superseded by cgrp_storage"},
	{Type: ReuseportSockArray, Name: "reuseport_sockarray", Const: "BPF_MAP_TYPE_REUSEPORT_SOCKARRAY", Since: "4.19", Key: Size4, Value: Size4or8, Flags: arrayFlags, Priv: PrivBPF, Doc: "listening sockets that bpf_sk_select_reuseport chooses from"},
	{Type: PerCPUCgroupStorage, Name: "percpu_cgroup_storage", Const: "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE", Since: "4.20", Key: SizeCgroup, Value: SizePerCPU, Entries: SizeEntries0, Flags: FlagNUMANode | flagsAccess, PerCPU: true, Doc: "a value for each cgroup and CPU"},
	{Type: Queue, Name: "queue", Const: "BPF_MAP_TYPE_QUEUE", Since: "4.20", Key: SizeZero, Flags: FlagNUMANode | flagsAccess, Priv: PrivBPF, Doc: "first in, first out"},
	{Type: Stack, Name: "stack", Const: "BPF_MAP_TYPE_STACK", Since: "4.20", Key: SizeZero, Flags: FlagNUMANode | flagsAccess, Priv: PrivBPF, Doc: "last in, first out"},
	{Type: SkStorage, Name: "sk_storage", Const: "BPF_MAP_TYPE_SK_STORAGE", Since: "5.2", Key: Size4, Value: SizeStorage, Entries: SizeEntries0, Flags: FlagNoPrealloc | FlagClone, Must: FlagNoPrealloc, Priv: PrivBPF, Doc: "a value kept with each socket"},
	{Type: DevmapHash, Name: "devmap_hash", Const: "BPF_MAP_TYPE_DEVMAP_HASH", Since: "5.4", Key: Size4, Value: Size4or8, Flags: FlagNUMANode | FlagRdonly | FlagWronly, Priv: PrivNetAdmin, Doc: "interfaces by any 32-bit key"},
	{Type: StructOps, Name: "struct_ops", Const: "BPF_MAP_TYPE_STRUCT_OPS", Since: "5.6", Key: Size4, Value: SizeTyped, Entries: SizeOne, Flags: FlagLink | FlagVtypeBTFObjFD, Priv: PrivBPF, Doc: "a kernel struct of function pointers filled in by programs"},
	{Type: Ringbuf, Name: "ringbuf", Const: "BPF_MAP_TYPE_RINGBUF", Since: "5.8", Key: SizeZero, Value: SizeZero, Entries: SizePages, Flags: FlagNUMANode, Doc: "records to user space, one ring for all CPUs"},
	{Type: InodeStorage, Name: "inode_storage", Const: "BPF_MAP_TYPE_INODE_STORAGE", Since: "5.10", Key: Size4, Value: SizeStorage, Entries: SizeEntries0, Flags: FlagNoPrealloc | FlagClone, Must: FlagNoPrealloc, Priv: PrivBPF, Doc: "a value kept with each inode"},
	{Type: TaskStorage, Name: "task_storage", Const: "BPF_MAP_TYPE_TASK_STORAGE", Since: "5.11", Key: Size4, Value: SizeStorage, Entries: SizeEntries0, Flags: FlagNoPrealloc | FlagClone, Must: FlagNoPrealloc, Priv: PrivBPF, Doc: "a value kept with each task"},
	{Type: BloomFilter, Name: "bloom_filter", Const: "BPF_MAP_TYPE_BLOOM_FILTER", Since: "5.16", Key: SizeZero, Flags: FlagNUMANode | FlagZeroSeed | flagsAccess, Priv: PrivBPF, Doc: "a set that may say yes wrongly but never no"},
	{Type: UserRingbuf, Name: "user_ringbuf", Const: "BPF_MAP_TYPE_USER_RINGBUF", Since: "6.1", Key: SizeZero, Value: SizeZero, Entries: SizePages, Flags: FlagNUMANode, Doc: "records from user space, read by bpf_user_ringbuf_drain"},
	{Type: CgrpStorage, Name: "cgrp_storage", Const: "BPF_MAP_TYPE_CGRP_STORAGE", Since: "6.2", Key: Size4, Value: SizeStorage, Entries: SizeEntries0, Flags: FlagNoPrealloc | FlagClone, Must: FlagNoPrealloc, Priv: PrivBPF, Doc: "a value kept with each cgroup"},
	{Type: Arena, Name: "arena", Const: "BPF_MAP_TYPE_ARENA", Since: "6.9", Key: SizeZero, Value: SizeZero, Flags: FlagSegvOnFault | FlagMmapable | FlagNoUserConv, Must: FlagMmapable, Priv: PrivBPF, Doc: "pages shared by program and user space, with pointers among them"},
}

const (
	hashFlags    = FlagNoPrealloc | FlagNoCommonLRU | FlagNUMANode | flagsAccess | FlagZeroSeed
	arrayFlags   = FlagNUMANode | flagsAccess
	fdArrayFlags = FlagNUMANode | FlagRdonly | FlagWronly
)

// Row is the table's row of a type, nil for a number that is none.
func (t Type) Row() *Row {
	if int(t) >= NumTypes {
		return nil
	}
	return &Table[t]
}

// String is bpftool's name.
func (t Type) String() string {
	if r := t.Row(); r != nil {
		return r.Name
	}
	return "unknown"
}

// ByName finds a type by bpftool's name or the kernel's constant.
func ByName(name string) (Type, bool) {
	for i := range Table {
		if i > 0 && (Table[i].Name == name || Table[i].Const == name) {
			return Type(i), true
		}
	}
	return Unspec, false
}

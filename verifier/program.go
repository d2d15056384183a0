package verifier

import (
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// Program flags (BPF_PROG_LOAD's prog_flags).
const (
	FlagStrictAlignment   = 1 << 0 // BPF_F_STRICT_ALIGNMENT
	FlagAnyAlignment      = 1 << 1 // BPF_F_ANY_ALIGNMENT
	FlagTestRndHi32       = 1 << 2 // BPF_F_TEST_RND_HI32
	FlagTestStateFreq     = 1 << 3 // BPF_F_TEST_STATE_FREQ: a checkpoint wherever one may be
	FlagSleepable         = 1 << 4 // BPF_F_SLEEPABLE
	FlagXDPHasFrags       = 1 << 5 // BPF_F_XDP_HAS_FRAGS
	FlagXDPDevBoundOnly   = 1 << 6 // BPF_F_XDP_DEV_BOUND_ONLY
	FlagTestRegInvariants = 1 << 7 // BPF_F_TEST_REG_INVARIANTS
	flagTokenFD           = 1 << 16
	flagsKnown            = FlagStrictAlignment | FlagAnyAlignment | FlagTestRndHi32 | FlagTestStateFreq |
		FlagSleepable | FlagXDPHasFrags | FlagXDPDevBoundOnly | FlagTestRegInvariants | flagTokenFD
)

// Program is what a loader hands to the kernel. It is not changed.
type Program struct {
	Type   hook.ProgType
	Attach hook.AttachType // expected_attach_type
	Flags  uint32
	GPL    bool // the license is GPL compatible

	// Insns are the instructions. The immediate of a wide load with source 1
	// or 2 is an index into Maps.
	Insns []isa.Insn
	Maps  []MapInfo

	BTF          *btf.Spec // of the program; nil when it has none
	FuncInfo     []byte    // raw records, as BPF_PROG_LOAD takes them
	FuncInfoSize int       // of one record, 0 is 8
	LineInfo     []byte
	LineInfoSize int // 0 is 16

	// AttachTo names the kernel function, tracepoint or struct_ops member
	// ("tcp_congestion_ops:ssthresh") that a BTF-typed program attaches to.
	AttachTo string

	// Kfuncs names kernel functions and Ksyms kernel variables by instruction
	// slot: numbers of BTF types differ between kernels.
	Kfuncs []Symbol
	Ksyms  []Symbol
}

// GPLCompatible says whether programs of a license may call GPL-only helpers:
// what Program.GPL wants (license_is_gpl_compatible of include/linux/license.h).
func GPLCompatible(license string) bool {
	switch license {
	case "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL":
		return true
	}
	return false
}

// Symbol is a name that the kernel resolves for an instruction.
type Symbol struct {
	Insn int
	ID   uint32 // BTF id in the kernel that the program was made for
	Name string
}

// MapInfo is a map as the verifier sees it.
type MapInfo struct {
	Name       string
	Type       maps.Type
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
	Extra      uint64 // map_extra

	// Frozen maps with FlagRdonlyProg are constants: loads read Data.
	Frozen bool
	Data   []byte

	Inner *MapInfo // template of the maps in a map of maps

	BTF       *btf.Spec // of key and value; nil when it has none
	KeyType   btf.ID
	ValueType btf.ID
}

// directValue reports whether programs may hold the address of the map's only
// value (map_direct_value_addr), and the kernel's error at offset off.
func (m *MapInfo) directValue(off uint32) (supported bool, err errno) {
	switch m.Type {
	case maps.Array:
		if m.MaxEntries != 1 {
			return true, enotsupp
		}
		if off >= m.ValueSize {
			return true, einval
		}
		return true, 0
	case maps.Arena:
		if uint64(off) > uint64(m.MaxEntries)<<12 {
			return true, erange
		}
		return true, 0
	}
	return false, 0
}

// constant reports whether loads from the map see what is in Data
// (bpf_map_is_rdonly).
func (m *MapInfo) constant() bool { return m.Flags&maps.FlagRdonlyProg != 0 && m.Frozen }

func (m *MapInfo) canRead() bool {
	return m.Flags&(maps.FlagRdonlyProg|maps.FlagWronlyProg) != maps.FlagWronlyProg
}

func (m *MapInfo) canWrite() bool {
	return m.Flags&(maps.FlagRdonlyProg|maps.FlagWronlyProg) != maps.FlagRdonlyProg
}

// perElemCallback reports whether bpf_for_each_map_elem works on the type.
func (m *MapInfo) perElemCallback() bool {
	switch m.Type {
	case maps.Array, maps.PerCPUArray, maps.Hash, maps.LRUHash, maps.PerCPUHash, maps.LRUPerCPUHash:
		return true
	}
	return false
}

package helper

import "skep/vm/hook"

// Proto is the prototype of a helper as the kernel's struct bpf_func_proto
// states it, with the facts that the verifier keeps in switches of its own.
type Proto struct {
	ID   int
	Name string // with the bpf_ prefix, as in enum bpf_func_id
	Ret  RetKind
	Args [5]ArgKind
	// Extra is the size of a MemFixedSize argument in bytes, or the BTFID of
	// an ArgPtrToBTFID one, per argument.
	Extra  [5]uint8
	RetBTF BTFID
	Flags  Flags
}

// Since is the first Linux version that has the helper.
func (p *Proto) Since() string { return helperDocs[p.ID][0] }

// Doc is what the helper does, in one sentence.
func (p *Proto) Doc() string { return helperDocs[p.ID][1] }

// Flags are the yes-or-no facts of a helper.
type Flags uint16

const (
	GPLOnly         Flags = 1 << iota // cannot be called from a program whose license is not GPL compatible
	PktAccess                         // takes packet pointers as memory arguments
	MightSleep                        // only from sleepable programs
	MayChangePacket                   // bpf_helper_changes_pkt_data: packet pointers are invalid afterwards
	AllowFastcall                     // follows the bpf_fastcall contract
	HasAllowed                        // has an allowed() check of its own (bpf_d_path, bpf_get_func_ip, ...)
	Variants                          // differs between program types: use ProtoFor
	NeedBPF                           // a user without CAP_BPF does not have it
	NeedPerfmon                       // a user without CAP_PERFMON does not have it
)

// Has reports whether all of g are set.
func (f Flags) Has(g Flags) bool { return f&g == g }

// ArgKind is a bpf_arg_type: a base in the low eight bits, bpf_type_flag bits
// above, with the kernel's own values.
type ArgKind uint32

// RetKind is a bpf_return_type, built as ArgKind is.
type RetKind uint32

// Base of a kind, without the flags.
func (k ArgKind) Base() ArgKind { return k & 0xff }

// Base of a kind, without the flags.
func (k RetKind) Base() RetKind { return k & 0xff }

// Flags of a kind: the bits above the base.
func (k ArgKind) Flags() TypeFlag { return TypeFlag(k) &^ 0xff }

// Flags of a kind: the bits above the base.
func (k RetKind) Flags() TypeFlag { return TypeFlag(k) &^ 0xff }

// TypeFlag is a bpf_type_flag.
type TypeFlag uint32

const (
	PtrMaybeNull      TypeFlag = 1 << (iota + 8)
	MemRdonly                  // the argument may be read-only memory
	MemRingbuf                 // memory is a ring buffer record
	MemUser                    // memory is in user address space
	MemPercpu                  // per-CPU memory: bpf_per_cpu_ptr first
	ObjRelease                 // the argument is released
	PtrUntrusted               // read from a map, may be stale
	MemUninit                  // memory need not be initialized
	DynptrTypeLocal            // dynptr over program memory
	DynptrTypeRingbuf          // dynptr over a ring buffer record
	MemFixedSize               // size is known: Proto.Extra
	MemAlloc                   // allocated by bpf_obj_new
	PtrTrusted                 // valid by the kernel's word
	MemRCU                     // valid in an RCU section
	NonOwnRef                  // non-owning reference to a node
	DynptrTypeSkb
	DynptrTypeXDP
	MemAligned // aligned to its fixed size
	MemWrite   // the helper writes the memory
)

const (
	ArgDontcare ArgKind = iota
	ArgConstMapPtr
	ArgPtrToMapKey
	ArgPtrToMapValue
	ArgPtrToMem
	ArgPtrToArena
	ArgConstSize
	ArgConstSizeOrZero
	ArgPtrToCtx
	ArgAnything
	ArgScalar
	ArgPtrToSpinLock
	ArgPtrToSockCommon
	ArgPtrToSocket
	ArgPtrToBTFID
	ArgPtrToRingbufMem
	ArgConstAllocSizeOrZero
	ArgPtrToBTFIDSockCommon
	ArgPtrToPercpuBTFID
	ArgPtrToFunc
	ArgPtrToStack
	ArgPtrToConstStr
	ArgPtrToTimer
	ArgKptrXchgDest
	ArgPtrToDynptr
)

// Extended argument kinds that the kernel names.
const (
	ArgPtrToMapValueOrNull = ArgPtrToMapValue | ArgKind(PtrMaybeNull)
	ArgPtrToMemOrNull      = ArgPtrToMem | ArgKind(PtrMaybeNull)
	ArgPtrToCtxOrNull      = ArgPtrToCtx | ArgKind(PtrMaybeNull)
	ArgPtrToSocketOrNull   = ArgPtrToSocket | ArgKind(PtrMaybeNull)
	ArgPtrToStackOrNull    = ArgPtrToStack | ArgKind(PtrMaybeNull)
	ArgPtrToBTFIDOrNull    = ArgPtrToBTFID | ArgKind(PtrMaybeNull)
	ArgPtrToUninitMem      = ArgPtrToMem | ArgKind(MemUninit|MemWrite)
	ArgPtrToFixedSizeMem   = ArgPtrToMem | ArgKind(MemFixedSize)
)

const (
	RetInteger RetKind = iota
	RetVoid
	RetPtrToMapValue
	RetPtrToSocket
	RetPtrToTCPSock
	RetPtrToSockCommon
	RetPtrToMem
	RetPtrToMemOrBTFID
	RetPtrToBTFID
)

// Extended return kinds that the kernel names.
const (
	RetPtrToMapValueOrNull   = RetPtrToMapValue | RetKind(PtrMaybeNull)
	RetPtrToSocketOrNull     = RetPtrToSocket | RetKind(PtrMaybeNull)
	RetPtrToTCPSockOrNull    = RetPtrToTCPSock | RetKind(PtrMaybeNull)
	RetPtrToSockCommonOrNull = RetPtrToSockCommon | RetKind(PtrMaybeNull)
	RetPtrToRingbufMemOrNull = RetPtrToMem | RetKind(PtrMaybeNull|MemRingbuf)
	RetPtrToDynptrMemOrNull  = RetPtrToMem | RetKind(PtrMaybeNull)
	RetPtrToBTFIDOrNull      = RetPtrToBTFID | RetKind(PtrMaybeNull)
	RetPtrToBTFIDTrusted     = RetPtrToBTFID | RetKind(PtrTrusted)
)

// BTFID names a kernel struct that a BTF-typed argument or result points to;
// its number in a kernel's BTF is found by Name. "*" is any that the verifier
// works out itself (BPF_PTR_POISON).
type BTFID uint8

// Name of the struct, without "struct"; empty for zero.
func (b BTFID) Name() string {
	if int(b) < len(btfNames) {
		return btfNames[b]
	}
	return ""
}

// Max is the highest helper number of 6.12.
const Max = len(table)

// Lookup is the prototype of the helper with that number, nil when 6.12 has
// none. Where program types differ (Variants) it is the most common one.
func Lookup(id int) *Proto {
	if id < 1 || id > len(table) {
		return nil
	}
	return &table[id-1]
}

// ByName is the prototype of a helper by its name, with or without "bpf_".
func ByName(name string) *Proto {
	const prefix = "bpf_"
	if len(name) < len(prefix) || name[:len(prefix)] != prefix {
		name = prefix + name
	}
	for i := range table {
		if table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}

// ProtoFor is the prototype that programs of this type and attach type see.
// It does not say whether they may call it: that is Permission.
func ProtoFor(typ hook.ProgType, attach hook.AttachType, id int) *Proto {
	p := Lookup(id)
	if p == nil || p.Flags&Variants == 0 {
		return p
	}
	for i := range variants {
		v := &variants[i]
		if v.proto.ID == id && v.types>>typ&1 != 0 {
			return &v.proto
		}
	}
	return p
}

// variant is the prototype of a helper for some program types.
type variant struct {
	types uint64 // bit set over hook.ProgType
	proto Proto
}

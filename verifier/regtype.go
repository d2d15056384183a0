package verifier

// RegType is what a register or a spilled slot holds: a base in the low bits
// and flags above, struct bpf_reg_state's type. Values are this package's own.
type RegType uint32

// Bases, enum bpf_reg_type.
const (
	NotInit RegType = iota
	ScalarValue
	PtrToCtx
	ConstPtrToMap
	PtrToMapValue
	PtrToMapKey
	PtrToStack
	PtrToPacketMeta
	PtrToPacket
	PtrToPacketEnd
	PtrToFlowKeys
	PtrToSocket
	PtrToSockCommon
	PtrToTCPSock
	PtrToTPBuffer
	PtrToXDPSock
	PtrToBTFID
	PtrToMem
	PtrToArena
	PtrToBuf
	PtrToFunc
	ConstPtrToDynptr

	numRegTypes
)

// Flags, enum bpf_type_flag: the bits of helper.TypeFlag, so that a helper's
// result type takes them over.
const (
	PtrMaybeNull RegType = 1 << (iota + 8)
	MemRdonly
	MemRingbuf
	MemUser
	MemPercpu
	ObjRelease
	PtrUntrusted
	MemUninit
	DynptrTypeLocal
	DynptrTypeRingbuf
	MemFixedSize
	MemAlloc
	PtrTrusted
	MemRCU
	NonOwnRef
	DynptrTypeSkb
	DynptrTypeXDP
	MemAligned
	MemWrite

	typeFlags        RegType = ^RegType(0xff)
	dynptrTypeMask           = DynptrTypeLocal | DynptrTypeRingbuf | DynptrTypeSkb | DynptrTypeXDP
	trustedModifiers         = MemAlloc | PtrTrusted | NonOwnRef
)

// Base of t, without flags.
func (t RegType) Base() RegType { return t & 0xff }

// Flags of t, without the base.
func (t RegType) Flags() RegType { return t & typeFlags }

// MayBeNull reports whether a NULL check is still to come.
func (t RegType) MayBeNull() bool { return t&PtrMaybeNull != 0 }

func (t RegType) isPkt() bool {
	return t.Base() == PtrToPacket || t.Base() == PtrToPacketMeta
}

func (t RegType) isPktAny() bool { return t.isPkt() || t == PtrToPacketEnd }

func (t RegType) isSock() bool {
	switch t {
	case PtrToSocket, PtrToSockCommon, PtrToTCPSock, PtrToXDPSock:
		return true
	}
	return false
}

func (t RegType) hasMap() bool {
	switch t.Base() {
	case ConstPtrToMap, PtrToMapKey, PtrToMapValue:
		return true
	}
	return false
}

func (t RegType) isAllocObj() bool {
	return t.Base() == PtrToBTFID && t&MemAlloc != 0 && t&PtrUntrusted == 0
}

func (t RegType) isNonOwnRef() bool { return t.isAllocObj() && t&NonOwnRef != 0 }

func (t RegType) unsafeModifiers() bool { return t.Flags()&^trustedModifiers != 0 }

// spillable reports whether a pointer of the type can be stored on the stack
// and be a pointer again when loaded (is_spillable_regtype).
func (t RegType) spillable() bool {
	switch t.Base() {
	case PtrToMapValue, PtrToStack, PtrToCtx, PtrToPacket, PtrToPacketMeta, PtrToPacketEnd,
		PtrToFlowKeys, ConstPtrToMap, PtrToSocket, PtrToSockCommon, PtrToTCPSock, PtrToXDPSock,
		PtrToBTFID, PtrToBuf, PtrToMem, PtrToFunc, PtrToMapKey, PtrToArena:
		return true
	}
	return false
}

var regTypeNames = [numRegTypes]string{
	NotInit:          "?",
	ScalarValue:      "scalar",
	PtrToCtx:         "ctx",
	ConstPtrToMap:    "map_ptr",
	PtrToMapValue:    "map_value",
	PtrToStack:       "fp",
	PtrToPacket:      "pkt",
	PtrToPacketMeta:  "pkt_meta",
	PtrToPacketEnd:   "pkt_end",
	PtrToFlowKeys:    "flow_keys",
	PtrToSocket:      "sock",
	PtrToSockCommon:  "sock_common",
	PtrToTCPSock:     "tcp_sock",
	PtrToTPBuffer:    "tp_buffer",
	PtrToXDPSock:     "xdp_sock",
	PtrToBTFID:       "ptr_",
	PtrToMem:         "mem",
	PtrToArena:       "arena",
	PtrToBuf:         "buf",
	PtrToFunc:        "func",
	PtrToMapKey:      "map_key",
	ConstPtrToDynptr: "dynptr_ptr",
}

var regTypePrefixes = [...]struct {
	flag RegType
	text string
}{
	{MemRdonly, "rdonly_"},
	{MemRingbuf, "ringbuf_"},
	{MemUser, "user_"},
	{MemPercpu, "percpu_"},
	{MemRCU, "rcu_"},
	{PtrUntrusted, "untrusted_"},
	{PtrTrusted, "trusted_"},
}

// Append writes the type as the log does (reg_type_str): "rdonly_mem_or_null".
func (t RegType) Append(dst []byte) []byte {
	for _, p := range regTypePrefixes {
		if t&p.flag != 0 {
			dst = append(dst, p.text...)
		}
	}
	if b := t.Base(); b < numRegTypes {
		dst = append(dst, regTypeNames[b]...)
	}
	switch {
	case t&PtrMaybeNull == 0:
	case t.Base() == PtrToBTFID:
		dst = append(dst, "or_null_"...)
	default:
		dst = append(dst, "_or_null"...)
	}
	return dst
}

func (t RegType) String() string { return string(t.Append(nil)) }

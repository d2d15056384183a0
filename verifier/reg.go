package verifier

// Liveness marks of a register or slot (enum bpf_reg_liveness).
const (
	liveRead32  = 1 << iota // its low half is read later
	liveRead64              // it is read later
	liveWritten             // it was written first, so reads do not reach the parent
	liveDone                // no more marks will come: the state is fully explored
	liveRead    = liveRead32 | liveRead64
)

// addConst marks an ID of a scalar that is another of the same ID plus Off
// (BPF_ADD_CONST).
const addConst = 1 << 31

// RegHead is the part of a register that says what it is. A, B and C hold what
// the type needs; accessors name them.
//
//	map pointers        A map handle, B unique id of an inner map
//	BTF pointers        A BTF handle, B type id
//	packet pointers     A range (signed)
//	memory              A size, B id of the dynptr it is a slice of
//	functions           A subprogram
//	dynptrs             A dynptr type, B first slot
//	iterators           A BTF handle, B type id, C state | depth<<2
type RegHead struct {
	Type    RegType
	Off     int32
	A, B, C uint32
}

// same is ==, which compilers for WebAssembly make a byte loop of.
func (h *RegHead) same(o *RegHead) bool {
	return h.Type == o.Type && h.Off == o.Off && h.A == o.A && h.B == o.B && h.C == o.C
}

// RegState is what is known of a register or of the value in a stack slot
// (struct bpf_reg_state).
type RegState struct {
	RegHead
	Bounds
	ID       uint32 // ties pointers that become non-NULL together, and equal scalars
	RefObjID uint32 // the reference it holds, which must be released
	parent   *RegState
	FrameNo  uint32 // of PtrToStack: whose stack
	// subregDef is the instruction that wrote only the low half, plus one.
	subregDef int32
	live      uint8
	Precise   bool // a scalar whose exact range matters: pruning must compare it
}

const notSubreg = 0

func (r *RegState) mapHandle() uint32 { return r.A }
func (r *RegState) mapUID() uint32    { return r.B }
func (r *RegState) setMap(m, uid uint32) {
	r.A, r.B, r.C = m, uid, 0
}
func (r *RegState) btfHandle() uint32 { return r.A }
func (r *RegState) btfID() uint32     { return r.B }
func (r *RegState) setBTF(h, id uint32) {
	r.A, r.B = h, id
}
func (r *RegState) pktRange() int     { return int(int32(r.A)) }
func (r *RegState) setPktRange(n int) { r.A = uint32(int32(n)) }
func (r *RegState) memSize() uint32   { return r.A }
func (r *RegState) setMemSize(n uint32) {
	r.A = n
}
func (r *RegState) dynptrID() uint32 { return r.B }
func (r *RegState) setDynptrID(id uint32) {
	r.B = id
}
func (r *RegState) subprog() int { return int(r.A) }

// clearHead zeroes everything about the register but its type and marks.
func (r *RegState) clearHead() {
	r.RegHead = RegHead{Type: r.Type}
	r.ID, r.RefObjID = 0, 0
}

// setKnown makes r the constant v; the type stays (__mark_reg_known).
func (r *RegState) setKnown(v uint64) {
	r.clearHead()
	r.Bounds.setConst(v)
}

// setUnknownImprecise makes r a scalar of which nothing is known.
func (r *RegState) setUnknownImprecise() {
	r.RegHead = RegHead{Type: ScalarValue}
	r.ID, r.RefObjID = 0, 0
	r.Bounds = unboundedBounds
	r.FrameNo = 0
	r.Precise = false
}

// copyFrom copies the value of src but keeps r's place in the parentage
// (copy_register_state).
func (r *RegState) copyFrom(src *RegState) {
	parent, live := r.parent, r.live
	*r = *src
	r.parent, r.live = parent, live
}

// isNull reports whether r is the scalar 0.
func (r *RegState) isNull() bool { return r.Type == ScalarValue && r.VarOff.Is(0) }

// isConstScalar is is_reg_const.
func (r *RegState) isConstScalar(sub32 bool) bool {
	return r.Type == ScalarValue && r.isConst(sub32)
}

// clearScalarID unties r from scalars of the same ID.
func (r *RegState) clearScalarID() { r.ID, r.Off = 0, 0 }

// width is the number of low bits that can be set (get_reg_width).
func (r *RegState) width() int { return bitsLen(r.UMax) }

// maxVarOff bounds the variable offset of a pointer (BPF_MAX_VAR_OFF).
const maxVarOff = 1 << 29

// maxVarSize bounds the size that a helper is passed (BPF_MAX_VAR_SIZ).
const maxVarSize = 1 << 29

// notNull reports whether r is a pointer that cannot be NULL (reg_not_null).
func (r *RegState) notNull() bool {
	if r.Type.MayBeNull() || r.SMin <= -maxVarOff || r.SMax >= maxVarOff {
		return false
	}
	switch r.Type.Base() {
	case PtrToSocket, PtrToTCPSock, PtrToXDPSock, PtrToBuf, PtrToMapValue, PtrToMapKey,
		PtrToSockCommon, PtrToMem, ConstPtrToMap:
		return true
	case PtrToBTFID:
		return r.trusted()
	}
	return false
}

// trusted reports whether the kernel vouches for the pointer (is_trusted_reg).
func (r *RegState) trusted() bool {
	if r.RefObjID != 0 {
		return true
	}
	switch r.Type.Base() {
	case PtrToSocket, PtrToSockCommon, PtrToTCPSock, ConstPtrToMap:
		if !r.Type.unsafeModifiers() {
			return true
		}
	}
	return r.Type&trustedModifiers != 0 && !r.Type.unsafeModifiers()
}

// pointsAt0 is reg_is_init_pkt_pointer: r is the packet's start itself.
func (r *RegState) pointsAt0(t RegType) bool {
	return r.Type == t && r.ID == 0 && r.Off == 0 && r.VarOff.Is(0)
}

func (e *env) setUnknown(r *RegState) {
	r.setUnknownImprecise()
	r.Precise = !e.bpfCapable
}

func (e *env) setNotInit(r *RegState) {
	e.setUnknown(r)
	r.Type = NotInit
}

// setConstZero is __mark_reg_const_zero.
func (e *env) setConstZero(r *RegState) {
	r.setKnown(0)
	r.Type = ScalarValue
	r.Precise = !e.bpfCapable
}

// invalidate is mark_reg_invalid: what is left of a pointer that is no more.
func (e *env) invalidate(r *RegState) {
	if !e.allowPtrLeaks {
		e.setNotInit(r)
	} else {
		e.setUnknown(r)
	}
}

// sanity is reg_bounds_sanity_check.
func (e *env) sanity(r *RegState, ctx string) errno {
	msg := r.Bounds.violation()
	if msg == "" {
		return 0
	}
	e.logf("REG INVARIANTS VIOLATION (%s): %s u64=[%#llx, %#llx] s64=[%#llx, %#llx] u32=[%#x, %#x] s32=[%#x, %#x] var_off=(%#llx, %#llx)\n",
		ctx, msg, r.UMin, r.UMax, uint64(r.SMin), uint64(r.SMax), r.U32Min, r.U32Max,
		uint32(r.S32Min), uint32(r.S32Max), r.VarOff.Value, r.VarOff.Mask)
	if e.testRegInvariants {
		return efault
	}
	r.Bounds.unbound()
	return 0
}

func (e *env) newID() uint32 {
	e.idGen++
	return e.idGen
}

package verifier

// dynptrType is enum bpf_dynptr_type.
type dynptrType uint8

const (
	dynptrInvalid dynptrType = iota
	dynptrLocal
	dynptrRingbuf
	dynptrSkb
	dynptrXDP
)

func (t dynptrType) String() string {
	switch t {
	case dynptrLocal:
		return "local"
	case dynptrRingbuf:
		return "ringbuf"
	case dynptrSkb:
		return "skb"
	case dynptrXDP:
		return "xdp"
	case dynptrInvalid:
		return "<invalid>"
	}
	return "<unknown>"
}

func (t dynptrType) refcounted() bool { return t == dynptrRingbuf }

// dynptrOf is the type that an argument's or register's flags name.
func dynptrOf(flags RegType) dynptrType {
	switch flags & dynptrTypeMask {
	case DynptrTypeLocal:
		return dynptrLocal
	case DynptrTypeRingbuf:
		return dynptrRingbuf
	case DynptrTypeSkb:
		return dynptrSkb
	case DynptrTypeXDP:
		return dynptrXDP
	}
	return dynptrInvalid
}

const dynptrSlots = 2 // BPF_DYNPTR_NR_SLOTS

// setDynptr makes r one of the two slots of a dynptr (__mark_dynptr_reg).
func (r *RegState) setDynptr(t dynptrType, first bool, id uint32) {
	r.setKnown(0)
	r.Type = ConstPtrToDynptr
	r.ID = id
	r.A, r.B = uint32(t), 0
	if first {
		r.B = 1
	}
}

func (e *env) clearDynptrSlots(f *FuncState, spi int) {
	for _, s := range []*StackSlot{&f.Stack[spi], &f.Stack[spi-1]} {
		s.Types = [regSize]SlotType{}
		e.setNotInit(&s.Reg)
		s.Reg.live |= liveWritten
	}
}

// destroyDynptr ends a dynptr whose slot is overwritten
// (destroy_if_dynptr_stack_slot).
func (e *env) destroyDynptr(f *FuncState, spi int) errno {
	if spi < 0 || spi >= len(f.Stack) || f.Stack[spi].Types[0] != SlotDynptr {
		return 0
	}
	if f.Stack[spi].Reg.B == 0 {
		spi++
	}
	if spi >= len(f.Stack) || spi < 1 {
		return efault
	}
	if dynptrType(f.Stack[spi].Reg.A).refcounted() {
		e.logs("cannot overwrite referenced dynptr\n")
		return einval
	}
	e.scratchSlot(spi)
	e.scratchSlot(spi - 1)
	id := f.Stack[spi].Reg.ID
	for i := range regSize {
		f.Stack[spi].Types[i], f.Stack[spi-1].Types[i] = SlotInvalid, SlotInvalid
	}
	e.cur.forEachReg(func(r *RegState) {
		if (r.Type == PtrToMem|PtrMaybeNull || r.Type == PtrToMem) && r.dynptrID() == id {
			e.invalidate(r)
		}
	})
	e.clearDynptrSlots(f, spi)
	return 0
}

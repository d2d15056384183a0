package verifier

import (
	"strings"

	"skep/vm/helper"
)

// dynptrSlot is the first slot of the dynptr that a stack pointer points to
// (dynptr_get_spi). erange says that the stack is not that deep yet.
func (e *env) dynptrSlot(r *RegState) (int, errno) {
	return e.objectSlot(r, "dynptr", dynptrSlots)
}

// objectSlot is stack_slot_obj_get_spi.
func (e *env) objectSlot(r *RegState, what string, slots int) (int, errno) {
	if !r.VarOff.IsConst() {
		e.logf("%s has to be at a constant offset\n", what)
		return 0, einval
	}
	off := int(r.Off) + int(int32(r.VarOff.Value))
	spi := spiOf(off)
	if off%regSize != 0 || spi+1 < slots {
		e.logf("cannot pass in %s at an offset=%d\n", what, off)
		return 0, einval
	}
	if spi >= len(e.fn(r).Stack) {
		return 0, erange
	}
	return spi, 0
}

// processDynptr checks a dynptr argument (process_dynptr_func).
func (e *env) processDynptr(regno, pc int, kind helper.ArgKind, cloneRef uint32) errno {
	r := &e.regs()[regno]
	if r.Type != PtrToStack && r.Type != ConstPtrToDynptr {
		e.logf("arg#%d expected pointer to stack or const struct bpf_dynptr\n", regno-1)
		return einval
	}
	flags := RegType(kind.Flags())
	if flags&MemUninit != 0 {
		bad := r.Type == ConstPtrToDynptr
		if !bad {
			_, err := e.dynptrSlot(r)
			bad = err != 0 && err != erange
		}
		if bad {
			e.logs("Dynptr has to be an uninitialized dynptr\n")
			return einval
		}
		for i := 0; i < dynptrSlots*regSize; i += regSize {
			if err := e.checkMem(pc, regno, i, regSize, writeAccess, -1, false, false); err != 0 {
				return err
			}
		}
		return e.makeDynptr(r, flags, pc, cloneRef)
	}
	if r.Type == ConstPtrToDynptr {
		if flags&MemRdonly == 0 {
			e.logs("cannot pass pointer to const bpf_dynptr, the helper mutates it\n")
			return einval
		}
	} else if !e.dynptrInit(r) {
		e.logf("Expected an initialized dynptr as arg #%d\n", regno-1)
		return einval
	}
	if kind&^helper.ArgKind(helper.MemRdonly) != helper.ArgPtrToDynptr {
		want := dynptrOf(flags)
		if got, err := e.dynptrTypeOf(r); err != 0 || got != want {
			e.logf("Expected a dynptr of type %s as arg #%d\n", want.String(), regno-1)
			return einval
		}
	}
	if r.Type == ConstPtrToDynptr {
		return 0
	}
	spi, err := e.dynptrSlot(r)
	if err != 0 {
		return err
	}
	f := e.fn(r)
	for _, s := range []*StackSlot{&f.Stack[spi], &f.Stack[spi-1]} {
		if err := e.noteRead(&s.Reg, liveRead64); err != 0 {
			return err
		}
	}
	return 0
}

// dynptrInit is is_dynptr_reg_valid_init for a dynptr on the stack.
func (e *env) dynptrInit(r *RegState) bool {
	spi, err := e.dynptrSlot(r)
	if err != 0 {
		return false
	}
	f := e.fn(r)
	if spi < 1 || f.Stack[spi].Reg.B == 0 {
		return false
	}
	for i := range regSize {
		if f.Stack[spi].Types[i] != SlotDynptr || f.Stack[spi-1].Types[i] != SlotDynptr {
			return false
		}
	}
	return true
}

func (e *env) dynptrTypeOf(r *RegState) (dynptrType, errno) {
	if r.Type == ConstPtrToDynptr {
		return dynptrType(r.A), 0
	}
	spi, err := e.dynptrSlot(r)
	if err != 0 {
		return 0, err
	}
	return dynptrType(e.fn(r).Stack[spi].Reg.A), 0
}

// makeDynptr makes two slots a dynptr (mark_stack_slots_dynptr).
func (e *env) makeDynptr(r *RegState, flags RegType, pc int, cloneRef uint32) errno {
	f := e.fn(r)
	spi, err := e.dynptrSlot(r)
	if err != 0 {
		return err
	}
	if err := e.destroyDynptr(f, spi); err != 0 {
		return err
	}
	if err := e.destroyDynptr(f, spi-1); err != 0 {
		return err
	}
	a, b := &f.Stack[spi], &f.Stack[spi-1]
	for i := range regSize {
		a.Types[i], b.Types[i] = SlotDynptr, SlotDynptr
	}
	t := dynptrOf(flags)
	if t == dynptrInvalid {
		return einval
	}
	id := e.newID()
	a.Reg.setDynptr(t, true, id)
	b.Reg.setDynptr(t, false, id)
	if t.refcounted() {
		ref := cloneRef
		if ref == 0 {
			ref = e.acquireRef(pc)
		}
		a.Reg.RefObjID, b.Reg.RefObjID = ref, ref
	}
	a.Reg.live |= liveWritten
	b.Reg.live |= liveWritten
	return 0
}

// releaseDynptr ends a dynptr, and with it all clones of its reference
// (unmark_stack_slots_dynptr).
func (e *env) releaseDynptr(r *RegState) errno {
	f := e.fn(r)
	spi, err := e.dynptrSlot(r)
	if err != 0 {
		return err
	}
	if !dynptrType(f.Stack[spi].Reg.A).refcounted() {
		e.clearDynptrSlots(f, spi)
		return 0
	}
	ref := f.Stack[spi].Reg.RefObjID
	e.release(ref)
	for i := 1; i < len(f.Stack); i++ {
		s := &f.Stack[i]
		if s.Reg.RefObjID != ref {
			continue
		}
		if s.Types[0] != SlotDynptr {
			e.logs("verifier internal error: misconfigured ref_obj_id\n")
			return efault
		}
		if s.Reg.B != 0 {
			e.clearDynptrSlots(f, i)
		}
	}
	return 0
}

// dynptrArg is the register of the call's only dynptr argument.
func (e *env) dynptrArg(m *callMeta) *RegState {
	for i, a := range m.proto.Args {
		if a.Base() == helper.ArgPtrToDynptr {
			return &e.regs()[i+1]
		}
	}
	return nil
}

func (e *env) dynptrArgType(m *callMeta) (dynptrType, errno) {
	r := e.dynptrArg(m)
	if r == nil {
		return 0, efault
	}
	return e.dynptrTypeOf(r)
}

// dynptrDataCall ties the slice that bpf_dynptr_data returns to its dynptr.
func (e *env) dynptrDataCall(m *callMeta) errno {
	r := e.dynptrArg(m)
	if r == nil {
		return efault
	}
	if m.refObjID != 0 {
		e.logs("verifier internal error: meta.ref_obj_id already set\n")
		return efault
	}
	if r.Type == ConstPtrToDynptr {
		m.dynptrID, m.refObjID = r.ID, r.RefObjID
		return 0
	}
	spi, err := e.dynptrSlot(r)
	if err != 0 {
		return err
	}
	s := &e.fn(r).Stack[spi].Reg
	m.dynptrID, m.refObjID = s.ID, s.RefObjID
	return 0
}

// kfuncDynptr checks a dynptr argument.
func (e *env) kfuncDynptr(m *kfuncMeta, r *RegState, i, pc int) errno {
	kind := helper.ArgPtrToDynptr
	if r.Type == ConstPtrToDynptr {
		kind |= helper.ArgKind(helper.MemRdonly)
	}
	uninit := strings.HasSuffix(m.proto.Param(i).Name, "__uninit")
	if uninit {
		kind |= helper.ArgKind(helper.MemUninit)
	}
	ref := uint32(0)
	switch {
	case m.is("bpf_dynptr_from_skb"):
		kind |= helper.ArgKind(helper.DynptrTypeSkb)
	case m.is("bpf_dynptr_from_xdp"):
		kind |= helper.ArgKind(helper.DynptrTypeXDP)
	case m.is("bpf_dynptr_clone") && uninit:
		kind |= helper.ArgKind(dynptrFlag(m.dyn.typ))
		ref = m.dyn.ref
	}
	if err := e.processDynptr(i+1, pc, kind, ref); err != 0 || uninit {
		return err
	}
	if r.Type == ConstPtrToDynptr {
		m.dyn.id, m.dyn.typ, m.dyn.ref = r.ID, dynptrType(r.A), r.RefObjID
		return 0
	}
	spi, err := e.dynptrSlot(r)
	if err != 0 {
		return err
	}
	s := &e.fn(r).Stack[spi].Reg
	m.dyn.id, m.dyn.typ, m.dyn.ref = s.ID, dynptrType(s.A), s.RefObjID
	return 0
}

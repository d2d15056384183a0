package verifier

import "skep/vm/maps"

// valueType is what a pointer to a map's value is once it is not NULL.
func valueType(t maps.Type) RegType {
	switch t {
	case maps.XSKMap:
		return PtrToXDPSock
	case maps.Sockmap, maps.SockHash:
		return PtrToSocket
	}
	return PtrToMapValue
}

// acquireRef notes a reference that must be released
// (acquire_reference_state).
func (e *env) acquireRef(insn int) uint32 {
	f := e.cur.cur()
	r := Ref{ID: e.newID(), Insn: insn}
	if f.inCallback {
		r.callback = f.FrameNo
	}
	f.Refs = append(f.Refs, r)
	return r.ID
}

// releaseRef forgets a reference of a frame; false when it has none such, or
// in a callback one of its caller (release_reference_state).
func releaseRef(f *FuncState, id uint32) bool {
	last := len(f.Refs) - 1
	for i := range f.Refs {
		if f.Refs[i].ID != id {
			continue
		}
		if f.inCallback && f.Refs[i].callback != f.FrameNo {
			return false
		}
		f.Refs[i] = f.Refs[last]
		f.Refs = f.Refs[:last]
		return true
	}
	return false
}

// release ends a reference: all registers that hold it are no pointers any
// more (release_reference).
func (e *env) release(id uint32) errno {
	if !releaseRef(e.cur.cur(), id) {
		return einval
	}
	e.cur.forEachReg(func(r *RegState) {
		if r.RefObjID == id {
			e.invalidate(r)
		}
	})
	return 0
}

// checkRefLeak reports references that would never be released.
func (e *env) checkRefLeak(exception bool) errno {
	f := e.cur.cur()
	if !exception && f.FrameNo != 0 && !f.inCallback {
		return 0
	}
	var err errno
	for _, r := range f.Refs {
		if !exception && f.inCallback && r.callback != f.FrameNo {
			continue
		}
		e.logf("Unreleased reference id=%d alloc_insn=%d\n", int32(r.ID), r.Insn)
		e.traceCheck(CheckKindReleased, -1, int64(r.ID), int64(r.Insn), int64(len(f.Refs)), true)
		err = einval
	}
	return err
}

// forgetPackets invalidates packet pointers after the packet may have moved
// (clear_all_pkt_pointers).
func (e *env) forgetPackets() {
	e.cur.forEachReg(func(r *RegState) {
		if r.Type.isPktAny() || r.Type.Base() == PtrToMem && r.Type&(DynptrTypeSkb|DynptrTypeXDP) != 0 {
			e.invalidate(r)
		}
	})
}

// forgetNonOwning invalidates non-owning references at the end of a critical
// section (invalidate_non_owning_refs).
func (e *env) forgetNonOwning() {
	e.cur.forEachReg(func(r *RegState) {
		if r.Type.isNonOwnRef() {
			e.invalidate(r)
		}
	})
}

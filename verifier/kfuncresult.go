package verifier

import (
	"skep/vm/btf"
)

// special reports whether the result is not what BTF says.
func (m *kfuncMeta) special() bool {
	switch m.name {
	case "bpf_obj_new_impl", "bpf_obj_drop_impl", "bpf_refcount_acquire_impl", "bpf_list_push_front_impl",
		"bpf_list_push_back_impl", "bpf_list_pop_front", "bpf_list_pop_back", "bpf_cast_to_kern_ctx",
		"bpf_rdonly_cast", "bpf_rbtree_remove", "bpf_rbtree_add_impl", "bpf_rbtree_first",
		"bpf_dynptr_from_skb", "bpf_dynptr_from_xdp", "bpf_dynptr_slice", "bpf_dynptr_slice_rdwr",
		"bpf_dynptr_clone", "bpf_percpu_obj_new_impl", "bpf_percpu_obj_drop_impl", "bpf_throw",
		"bpf_wq_set_callback_impl", "bpf_iter_css_task_new":
		return true
	}
	return false
}

func (m *kfuncMeta) mayBeNull() bool {
	if m.is("bpf_refcount_acquire_impl") && m.owning {
		return false
	}
	return m.flags&kfRetNull != 0
}

// kfuncResult makes r0 what the function returns.
func (e *env) kfuncResult(m *kfuncMeta, pc int) errno {
	spec := e.kbtf()
	r0 := &e.regs()[0]
	t := spec.Type(spec.Resolve(m.proto.Target()))
	switch k := t.Kind(); {
	case k == btf.KindInt || k.IsEnum():
		e.setUnknown(r0)
		e.useReg(0, t.Size())
		return 0
	case k != btf.KindPtr:
		return 0
	}
	to := spec.Type(spec.Resolve(t.Target()))
	switch {
	case m.special():
		if err := e.specialResult(m, r0); err != 0 {
			return err
		}
	case to.ID() == 0:
		e.setUnknown(r0)
	case to.Kind() != btf.KindStruct:
		if m.size == 0 {
			if n, ok := spec.Size(to.ID()); ok {
				m.size, m.rdonly = uint64(n), true
			}
		}
		if m.size == 0 {
			e.logf("kernel function %s returns pointer type %s %s is not supported\n", m.name, kindWord(to.Kind()), to.Name())
			return einval
		}
		r0.setKnown(0)
		r0.Type = PtrToMem
		r0.setMemSize(uint32(m.size))
		if m.rdonly {
			r0.Type |= MemRdonly
		}
		if m.refObjID != 0 {
			r0.RefObjID = m.refObjID
		}
	default:
		r0.setKnown(0)
		r0.Type = PtrToBTFID
		r0.setBTF(btfKernel, uint32(to.ID()))
		if m.flags&kfIterNext != 0 {
			if it := e.iterSlot(e.cur, m); it.Type&MemRCU != 0 {
				r0.Type |= MemRCU
			} else {
				r0.Type |= PtrTrusted
			}
		}
	}
	if m.mayBeNull() {
		r0.Type |= PtrMaybeNull
		r0.ID = e.newID()
	}
	e.useReg(0, 8)
	if m.flags&kfAcquire != 0 {
		id := e.acquireRef(pc)
		if m.mayBeNull() {
			r0.ID = id
		}
		r0.RefObjID = id
	} else if m.is("bpf_rbtree_first") {
		if err := e.setNonOwning(r0); err != 0 {
			return err
		}
	}
	if r0.ID == 0 && e.record(r0).has(fieldSpinLock) {
		r0.ID = e.newID()
	}
	return 0
}

func (e *env) specialResult(m *kfuncMeta, r0 *RegState) errno {
	spec := e.kbtf()
	switch m.name {
	case "bpf_obj_new_impl", "bpf_percpu_obj_new_impl":
		return e.newObject(m, r0)
	case "bpf_refcount_acquire_impl":
		r0.setKnown(0)
		r0.Type = PtrToBTFID | MemAlloc
		r0.setBTF(m.argBTF, m.argID)
	case "bpf_list_pop_front", "bpf_list_pop_back":
		r0.setGraphNode(m.listHead)
	case "bpf_rbtree_remove", "bpf_rbtree_first":
		r0.setGraphNode(m.rbRoot)
	case "bpf_cast_to_kern_ctx":
		r0.setKnown(0)
		r0.Type = PtrToBTFID | PtrTrusted
		r0.setBTF(btfKernel, m.retID)
	case "bpf_rdonly_cast":
		k := spec.Type(btf.ID(m.constant)).Kind()
		if m.constant >= uint64(spec.Len()) || k != btf.KindStruct && k != btf.KindUnion {
			e.logs("kfunc bpf_rdonly_cast type ID argument must be of a struct\n")
			return einval
		}
		r0.setKnown(0)
		r0.Type = PtrToBTFID | PtrUntrusted
		r0.setBTF(btfKernel, uint32(m.constant))
	case "bpf_dynptr_slice", "bpf_dynptr_slice_rdwr":
		r0.setKnown(0)
		if !m.constFound {
			return efault
		}
		r0.Type = PtrToMem | dynptrFlag(m.dyn.typ)
		r0.setMemSize(uint32(m.constant))
		if m.is("bpf_dynptr_slice") {
			r0.Type |= MemRdonly
		} else if !e.mayAccessPacket(nil, writeAccess) {
			e.logs("the prog does not allow writes to packet data\n")
			return einval
		}
		r0.setDynptrID(m.dyn.id)
	default:
		e.logf("kernel function %s unhandled dynamic return type\n", m.name)
		return efault
	}
	return 0
}

func dynptrFlag(t dynptrType) RegType {
	switch t {
	case dynptrLocal:
		return DynptrTypeLocal
	case dynptrRingbuf:
		return DynptrTypeRingbuf
	case dynptrSkb:
		return DynptrTypeSkb
	case dynptrXDP:
		return DynptrTypeXDP
	}
	return 0
}

// newObject is the result of bpf_obj_new and bpf_percpu_obj_new.
func (e *env) newObject(m *kfuncMeta, r0 *RegState) errno {
	percpu := m.is("bpf_percpu_obj_new_impl")
	if m.constant != uint64(uint32(m.constant)) {
		e.logs("local type ID argument must be in range [0, U32_MAX]\n")
		return einval
	}
	spec := e.prog.BTF
	if spec == nil || len(e.prog.FuncInfo) == 0 && len(e.prog.LineInfo) == 0 {
		e.logs("bpf_obj_new/bpf_percpu_obj_new requires prog BTF\n")
		return einval
	}
	t := spec.Type(btf.ID(m.constant))
	if m.constant >= uint64(spec.Len()) || t.Kind() != btf.KindStruct {
		e.logs("bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct\n")
		return einval
	}
	if percpu {
		const maxPercpu = 512 // BPF_GLOBAL_PERCPU_MA_MAX_SIZE
		if t.Size() > maxPercpu {
			e.logf("bpf_percpu_obj_new type size (%d) is greater than %d\n", int32(t.Size()), maxPercpu)
			return einval
		}
		if !e.scalarStruct(spec, t, 0) {
			e.logs("bpf_percpu_obj_new type ID argument must be of a struct of scalars\n")
			return einval
		}
		if e.objRecord(btfProg, uint32(m.constant)) != nil {
			e.logs("bpf_percpu_obj_new type ID argument must not contain special fields\n")
			return einval
		}
	}
	r0.setKnown(0)
	r0.Type = PtrToBTFID | MemAlloc
	r0.setBTF(btfProg, uint32(m.constant))
	if percpu {
		r0.Type |= MemPercpu
	}
	return 0
}

// scalarStruct reports whether a struct holds only numbers
// (__btf_type_is_scalar_struct).
func (e *env) scalarStruct(spec *btf.Spec, t btf.Type, depth int) bool {
	if k := t.Kind(); k != btf.KindStruct && k != btf.KindUnion {
		return false
	}
	scalar := func(k btf.Kind) bool { return k == btf.KindInt || k.IsEnum() }
	for i := range t.Vlen() {
		m := spec.Type(spec.Resolve(t.Member(i).Type))
		switch k := m.Kind(); {
		case k == btf.KindStruct || k == btf.KindUnion:
			if depth >= 3 {
				e.logs("max struct nesting depth exceeded\n")
				return false
			}
			if !e.scalarStruct(spec, m, depth+1) {
				return false
			}
		case k == btf.KindArray:
			a := m.Array()
			if a.Len == 0 || !scalar(spec.Kind(spec.Resolve(a.Elem))) {
				return false
			}
		case !scalar(k):
			return false
		}
	}
	return true
}

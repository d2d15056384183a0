package verifier

import (
	"strings"

	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/hook"
)

// checkKfuncArgs is check_kfunc_args.
func (e *env) checkKfuncArgs(m *kfuncMeta, pc int) errno {
	spec := e.kbtf()
	n := m.proto.Vlen()
	if n > 5 {
		e.logf("Function %s has %d > %d args\n", m.name, n, 5)
		return einval
	}
	for i := 0; i < n; i++ {
		p := m.proto.Param(i)
		regno := i + 1
		r := &e.regs()[regno]
		t := spec.Type(spec.Resolve(p.Type))
		if strings.HasSuffix(p.Name, "__ign") {
			continue
		}
		if k := t.Kind(); k == btf.KindInt || k.IsEnum() {
			if err := e.kfuncScalar(m, p, r, regno); err != 0 {
				return err
			}
			continue
		} else if k != btf.KindPtr {
			e.logf("Unrecognized arg#%d type %s\n", i, kindWord(k))
			return einval
		}
		if (m.trustedArgs() || m.flags&kfRCU != 0) && (r.isNull() || r.Type.MayBeNull()) && !strings.HasSuffix(p.Name, "__nullable") {
			e.logf("Possibly NULL pointer passed to trusted arg%d\n", i)
			e.traceRefused(CheckKindNotNull, i+1, "")
			return eacces
		}
		if r.RefObjID != 0 {
			if m.flags&kfRelease != 0 && m.refObjID != 0 {
				e.logf("verifier internal error: more than one arg with ref_obj_id R%d %u %u\n", regno, r.RefObjID, m.refObjID)
				return efault
			}
			m.refObjID = r.RefObjID
			if m.flags&kfRelease != 0 {
				m.releaseReg = regno
			}
		}
		to := spec.Type(spec.Resolve(t.Target()))
		kind, err := e.kfArgOf(m, t, to, i)
		if err != 0 {
			return err
		}
		if kind == kfArgNull {
			continue
		}
		if err := e.kfuncTrust(m, kind, r, regno); err != 0 {
			return err
		}
		off := helper.ArgDontcare
		if m.flags&kfRelease != 0 && r.RefObjID != 0 {
			off |= helper.ArgKind(helper.ObjRelease)
		}
		if err := e.checkArgOff(r, regno, off); err != 0 {
			return err
		}
		if err := e.kfuncPointer(m, kind, r, to, i, pc); err != 0 {
			return err
		}
		if kind == kfArgMemSize {
			i++
		}
	}
	if m.flags&kfRelease != 0 && m.releaseReg == 0 {
		e.logf("release kernel function %s expects refcounted PTR_TO_BTF_ID\n", m.name)
		return einval
	}
	return 0
}

// kfuncScalar checks a number.
func (e *env) kfuncScalar(m *kfuncMeta, p btf.Param, r *RegState, regno int) errno {
	if r.Type != ScalarValue {
		e.logf("R%d is not a scalar\n", regno)
		return einval
	}
	bufSize := false
	switch {
	case strings.HasSuffix(p.Name, "__k"):
		if m.constFound {
			return efault
		}
		if !r.VarOff.IsConst() {
			e.logf("R%d must be a known constant\n", regno)
			return einval
		}
		if err := e.markPrecise(regno); err != 0 {
			return err
		}
		m.constFound, m.constant = true, r.VarOff.Value
	case p.Name == "rdonly_buf_size":
		m.rdonly, bufSize = true, true
	case p.Name == "rdwr_buf_size":
		bufSize = true
	}
	if !bufSize {
		return 0
	}
	switch {
	case m.size != 0:
		e.logs("2 or more rdonly/rdwr_buf_size parameters for kfunc")
		return einval
	case !r.VarOff.IsConst():
		e.logf("R%d is not a const\n", regno)
		return einval
	}
	m.size = r.VarOff.Value
	if m.size > 1<<32-1 {
		e.logf("R%d rdonly/rdwr_buf_size exceeds u32 max\n", regno)
		return einval
	}
	return e.markPrecise(regno)
}

// kfuncTrust demands trusted or RCU pointers where the function does.
func (e *env) kfuncTrust(m *kfuncMeta, kind kfArg, r *RegState, regno int) errno {
	switch kind {
	case kfArgMap:
		switch {
		case r.Type.Base() == PtrToBTFID:
			// The kernel takes the pointer to BTF, which shares a union with
			// the map's, for a map; the struct is compared with bpf_map below.
			if m.mapHandle != 0 {
				return e.notModelled("kernel pointer where a kfunc wants a map")
			}
		case r.Type != ConstPtrToMap && r.Type.Base() != PtrToMapValue && r.Type.Base() != PtrToMapKey:
			e.logf("pointer in R%d isn't map pointer\n", regno)
			return einval
		}
		if m.mapHandle != 0 && e.mapOf(r.mapHandle()).rec.has(fieldWorkqueue) &&
			(m.mapHandle != r.mapHandle() || m.mapUID != r.mapUID()) {
			e.logf("workqueue pointer in R1 map_uid=%d doesn't match map pointer in R2 map_uid=%d\n", int32(m.mapUID), int32(r.mapUID()))
			return einval
		}
		m.mapHandle, m.mapUID = r.mapHandle(), r.mapUID()
	case kfArgAllocObj, kfArgBTFID:
	default:
		return 0
	}
	if !m.trustedArgs() && m.flags&kfRCU == 0 || r.trusted() {
		return 0
	}
	if m.flags&kfRCU == 0 {
		e.logf("R%d must be referenced or trusted\n", regno)
		return einval
	}
	if r.Type&MemRCU == 0 {
		e.logf("R%d must be a rcu pointer\n", regno)
		return einval
	}
	return 0
}

// kfuncPointer checks a pointer by kind.
func (e *env) kfuncPointer(m *kfuncMeta, kind kfArg, r *RegState, to btf.Type, i, pc int) errno {
	spec := e.kbtf()
	regno := i + 1
	bad := func(format string, args ...any) errno {
		e.logf(format, args...)
		return einval
	}
	mapOrObject := func() errno {
		if r.Type != PtrToMapValue && r.Type != PtrToBTFID|MemAlloc {
			return bad("arg#%d expected pointer to map value or allocated object\n", i)
		}
		if r.Type == PtrToBTFID|MemAlloc && r.RefObjID == 0 {
			return bad("allocated object must be referenced\n")
		}
		return 0
	}
	object := func() errno {
		if r.Type != PtrToBTFID|MemAlloc {
			return bad("arg#%d expected pointer to allocated object\n", i)
		}
		if r.RefObjID == 0 {
			return bad("allocated object must be referenced\n")
		}
		return 0
	}
	switch kind {
	case kfArgCtx:
		if r.Type != PtrToCtx {
			return bad("arg#%d expected pointer to ctx, but got %s\n", i, r.Type)
		}
		if m.is("bpf_cast_to_kern_ctx") {
			id := e.kernelCtx()
			if id == 0 {
				return e.notModelled("bpf_cast_to_kern_ctx")
			}
			m.retID = uint32(id)
		}
	case kfArgAllocObj:
		switch r.Type {
		case PtrToBTFID | MemAlloc:
			if !m.is("bpf_obj_drop_impl") {
				return bad("arg#%d expected for bpf_obj_drop_impl()\n", i)
			}
		case PtrToBTFID | MemAlloc | MemPercpu:
			if !m.is("bpf_percpu_obj_drop_impl") {
				return bad("arg#%d expected for bpf_percpu_obj_drop_impl()\n", i)
			}
		default:
			return bad("arg#%d expected pointer to allocated object\n", i)
		}
		if r.RefObjID == 0 {
			return bad("allocated object must be referenced\n")
		}
		m.argBTF, m.argID = r.btfHandle(), r.btfID()
	case kfArgDynptr:
		return e.kfuncDynptr(m, r, i, pc)
	case kfArgIter:
		if m.is("bpf_iter_css_task_new") && e.prog.Type != hook.LSM &&
			!(e.prog.Type == hook.Tracing && e.attachType() == hook.TraceIter) && !e.inSleepable() {
			return bad("css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs\n")
		}
		return e.iterArg(m, r, i, pc)
	case kfArgListHead:
		if err := mapOrObject(); err != 0 {
			return err
		}
		return e.graphRoot(m, r, regno, fieldListHead, &m.listHead)
	case kfArgRBRoot:
		if err := mapOrObject(); err != 0 {
			return err
		}
		return e.graphRoot(m, r, regno, fieldRBRoot, &m.rbRoot)
	case kfArgListNode:
		if err := object(); err != 0 {
			return err
		}
		return e.graphNode(m, r, regno, fieldListHead, fieldListNode, m.listHead)
	case kfArgRBNode:
		if m.is("bpf_rbtree_remove") {
			if !r.Type.isNonOwnRef() || r.RefObjID != 0 {
				return bad("rbtree_remove node input must be non-owning ref\n")
			}
			if e.inRBTreeCallback() {
				return bad("rbtree_remove not allowed in rbtree cb\n")
			}
		} else if err := object(); err != 0 {
			return err
		}
		return e.graphNode(m, r, regno, fieldRBRoot, fieldRBNode, m.rbRoot)
	case kfArgMap:
		to = spec.Type(e.kernelStruct("bpf_map"))
		return e.kfuncStruct(m, r, to, i)
	case kfArgBTFID:
		return e.kfuncStruct(m, r, to, i)
	case kfArgMem:
		size, ok := spec.Size(to.ID())
		if !ok || to.ID() == 0 {
			return bad("arg#%d reference type('%s %s') size cannot be determined: %ld\n", i, kindWord(to.Kind()), to.Name(), -22)
		}
		return e.checkMemReg(r, regno, size)
	case kfArgMemSize:
		size := &e.regs()[regno+1]
		if !r.isNull() || !strings.HasSuffix(m.proto.Param(i).Name, "__opt") {
			if err := e.kfuncMemSize(size, regno+1); err != 0 {
				e.logf("arg#%d arg#%d memory, len pair leads to invalid memory access\n", i, i+1)
				return err
			}
		}
		if e.memSizeArg(m.proto.Param(i+1), size, "__szk") {
			if m.constFound {
				return efault
			}
			if !size.VarOff.IsConst() {
				return bad("R%d must be a known constant\n", regno+1)
			}
			m.constFound, m.constant = true, size.VarOff.Value
		}
	case kfArgCallback:
		if r.Type != PtrToFunc {
			return bad("arg%d expected pointer to func\n", i)
		}
		m.sub = r.subprog()
	case kfArgRefcounted:
		if !r.Type.isAllocObj() {
			return bad("arg#%d is neither owning or non-owning ref\n", i)
		}
		if !r.Type.isNonOwnRef() && r.RefObjID != 0 {
			m.owning = true
		}
		rec := e.record(r)
		if rec == nil {
			e.logs("verifier internal error: Couldn't find btf_record\n")
			return efault
		}
		if !rec.has(fieldRefcount) {
			return bad("arg#%d doesn't point to a type with bpf_refcount field\n", i)
		}
		m.argBTF, m.argID = r.btfHandle(), r.btfID()
	case kfArgConstStr:
		if r.Type != PtrToMapValue {
			return bad("arg#%d doesn't point to a const string\n", i)
		}
		return e.checkConstStr(r, regno)
	case kfArgWorkqueue:
		if r.Type != PtrToMapValue {
			return bad("arg#%d doesn't point to a map value\n", i)
		}
		mp := e.mapOf(r.mapHandle())
		at, ok := mp.rec.offsetOf(fieldWorkqueue)
		if !ok {
			return e.notModelled("work queue of a map without one")
		}
		if off := int64(r.VarOff.Value) + int64(r.Off); off != int64(at) {
			return bad("off %lld doesn't point to 'struct bpf_wq' that is at %d\n", off, at)
		}
		m.mapHandle, m.mapUID = r.mapHandle(), r.mapUID()
	}
	return 0
}

// kfuncMemSize is check_kfunc_mem_size_reg.
func (e *env) kfuncMemSize(size *RegState, regno int) errno {
	mem := &e.regs()[regno-1]
	maybe := mem.Type.MayBeNull()
	saved := *mem
	if maybe {
		e.markNotNull(mem)
	}
	var m callMeta
	err := e.checkMemSize(size, regno, readAccess, true, &m)
	if err == 0 {
		err = e.checkMemSize(size, regno, writeAccess, true, &m)
	}
	if maybe {
		*mem = saved
	}
	return err
}

// kfuncStruct checks a typed pointer (process_kf_arg_ptr_to_btf_id).
func (e *env) kfuncStruct(m *kfuncMeta, r *RegState, to btf.Type, i int) errno {
	base := r.Type.Base()
	sock := sockStruct(base)
	if (base != PtrToBTFID || r.Type.unsafeModifiers() && r.Type&MemRCU == 0) && sock == "" {
		e.logf("arg#%d is %s expected %s or socket\n", i, r.Type, base|r.Type&trustedModifiers)
		return einval
	}
	h, id := r.btfHandle(), r.btfID()
	if base != PtrToBTFID {
		h, id = btfKernel, uint32(e.kernelStruct(sock))
	}
	spec := e.btfOf(h)
	strict := m.flags&kfRelease != 0 && r.RefObjID != 0 || nocastAlias(spec.Name(btf.ID(id)), to.Name())
	id = uint32(spec.Resolve(btf.ID(id)))
	same := e.structMatch(h, id, r.Off, btfKernel, uint32(to.ID()), strict, r.Type&MemAlloc == 0)
	name := spec.Name(btf.ID(id))
	projection := to.Name() == "__sk_buff" && name == "sk_buff" || to.Name() == "xdp_md" && name == "xdp_buff"
	if !same && !projection {
		e.logf("kernel function %s args#%d expected pointer to %s %s but R%d has a pointer to %s %s\n", m.name, i,
			kindWord(to.Kind()), to.Name(), i+1, kindWord(spec.Kind(btf.ID(id))), name)
		return einval
	}
	return 0
}

// nocastAlias reports whether one name is the other with "___init": such
// types must match strictly (btf_type_ids_nocast_alias).
func nocastAlias(a, b string) bool {
	const suffix = "___init"
	return a == b+suffix || b == a+suffix
}

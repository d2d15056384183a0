package verifier

import (
	"skep/vm/btf"
	"skep/vm/isa"
)

// graphNodes are the fields by which an object is in a list or tree.
const graphNodes = fieldListNode | fieldRBNode

// wholeBTF is how many types the whole BTF of a kernel has at least: a smaller
// one is a part (for a page, say), which cannot tell that the kernel lacks a
// type.
const wholeBTF = 1 << 15

// kptrTarget is the type that a kptr points to. The kernel looks it up by name
// among its own types first; what it does not have is the program's
// (btf_parse_kptr). spec is the BTF that declares the field. ok is false when
// that cannot be told, or the type is of another BTF than the program's.
func (e *env) kptrTarget(spec *btf.Spec, f *btfField) (h, id uint32, ok bool) {
	k := e.kbtf()
	if k == nil || spec == nil {
		return 0, 0, false
	}
	t := spec.Type(f.typ)
	if id, found := k.Lookup(t.Name(), t.Kind()); found {
		return btfKernel, uint32(id), true
	}
	return btfProg, uint32(f.typ), spec == e.prog.BTF && k.Len() >= wholeBTF
}

// rcuProtected reports whether the kernel frees objects of a type only after
// RCU readers are done (rcu_protected_object).
func (e *env) rcuProtected(h, id uint32) bool {
	if h != btfKernel {
		return true
	}
	switch e.btfTypeName(h, id) {
	case "prog_test_ref_kfunc", "cgroup", "bpf_cpumask", "task_struct", "bpf_crypto_ctx":
		return true
	}
	return false
}

// kptrFlags is what a kptr that is loaded from a map can be trusted with
// (btf_ld_kptr_type).
func (e *env) kptrFlags(f *btfField, h, id uint32) RegType {
	safe := f.kind == fieldKptrPercpu || f.kind == fieldKptrRef && e.rcuProtected(h, id)
	if !safe || !e.inRCU() {
		return PtrMaybeNull | PtrUntrusted
	}
	t := PtrMaybeNull | MemRCU
	switch {
	case f.kind == fieldKptrPercpu:
		t |= MemPercpu
	case h != btfKernel:
		t |= MemAlloc
	}
	if h != btfKernel && e.objRecord(h, id).has(graphNodes) {
		t |= NonOwnRef
	}
	return t
}

// checkMapKptr is a load or store of a kptr in a map's value
// (check_map_kptr_access).
func (e *env) checkMapKptr(m *mapState, f *btfField, pc, value int) errno {
	in := e.insns[pc]
	if in.Mode() != isa.ModeMem {
		e.logs("kptr in map can only be accessed using BPF_MEM instruction mode\n")
		return eacces
	}
	h, id, ok := e.kptrTarget(m.BTF, f)
	if !ok {
		return e.notModelled("kptr to a type of another BTF")
	}
	class := in.Class()
	if class != isa.ClassLDX && f.kind != fieldKptrUnref {
		e.logs("store to referenced kptr disallowed\n")
		return eacces
	}
	switch class {
	case isa.ClassLDX:
		if value >= 0 {
			e.loadBTF(&e.regs()[value], true, h, id, e.kptrFlags(f, h, id))
		}
	case isa.ClassSTX:
		r := &e.regs()[value]
		if r.isNull() {
			return e.markPrecise(value)
		}
		if e.matchKptr(f, h, id, r, value) != 0 {
			return eacces
		}
	case isa.ClassST:
		if in.Imm != 0 {
			e.logf("BPF_ST imm must be 0 when storing to kptr at off=%u\n", f.off)
			return eacces
		}
	default:
		e.logs("kptr in map can only be accessed using BPF_LDX/BPF_STX/BPF_ST\n")
		return eacces
	}
	return 0
}

// matchKptr checks that a register may be stored in a kptr whose type is id
// (map_kptr_match_type).
func (e *env) matchKptr(f *btfField, h, id uint32, r *RegState, regno int) errno {
	name := ""
	unref := f.kind == fieldKptrUnref
	fits := func() (bool, errno) {
		if r.Type.Base() != PtrToBTFID {
			return false, 0
		}
		allowed := PtrMaybeNull | MemAlloc
		if r.btfHandle() == btfKernel {
			allowed = PtrMaybeNull | PtrTrusted | MemRCU
			if unref {
				allowed |= PtrUntrusted
			}
		} else if f.kind == fieldKptrPercpu {
			allowed |= MemPercpu
		}
		if r.Type.Flags()&^allowed != 0 || (f.kind == fieldKptrPercpu) != (r.Type&MemPercpu != 0) {
			return false, 0
		}
		name = e.btfTypeName(r.btfHandle(), r.btfID())
		if e.checkPtrOff(r, regno, true) != 0 {
			return false, eacces
		}
		return e.structMatch(r.btfHandle(), r.btfID(), r.Off, h, id, !unref, r.Type&MemAlloc == 0), 0
	}
	ok, err := fits()
	if ok || err != 0 {
		return err
	}
	want := e.btfTypeName(h, id)
	e.logf("invalid kptr access, R%d type=%s%s ", regno, r.Type, name)
	e.logf("expected=%s%s", PtrToBTFID, want)
	if unref {
		e.logf(" or %s%s\n", PtrToBTFID|PtrUntrusted, want)
	} else {
		e.logs("\n")
	}
	return einval
}

// processKptr checks the place that bpf_kptr_xchg changes (process_kptr_func).
func (e *env) processKptr(regno int, m *callMeta) errno {
	r := &e.regs()[regno]
	spec := e.prog.BTF
	if r.Type == PtrToMapValue {
		mp := e.mapOf(r.mapHandle())
		if mp.BTF == nil {
			e.logf("map '%s' has to have BTF in order to use bpf_kptr_xchg\n", mp.Name)
			return einval
		}
		m.mapHandle = r.mapHandle()
		spec = mp.BTF
	}
	if !r.VarOff.IsConst() {
		e.logf("R%d doesn't have constant offset. kptr has to be at the constant offset\n", regno)
		return einval
	}
	rec := e.record(r)
	if !rec.has(fieldKptr) {
		e.logf("R%d has no valid kptr\n", regno)
		return einval
	}
	off := uint32(r.Off) + uint32(r.VarOff.Value)
	f := rec.find(off, fieldKptr)
	if f == nil {
		e.logf("off=%d doesn't point to kptr\n", int32(off))
		return eacces
	}
	if f.kind == fieldKptrUnref {
		e.logf("off=%d kptr isn't referenced kptr\n", int32(off))
		return eacces
	}
	var ok bool
	if m.retBTF, m.retBTFID, ok = e.kptrTarget(spec, f); !ok {
		return e.notModelled("kptr to a type of another BTF")
	}
	m.kptr = f
	return 0
}

// checkKptrArg is the type check of what bpf_kptr_xchg stores, of a register
// whose base is a BTF pointer.
func (e *env) checkKptrArg(r *RegState, regno int, m *callMeta) errno {
	switch r.Type {
	case PtrToBTFID, PtrToBTFID | PtrTrusted, PtrToBTFID | MemRCU, PtrToBTFID | MemAlloc, PtrToBTFID | MemAlloc | MemPercpu:
		if m.kptr == nil {
			return e.notModelled("kptr") // the destination is checked first
		}
		if e.matchKptr(m.kptr, m.retBTF, m.retBTFID, r, regno) != 0 {
			return eacces
		}
		return 0
	case PtrToBTFID | PtrTrusted | PtrMaybeNull, PtrToBTFID | PtrMaybeNull, PtrToBTFID | PtrMaybeNull | MemRCU:
		e.logf("Possibly NULL pointer passed to helper arg%d\n", regno)
		e.traceRefused(CheckKindNotNull, regno, "")
		return eacces
	}
	e.logs("verifier internal error: invalid PTR_TO_BTF_ID register for type match\n")
	return efault
}

// releaseKptr gives a reference away to a map or object. Per-CPU objects stay
// readable until the RCU section ends.
func (e *env) releaseKptr(id uint32) errno {
	rcu := e.inRCU()
	if !releaseRef(e.cur.cur(), id) {
		return einval
	}
	e.cur.forEachReg(func(r *RegState) {
		if r.RefObjID != id {
			return
		}
		if rcu && r.Type&MemAlloc != 0 && r.Type&MemPercpu != 0 {
			r.RefObjID = 0
			r.Type = r.Type&^MemAlloc | MemRCU
		} else {
			e.invalidate(r)
		}
	})
	return 0
}

// kptrResult is the pointer that bpf_kptr_xchg took out.
func (e *env) kptrResult(m *callMeta, r0 *RegState, flags RegType) {
	r0.setKnown(0)
	r0.Type = PtrToBTFID | flags
	if m.retBTF != btfKernel {
		r0.Type |= MemAlloc
		if m.kptr.kind == fieldKptrPercpu {
			r0.Type |= MemPercpu
		}
	}
	r0.setBTF(m.retBTF, m.retBTFID)
}

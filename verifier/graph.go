package verifier

import (
	"strings"

	"skep/vm/btf"
)

// setGraphNode makes r the node that a list or tree gives out
// (mark_reg_graph_node).
func (r *RegState) setGraphNode(root *btfField) {
	r.setKnown(0)
	r.Type = PtrToBTFID | MemAlloc
	r.setBTF(btfProg, uint32(root.value))
	r.Off = int32(root.nodeOff)
}

// objRecord are the fields of an allocated object's type.
func (e *env) objRecord(h, id uint32) *btfRecord {
	if h != btfProg || e.prog.BTF == nil {
		return nil
	}
	if rec, ok := e.records[id]; ok {
		return rec
	}
	if e.records == nil {
		e.records = map[uint32]*btfRecord{}
	}
	rec := parseStructRecord(e.prog.BTF, btf.ID(id))
	e.records[id] = rec
	return rec
}

// record is the record of what r points to (reg_btf_record).
func (e *env) record(r *RegState) *btfRecord {
	switch {
	case r.Type == PtrToMapValue:
		if m := e.mapOf(r.mapHandle()); m != nil {
			return m.rec
		}
	case r.Type.isAllocObj():
		return e.objRecord(r.btfHandle(), r.btfID())
	}
	return nil
}

// lockOf is the handle of what holds the lock of r's allocation.
func lockOf(r *RegState) uint32 {
	if r.Type == PtrToMapValue {
		return r.mapHandle()
	}
	return 1<<31 | r.btfHandle()
}

// inRBTreeCallback reports whether a frame is the comparison of a tree
// (in_rbtree_lock_required_cb).
func (e *env) inRBTreeCallback() bool {
	for i := e.cur.curframe; i > 0; i-- {
		f := e.cur.frame[i]
		if !f.inCallback || !isKfuncCall(e.insns[f.Callsite]) {
			continue
		}
		if k := e.kfuncAt(f.Callsite); k != nil && rbtreeKfunc(k.name) {
			return true
		}
	}
	return false
}

// graphRoot checks the head of a list or the root of a tree: its lock must be
// held (__process_kf_arg_ptr_to_graph_root).
func (e *env) graphRoot(m *kfuncMeta, r *RegState, regno int, kind fieldType, out **btfField) errno {
	word := kind.String()
	ok := kind == fieldListHead && listKfunc(m.name) || kind == fieldRBRoot && rbtreeKfunc(m.name)
	if !ok {
		e.logf("verifier internal error: %s head arg for unknown kfunc\n", word)
		return efault
	}
	if !r.VarOff.IsConst() {
		e.logf("R%d doesn't have constant offset. %s has to be at the constant offset\n", regno, word)
		return einval
	}
	rec := e.record(r)
	off := uint32(r.Off) + uint32(r.VarOff.Value)
	f := rec.find(off, kind)
	if f == nil {
		e.logf("%s not found at offset=%u\n", word, off)
		return einval
	}
	if e.cur.lockMap == 0 || e.cur.lockMap != lockOf(r) || e.cur.lockID != r.ID {
		if e.cur.lockMap != 0 {
			e.logs("held lock and object are not in the same allocation\n")
		}
		at, ok := rec.offsetOf(fieldSpinLock)
		if !ok {
			at = -22
		}
		e.logf("bpf_spin_lock at off=%d must be held for %s\n", at, word)
		return einval
	}
	*out = f
	return 0
}

// graphNode checks a node that is put into a list or tree, or taken out
// (__process_kf_arg_ptr_to_graph_node).
func (e *env) graphNode(m *kfuncMeta, r *RegState, regno int, head, node fieldType, root *btfField) errno {
	if !r.VarOff.IsConst() {
		e.logf("R%d doesn't have constant offset. %s has to be at the constant offset\n", regno, node.String())
		return einval
	}
	off := uint32(r.Off) + uint32(r.VarOff.Value)
	if e.record(r).find(off, node) == nil {
		e.logf("%s not found at offset=%u\n", node.String(), off)
		return einval
	}
	if root == nil {
		return efault
	}
	name := e.prog.BTF.Name(root.value)
	if r.btfHandle() != btfProg || r.btfID() != uint32(root.value) {
		e.logf("operation on %s expects arg#1 %s at offset=%d in struct %s, but arg is at offset=%d in struct %s\n",
			head.String(), node.String(), root.nodeOff, name, off, e.btfTypeName(r.btfHandle(), r.btfID()))
		return einval
	}
	m.argBTF, m.argID = r.btfHandle(), r.btfID()
	if off != root.nodeOff {
		e.logf("arg#1 offset=%d, but expected %s at offset=%d in struct %s\n", off, node.String(), root.nodeOff, name)
		return einval
	}
	return 0
}

// setNonOwning makes a pointer one that must not be released
// (ref_set_non_owning).
func (e *env) setNonOwning(r *RegState) errno {
	if e.cur.lockMap == 0 {
		e.logs("verifier internal error: ref_set_non_owning w/o active lock\n")
		return efault
	}
	if r.Type&NonOwnRef != 0 {
		e.logs("verifier internal error: NON_OWN_REF already set\n")
		return efault
	}
	rec := e.record(r)
	r.Type |= NonOwnRef
	if rec.has(fieldRefcount) {
		r.Type |= MemRCU
	}
	return 0
}

// disown makes the holders of a reference non-owning: the list or tree owns
// the object now (ref_convert_owning_non_owning).
func (e *env) disown(ref uint32) errno {
	if ref == 0 {
		e.logs("verifier internal error: ref_obj_id is zero for owning -> non-owning conversion\n")
		return efault
	}
	for _, x := range e.cur.cur().Refs {
		if x.ID != ref {
			continue
		}
		e.cur.forEachReg(func(r *RegState) {
			if r.RefObjID == ref {
				r.RefObjID = 0
				e.setNonOwning(r)
			}
		})
		return 0
	}
	e.logs("verifier internal error: ref state missing for ref_obj_id\n")
	return efault
}

func setRBTreeAddCallback(e *env, caller, callee *FuncState, _ int) errno {
	r := &caller.Regs[1]
	f := e.record(r).find(uint32(r.Off), fieldRBRoot)
	if f == nil || f.value == 0 {
		return efault
	}
	for i := 1; i <= 2; i++ {
		callee.Regs[i].setGraphNode(f)
		e.setNonOwning(&callee.Regs[i])
	}
	e.callbackArgs(callee, 3)
	return 0
}

// graphTag finds what the head of a list or tree contains: a tag
// "contains:struct:member" of its declaration (btf_find_graph_root).
func graphTag(s *btf.Spec, of btf.ID, component int, node string) (value btf.ID, off uint32, ok bool) {
	tag, found := declTag(s, of, component, "contains:")
	if !found {
		return 0, 0, false
	}
	name, member, found := strings.Cut(tag, ":")
	if !found || member == "" {
		return 0, 0, false
	}
	value, found = s.Lookup(name, btf.KindStruct)
	if !found {
		return 0, 0, false
	}
	m, found := s.Type(value).MemberByName(member)
	if !found || s.Name(m.Type) != node {
		return 0, 0, false
	}
	return value, m.Offset / 8, true
}

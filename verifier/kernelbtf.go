package verifier

import (
	"strings"

	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/maps"
)

// kbtf is the kernel's BTF, nil when there is none.
func (e *env) kbtf() *btf.Spec { return e.cfg.KernelBTF }

// kernelStruct is the id of a struct in the kernel's BTF, 0 when it has none.
func (e *env) kernelStruct(name string) btf.ID {
	k := e.kbtf()
	if k == nil || name == "" {
		return 0
	}
	id, _ := k.Lookup(name, btf.KindStruct)
	return id
}

// sameType reports whether two types are one (btf_types_are_same).
func sameType(h1, id1, h2, id2 uint32) bool { return h1 == h2 && id1 == id2 }

// structMatch reports whether a pointer to a struct, off bytes in, is one to
// the needed struct: itself or, unless strict, what begins at off in it
// (btf_struct_ids_match).
func (e *env) structMatch(h, id uint32, off int32, needH, needID uint32, strict, flex bool) bool {
	if off == 0 && sameType(h, id, needH, needID) {
		return true
	}
	spec := e.btfOf(h)
	if strict || spec == nil {
		return false
	}
	if off == -1 { // which the kernel adds to the size, 1, before it compares
		e.logf("struct %s doesn't have field at offset %d\n", spec.Name(btf.ID(id)), off)
		return false
	}
	at := uint32(off) // below zero it is far beyond the struct, which the walk says
	for range btf.MaxDepth {
		w, err := spec.StructWalk(btf.ID(id), at, 1, 0, flex)
		if err != nil {
			e.walkFailed(h, spec.Name(btf.ID(id)), err)
			return false
		}
		if w.Kind != btf.WalkStruct {
			return false
		}
		id, at = uint32(w.Type), 0
		if sameType(h, id, needH, needID) {
			return true
		}
	}
	return false
}

// walkFailed logs why a walk ended. A part of a kernel's types need not have all
// members of its structs: then the verdict is unknown.
func (e *env) walkFailed(h uint32, name string, err *btf.WalkError) {
	if h == btfKernel && e.kbtf().Len() < wholeBTF && !strings.HasPrefix(err.Msg, "access beyond struct") {
		e.notModelled("members of struct " + name)
	}
	e.logs(walkMessage(err))
	e.logs("\n")
}

// walkMessage is the kernel's text of a failed walk: it gives types without a
// name one.
func walkMessage(err *btf.WalkError) string {
	return strings.Replace(err.Msg, "struct  ", "struct (anon) ", 1)
}

// loadBTF makes a register what a load from a struct yields (mark_btf_ld_reg).
func (e *env) loadBTF(r *RegState, ptr bool, h, id uint32, flags RegType) {
	if !ptr {
		e.setUnknown(r)
		return
	}
	r.setKnown(0)
	r.Type = PtrToBTFID | flags
	r.setBTF(h, id)
	if flags.MayBeNull() {
		r.ID = e.newID()
	}
}

// ptrFlags are the flags of a pointer that a walk found.
func ptrFlags(f btf.PtrFlag) (t RegType) {
	if f&btf.PtrUser != 0 {
		t |= MemUser
	}
	if f&btf.PtrPercpu != 0 {
		t |= MemPercpu
	}
	if f&btf.PtrRCU != 0 {
		t |= MemRCU
	}
	if f&btf.PtrUntrusted != 0 {
		t |= PtrUntrusted
	}
	return t
}

// structAccess is btf_struct_access.
func (e *env) structAccess(r *RegState, off, size int) (w btf.Walk, ptr bool, err errno) {
	spec := e.btfOf(r.btfHandle())
	if spec == nil {
		return w, false, e.notModelled("access to a kernel struct")
	}
	alloc := r.Type&MemAlloc != 0
	if alloc {
		if rec := e.record(r); rec != nil {
			for i := range rec.fields {
				f := &rec.fields[i]
				if off < int(f.off+f.size) && int(f.off) < off+size {
					e.logf("direct access to %s is disallowed\n", f.kind.String())
					return w, false, eacces
				}
			}
		}
	}
	w, werr := spec.StructAccess(btf.ID(r.btfID()), uint32(off), uint32(size), !alloc)
	if werr != nil {
		e.walkFailed(r.btfHandle(), spec.Name(btf.ID(r.btfID())), werr)
		return w, false, errno(werr.Errno)
	}
	return w, w.Kind == btf.WalkPtr && !alloc, 0
}

// listsSafe reports whether Linux 6.12 has a type of the name: a part of its
// types need not.
func listsSafe(name string) bool {
	switch name {
	case "task_struct__safe_rcu", "cgroup__safe_rcu", "css_set__safe_rcu",
		"mm_struct__safe_rcu_or_null", "sk_buff__safe_rcu_or_null", "request_sock__safe_rcu_or_null",
		"bpf_iter_meta__safe_trusted", "bpf_iter__task__safe_trusted", "linux_binprm__safe_trusted",
		"file__safe_trusted", "dentry__safe_trusted", "socket__safe_trusted_or_null":
		return true
	}
	return false
}

// nested reports whether a member is listed in a type like "task_struct__safe_rcu",
// by which the kernel says which pointers of a struct can be trusted
// (btf_nested_type_is_trusted).
func (e *env) nested(r *RegState, w btf.Walk, suffix string) bool {
	spec := e.btfOf(r.btfHandle())
	t := spec.Type(btf.ID(r.btfID()))
	id, ok := spec.Lookup(t.Name()+suffix, t.Kind())
	if !ok {
		if r.btfHandle() == btfKernel && spec.Len() < wholeBTF && listsSafe(t.Name()+suffix) {
			e.notModelled("pointers of struct " + t.Name())
		}
		return false
	}
	safe := spec.Type(id)
	for i := range safe.Vlen() {
		m := safe.Member(i)
		mt := spec.Type(m.Type)
		if mt.Kind() == btf.KindPtr && m.Name == w.Field && spec.Resolve(mt.Target()) == w.Type {
			return true
		}
	}
	return false
}

// checkBTFAccess is an access to a kernel struct or an allocated object
// (check_ptr_to_btf_access).
func (e *env) checkBTFAccess(regno, off, size int, kind accessKind, value int) errno {
	r := &e.regs()[regno]
	spec := e.btfOf(r.btfHandle())
	if spec == nil {
		return e.notModelled("access to a kernel struct")
	}
	name := spec.Name(btf.ID(r.btfID()))
	kernel := r.btfHandle() == btfKernel
	switch {
	case !e.allowPtrLeaks:
		e.logf("'struct %s' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN\n", name)
		return eperm
	case !e.gpl && kernel:
		e.logf("Cannot access kernel 'struct %s' from non-GPL compatible program\n", name)
		return einval
	case off < 0:
		e.logf("R%d is ptr_%s invalid negative access: off=%d\n", regno, name, off)
		return eacces
	case !r.VarOff.Is(0):
		e.logf("R%d is ptr_%s invalid variable offset: off=%d, var_off=%s\n", regno, name, off, r.VarOff)
		return eacces
	case r.Type&MemUser != 0:
		e.logf("R%d is ptr_%s access user memory: off=%d\n", regno, name, off)
		return eacces
	case r.Type&MemPercpu != 0:
		e.logf("R%d is ptr_%s access percpu memory: off=%d\n", regno, name, off)
		return eacces
	case kind == writeAccess && r.Type&PtrUntrusted != 0:
		e.logs("only read is supported\n")
		return eacces
	}
	if kind == writeAccess && r.Type&MemAlloc == 0 && e.writesStructs() {
		return e.writeStruct(r, off, size)
	}
	if kind == writeAccess && !r.Type.isAllocObj() {
		e.logs("only read is supported\n")
		return eacces
	}
	if r.Type&MemAlloc != 0 && !r.Type.isNonOwnRef() && r.Type&MemRCU == 0 && r.RefObjID == 0 {
		e.logs("verifier internal error: ref_obj_id for allocated object must be non-zero\n")
		return efault
	}
	w, ptr, err := e.structAccess(r, off, size)
	if err != 0 {
		return err
	}
	flags := ptrFlags(w.Flags)
	if ptr {
		flags = e.walkTrust(r, w, flags)
	}
	if kind == readAccess && value >= 0 {
		e.loadBTF(&e.regs()[value], ptr, r.btfHandle(), uint32(w.Type), flags)
	}
	return 0
}

// writesStructs reports whether the program's type allows some stores to
// kernel structs (btf_struct_access of its operations).
func (e *env) writesStructs() bool {
	switch e.prog.Type.String() {
	case "sched_cls", "sched_act", "xdp", "struct_ops":
		return true
	}
	return false
}

// walkTrust is how far a pointer that was read from a struct can be trusted.
func (e *env) walkTrust(r *RegState, w btf.Walk, flags RegType) RegType {
	switch {
	case r.Type&PtrUntrusted != 0:
		return PtrUntrusted
	case !r.trusted() && r.Type&MemRCU == 0:
		return flags &^ (trustedModifiers | MemRCU)
	case e.nested(r, w, "__safe_trusted"):
		return flags | PtrTrusted
	case e.nested(r, w, "__safe_trusted_or_null"):
		return flags | PtrTrusted | PtrMaybeNull
	case !e.inRCU() || r.Type.MayBeNull():
		return PtrUntrusted
	case e.nested(r, w, "__safe_rcu"):
		return flags | MemRCU
	}
	orNull := e.nested(r, w, "__safe_rcu_or_null")
	switch {
	case flags&MemRCU != 0 || orNull:
		flags |= MemRCU | PtrMaybeNull
		if orNull {
			flags &^= PtrUntrusted
		}
	case flags&(MemPercpu|MemUser) != 0:
	default:
		flags &^= trustedModifiers | MemRCU
	}
	return flags
}

// mapStruct is the struct that the kernel has for maps of a type
// (map_btf_name).
func mapStruct(t maps.Type) string {
	switch t {
	case maps.Array, maps.PerCPUArray, maps.ProgArray, maps.PerfEventArray, maps.CgroupArray, maps.ArrayOfMaps:
		return "bpf_array"
	case maps.Hash, maps.LRUHash, maps.PerCPUHash, maps.LRUPerCPUHash, maps.HashOfMaps:
		return "bpf_htab"
	case maps.LPMTrie:
		return "lpm_trie"
	case maps.Ringbuf, maps.UserRingbuf:
		return "bpf_ringbuf_map"
	case maps.StackTrace:
		return "bpf_stack_map"
	case maps.Queue, maps.Stack:
		return "bpf_queue_stack"
	case maps.Devmap, maps.DevmapHash:
		return "bpf_dtab"
	case maps.Sockmap:
		return "bpf_stab"
	case maps.SockHash:
		return "bpf_shtab"
	case maps.CPUMap:
		return "bpf_cpu_map"
	case maps.XSKMap:
		return "xsk_map"
	case maps.SkStorage, maps.InodeStorage, maps.TaskStorage, maps.CgrpStorage:
		return "bpf_local_storage_map"
	case maps.CgroupStorage, maps.PerCPUCgroupStorage:
		return "bpf_cgroup_storage_map"
	case maps.ReuseportSockArray:
		return "reuseport_array"
	case maps.BloomFilter:
		return "bpf_bloom_filter"
	case maps.Arena:
		return "bpf_arena"
	}
	return ""
}

// checkMapStruct is an access to struct bpf_map itself
// (check_ptr_to_map_access).
func (e *env) checkMapStruct(regno, off, size int, kind accessKind, value int) errno {
	r := &e.regs()[regno]
	name := mapStruct(e.mapOf(r.mapHandle()).Type)
	if !e.allowPtrLeaks && name != "" {
		e.logf("'struct %s' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN\n", name)
		return eperm
	}
	id := e.kernelStruct(name)
	if id == 0 {
		return e.notModelled("access to struct bpf_map")
	}
	if off < 0 {
		e.logf("R%d is %s invalid negative access: off=%d\n", regno, name, off)
		return eacces
	}
	if kind != readAccess {
		e.logf("only read from %s is supported\n", name)
		return eacces
	}
	var m RegState
	m.Type = PtrToBTFID
	m.setBTF(btfKernel, uint32(id))
	w, ptr, err := e.structAccess(&m, off, size)
	if err != 0 {
		return err
	}
	if value >= 0 {
		e.loadBTF(&e.regs()[value], ptr, btfKernel, uint32(w.Type), ptrFlags(w.Flags))
	}
	return 0
}

// checkArgBTF is the part of check_reg_type for kernel pointers.
func (e *env) checkArgBTF(r *RegState, regno, arg int, kind helper.ArgKind, m *callMeta) errno {
	if m.fn == fnKptrXchg {
		if regno == 1 {
			return 0
		}
		return e.checkKptrArg(r, regno, m)
	}
	if kind.Base() != helper.ArgPtrToBTFID && kind.Base() != helper.ArgPtrToBTFIDSockCommon &&
		kind.Base() != helper.ArgPtrToPercpuBTFID && kind.Base() != helper.ArgPtrToSpinLock {
		// Memory arguments.
		if kind.Flags()&helper.MemRdonly == 0 {
			e.logf("%s() may write into memory pointed by R%d type=%s\n", helperWord(m.fn), regno, r.Type)
			return eacces
		}
		return 0
	}
	switch r.Type {
	case PtrToBTFID, PtrToBTFID | PtrTrusted, PtrToBTFID | PtrTrusted | PtrMaybeNull, PtrToBTFID | MemRCU,
		PtrToBTFID | PtrMaybeNull, PtrToBTFID | PtrMaybeNull | MemRCU:
	case PtrToBTFID | MemPercpu, PtrToBTFID | MemPercpu | MemRCU, PtrToBTFID | MemPercpu | PtrTrusted:
		return 0
	case PtrToBTFID | MemAlloc, PtrToBTFID | MemPercpu | MemAlloc:
		if m.fn == fnSpinLock || m.fn == fnSpinUnlock {
			return 0
		}
		return e.notModelled("allocated object passed to a helper")
	default:
		return e.notModelled("allocated object passed to a helper")
	}
	release := kind.Flags()&helper.ObjRelease != 0
	if r.Type.MayBeNull() && (kind.Flags()&helper.PtrMaybeNull == 0 || release) {
		e.logf("Possibly NULL pointer passed to helper arg%d\n", regno)
		e.traceRefused(CheckKindNotNull, regno, "")
		return eacces
	}
	name := "sock_common"
	if kind.Base() == helper.ArgPtrToBTFID && m.needID == 0 {
		name = helper.BTFID(m.proto.Extra[arg]).Name()
	}
	need := e.kernelStruct(name)
	if m.needID != 0 {
		need, name = btf.ID(m.needID), e.btfTypeName(btfKernel, m.needID)
	}
	if need == 0 {
		return e.notModelled("kernel pointer passed to a helper")
	}
	if !e.structMatch(r.btfHandle(), r.btfID(), r.Off, btfKernel, uint32(need), release && m.fn != fnSkRelease, r.Type&MemAlloc == 0) {
		e.logf("R%d is of type %s but %s is expected\n", regno, e.btfTypeName(r.btfHandle(), r.btfID()), name)
		return eacces
	}
	return 0
}

// resolveKsym finds the kernel variable that the wide load at pc names
// (check_pseudo_btf_id).
func (e *env) resolveKsym(pc int) errno {
	k := e.kbtf()
	name := ""
	for i := range e.prog.Ksyms {
		if e.prog.Ksyms[i].Insn == pc {
			name = e.prog.Ksyms[i].Name
		}
	}
	if k == nil || name == "" || e.insns[pc+1].Imm != 0 {
		return e.notModelled("kernel variable")
	}
	a := &e.aux[pc]
	id, ok := k.Lookup(name, btf.KindVar)
	if !ok {
		if _, ok := k.Lookup(name, btf.KindFunc); !ok {
			return e.notModelled("kernel variable")
		}
		a.btfType = PtrToMem | MemRdonly
		return 0
	}
	typ := k.Type(id).Target()
	if ds, ok := k.Lookup(".data..percpu", btf.KindDatasec); ok {
		sec := k.Type(ds)
		for i := range sec.Vlen() {
			if sec.SecVar(i).Type == id {
				a.btfType, a.btfID = PtrToBTFID|MemPercpu, uint32(typ)
				return 0
			}
		}
	}
	t := k.Type(k.Resolve(typ))
	if t.Kind() == btf.KindStruct || t.Kind() == btf.KindUnion {
		a.btfType, a.btfID = PtrToBTFID, uint32(typ)
		return 0
	}
	size, ok := k.Size(t.ID())
	if !ok {
		e.logf("ldimm64 unable to resolve the size of type '%s': %ld\n", t.Name(), -22)
		return einval
	}
	a.btfType, a.memSize = PtrToMem|MemRdonly, size
	return 0
}

package verifier

import (
	"strings"

	"skep/vm/btf"
	"skep/vm/isa"
)

// kfunc is a kernel function that a call names.
type kfunc struct {
	*kfuncRow
	id    btf.ID
	proto btf.Type
}

// kfuncMeta is what a call of a kernel function comes to
// (struct bpf_kfunc_call_arg_meta).
type kfuncMeta struct {
	*kfunc
	refObjID   uint32
	releaseReg int
	rdonly     bool // r0 is read-only memory
	size       uint64
	sub        int
	constFound bool
	constant   uint64
	argBTF     uint32
	argID      uint32
	owning     bool
	listHead   *btfField
	rbRoot     *btfField
	dyn        struct {
		typ     dynptrType
		id, ref uint32
	}
	iterSPI   int
	iterFrame uint32
	mapHandle uint32
	mapUID    uint32
	retID     uint32
}

func (k *kfunc) is(name string) bool { return k.name == name }

// kfuncAt is the kernel function that the instruction calls, nil when the call
// was left unresolved.
func (e *env) kfuncAt(pc int) *kfunc {
	i, ok := e.kfuncIdx[pc]
	if !ok {
		return nil
	}
	return e.kfuncs[i]
}

// addKfuncCall notes the kernel function that the call at pc names.
func (e *env) addKfuncCall(pc int) errno {
	in := e.insns[pc]
	if !e.gpl {
		e.logs("cannot call kernel function from non-GPL compatible program\n")
		return einval
	}
	if in.Imm == 0 && in.Off == 0 {
		return 0 // a weak one that this kernel does not have
	}
	k := e.kbtf()
	if k == nil {
		return e.notModelled("kfunc without kernel BTF")
	}
	name := ""
	for i := range e.prog.Kfuncs {
		if e.prog.Kfuncs[i].Insn == pc {
			name = e.prog.Kfuncs[i].Name
		}
	}
	if name == "" || in.Off != 0 {
		return e.notModelled("kfunc of a module")
	}
	if strings.HasPrefix(name, "bpf_xdp_metadata_rx_") {
		// Programs bound to a device are not modelled: Flags has no such bit.
		e.logs("metadata kfuncs require device-bound program\n")
		return einval
	}
	id, ok := k.Lookup(name, btf.KindFunc)
	if !ok {
		return e.notModelled("kfunc that is not in the kernel's BTF")
	}
	row := findKfunc(name)
	if row == nil {
		if strings.HasPrefix(name, "scx_") || strings.HasPrefix(name, "hid_") || strings.HasPrefix(name, "bpf_") {
			return e.notModelled("kfunc " + name)
		}
		row = &kfuncRow{name: name}
	}
	if e.kfuncIdx == nil {
		e.kfuncIdx = map[int]int{}
	}
	for i, f := range e.kfuncs {
		if f.id == id {
			e.kfuncIdx[pc] = i
			return 0
		}
	}
	e.kfuncIdx[pc] = len(e.kfuncs)
	e.kfuncs = append(e.kfuncs, &kfunc{row, id, k.Type(k.Type(id).Target())})
	return 0
}

// allowedKfunc reports whether the program's type may call it
// (btf_kfunc_id_set_contains).
func (e *env) allowedKfunc(k *kfunc) bool {
	return k.hooks&(hookCommon|hookOf(e.prog.Type)) != 0 && (!k.filter || e.kfuncFilter(k.name))
}

// syncCallbackAt reports whether the instruction calls a function of the
// program through the kernel before it goes on.
func (e *env) syncCallbackAt(pc int) bool {
	in := e.insns[pc]
	if isHelperCall(in) {
		return syncCallback(in.Imm)
	}
	if !isKfuncCall(in) {
		return false
	}
	k := e.kfuncAt(pc)
	return k != nil && k.is("bpf_rbtree_add_impl")
}

func (e *env) isThrow(pc int) bool {
	if !isKfuncCall(e.insns[pc]) {
		return false
	}
	k := e.kfuncAt(pc)
	return k != nil && k.is("bpf_throw")
}

func listKfunc(name string) bool {
	switch name {
	case "bpf_list_push_front_impl", "bpf_list_push_back_impl", "bpf_list_pop_front", "bpf_list_pop_back":
		return true
	}
	return false
}

func rbtreeKfunc(name string) bool {
	switch name {
	case "bpf_rbtree_add_impl", "bpf_rbtree_remove", "bpf_rbtree_first":
		return true
	}
	return false
}

// graphKfunc reports whether the function may be called with a lock held.
func graphKfunc(name string) bool {
	return listKfunc(name) || rbtreeKfunc(name) || name == "bpf_refcount_acquire_impl"
}

// kfuncMarks are the marks of a call for checkCFG.
func (e *env) kfuncMarks(pc int) {
	k := e.kfuncAt(pc)
	if k == nil {
		return
	}
	a := &e.aux[pc]
	if k.is("bpf_wq_set_callback_impl") {
		a.prunePoint = true
	}
	if e.syncCallbackAt(pc) {
		a.callsCallback, a.forceCheckpoint, a.prunePoint, a.jmpPoint = true, true, true, true
	}
	if k.flags&kfIterNext != 0 && e.allowedKfunc(k) {
		a.prunePoint, a.forceCheckpoint = true, true
	}
}

// kfuncFastcall is the clobber mask of a call that keeps other registers.
func (e *env) kfuncFastcall(pc int) (mask uint32, inline bool) {
	k := e.kfuncAt(pc)
	if k == nil || !e.allowedKfunc(k) {
		return callerSaved, false
	}
	if k.proto.Target() != 0 {
		mask |= 1
	}
	for i := range k.proto.Vlen() {
		mask |= 2 << i
	}
	return mask & callerSaved, k.is("bpf_cast_to_kern_ctx") || k.is("bpf_rdonly_cast")
}

// useReg notes the size of a register that a call reads or writes
// (mark_btf_func_reg_size).
func (e *env) useReg(regno int, size uint32) {
	r := &e.regs()[regno]
	switch {
	case regno == 0:
		r.live |= liveWritten
		r.subregDef = int32(e.insnIdx) + 1
		if size == 8 {
			r.subregDef = notSubreg
		}
	case size == 8:
		r.subregDef = notSubreg
		e.markRead1(r, r.parent, liveRead64)
	default:
		e.markRead1(r, r.parent, liveRead32)
	}
}

// checkKfuncCall is check_kfunc_call. throws says that the call does not
// return.
func (e *env) checkKfuncCall(in isa.Insn) (throws bool, err errno) {
	k := e.kfuncAt(e.insnIdx)
	if k == nil {
		return false, 0
	}
	if !e.allowedKfunc(k) {
		e.logf("calling kernel function %s is not allowed\n", k.name)
		return false, eacces
	}
	pc := e.insnIdx
	m := &kfuncMeta{kfunc: k}
	e.aux[pc].iterNext = k.flags&kfIterNext != 0
	sleeps := k.flags&kfSleepable != 0
	if sleeps && !e.inSleepable() {
		e.logf("program must be sleepable to call sleepable kfunc %s\n", k.name)
		return false, eacces
	}
	if err := e.checkKfuncArgs(m, pc); err != 0 {
		return false, err
	}
	if err := e.kfuncCallback(in, pc, m); err != 0 {
		return false, err
	}
	if k.is("bpf_session_cookie") {
		m.size = 8
	}
	if err := e.kfuncRegions(m, sleeps); err != 0 {
		return false, err
	}
	notAcquired := func() errno {
		e.logf("kfunc %s#%d reference has not been acquired before\n", k.name, uint32(k.id))
		return einval
	}
	regs := e.regs()
	if m.releaseReg != 0 {
		if e.release(regs[m.releaseReg].RefObjID) != 0 {
			return false, notAcquired()
		}
	}
	switch k.name {
	case "bpf_list_push_front_impl", "bpf_list_push_back_impl", "bpf_rbtree_add_impl":
		ref := regs[2].RefObjID
		if err := e.disown(ref); err != 0 {
			e.logf("kfunc %s#%d conversion of owning ref to non-owning failed\n", k.name, uint32(k.id))
			return false, err
		}
		if e.release(ref) != 0 {
			return false, notAcquired()
		}
	case "bpf_throw":
		e.seenThrow = true
		if e.exCB == 0 {
			if err := e.checkReturnCode(1, "R1"); err != 0 {
				return false, err
			}
		}
		throws = true
	}
	for i := 0; i <= 5; i++ {
		e.setNotInit(&regs[i])
	}
	if err := e.kfuncResult(m, pc); err != 0 {
		return false, err
	}
	spec := e.kbtf()
	for i := range k.proto.Vlen() {
		t := spec.Type(spec.Resolve(k.proto.Param(i).Type))
		size := t.Size()
		if t.Kind() == btf.KindPtr {
			size = 8
		}
		e.useReg(i+1, size)
	}
	if k.flags&kfIterNext != 0 {
		return false, e.iterNextCall(pc, m)
	}
	return throws, 0
}

func (e *env) kfuncCallback(in isa.Insn, pc int, m *kfuncMeta) errno {
	var setup calleeSetup
	switch m.name {
	case "bpf_rbtree_add_impl":
		setup = setRBTreeAddCallback
	case "bpf_wq_set_callback_impl":
		setup = setTimerCallback
	default:
		return 0
	}
	if err := e.pushCallback(in, pc, m.sub, setup); err != 0 {
		e.logf("kfunc %s#%d failed callback verification\n", m.name, uint32(m.id))
		return err
	}
	return 0
}

// kfuncRegions follows critical sections: RCU and disabled preemption.
func (e *env) kfuncRegions(m *kfuncMeta, sleeps bool) errno {
	lock, unlock := m.is("bpf_rcu_read_lock"), m.is("bpf_rcu_read_unlock")
	st := e.cur
	switch {
	case st.rcuLock:
		if e.inRBTreeCallback() && (lock || unlock) {
			e.logs("Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback\n")
			return eacces
		}
		switch {
		case lock:
			e.logf("nested rcu read lock (kernel function %s)\n", m.name)
			return einval
		case unlock:
			e.endRCU()
			st.rcuLock = false
		case sleeps:
			e.logf("kernel func %s is sleepable within rcu_read_lock region\n", m.name)
			return eacces
		}
	case lock:
		st.rcuLock = true
	case unlock:
		e.logf("unmatched rcu read unlock (kernel function %s)\n", m.name)
		return einval
	}
	disable, enable := m.is("bpf_preempt_disable"), m.is("bpf_preempt_enable")
	switch {
	case disable:
		st.preempt++
	case st.preempt != 0:
		if enable {
			st.preempt--
		} else if sleeps {
			e.logf("kernel func %s is sleepable within non-preemptible region\n", m.name)
			return eacces
		}
	case enable:
		e.logf("unmatched attempt to enable preemption (kernel function %s)\n", m.name)
		return einval
	}
	return 0
}

// endRCU makes pointers that were valid in an RCU section untrusted.
func (e *env) endRCU() {
	f := func(r *RegState) {
		if r.Type&MemRCU != 0 {
			r.Type &^= MemRCU | PtrMaybeNull
			r.Type |= PtrUntrusted
		}
	}
	e.cur.forEachReg(f)
	for _, fr := range e.cur.Frames() {
		for i := range fr.Stack {
			if fr.Stack[i].Types[regSize-1] == SlotIter {
				f(&fr.Stack[i].Reg)
			}
		}
	}
}

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

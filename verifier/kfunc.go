package verifier

import (
	"strings"

	"skep/vm/btf"
	"skep/vm/helper"
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
	return k.hooks&(helper.KfuncCommon|helper.KfuncHook(e.prog.Type)) != 0 && (!k.filter || e.kfuncFilter(k.name))
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
		e.noteRead(r, liveRead64)
	default:
		e.noteRead(r, liveRead32)
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

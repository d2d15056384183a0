package verifier

import (
	"strings"

	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// callMeta is what the arguments of a helper call say together
// (struct bpf_call_arg_meta).
type callMeta struct {
	mapHandle  uint32
	mapUID     uint32
	rawMode    bool // the memory argument may be uninitialized
	pktAccess  bool
	releaseReg int
	regno      int // of memory that the helper fills
	accessSize int
	memSize    uint32
	sizeMax    uint64 // msize_max_value
	refObjID   uint32
	dynptrID   uint32
	fn         int32
	sub        int // callback
	retBTF     uint32
	retBTFID   uint32
	kptr       *btfField // that bpf_kptr_xchg changes
	perCPUObj  bool      // a per-CPU object of the program
	needID     uint32    // kernel struct that a parameter of a function names
	proto      *helper.Proto
}

// helperProto is the prototype of a helper that the program may call, nil
// otherwise.
func (e *env) helperProto(id int32) *helper.Proto {
	switch helper.Permission(e.caller, int(id)) {
	case helper.DenyInvalid, helper.DenyType:
		return nil
	}
	return helper.ProtoFor(e.prog.Type, e.attachType(), int(id))
}

// checkHelperCall is check_helper_call.
func (e *env) checkHelperCall(in isa.Insn) errno {
	id := in.Imm
	c := e.caller
	c.Sleepable = e.inSleepable()
	if id == fnGetFuncIP && e.prog.Type == hook.Kprobe {
		// Of the prototypes for probes only that of single kprobes is GPL only.
		switch e.attachType() {
		case hook.TraceKprobeMulti, hook.TraceUprobeMulti, hook.TraceKprobeSession:
			c.GPL = true
		}
	}
	d := helper.Permission(c, int(id))
	if d == helper.Allowed && !e.structOpsHelper(id) {
		d = helper.DenyType
	}
	if d != helper.Allowed {
		if d == helper.DenyType || d == helper.DenyInvalid {
			e.logf("%s%s#%d\n", denyPrefix(d), helperWord(id), id)
		} else {
			e.logs(d.Message(int(id)))
			e.logs("\n")
		}
		return einval
	}
	p := helper.ProtoFor(e.prog.Type, e.attachType(), int(id))
	if p.Flags.Has(helper.HasAllowed) {
		if err := e.helperAllowed(id); err != 0 {
			return err
		}
	}
	changes := p.Flags.Has(helper.MayChangePacket)
	sleeps := p.Flags.Has(helper.MightSleep)
	switch {
	case e.cur.rcuLock && sleeps:
		e.logf("sleepable helper %s#%d in rcu_read_lock region\n", helperWord(id), id)
		return einval
	case e.cur.preempt != 0 && sleeps:
		e.logf("sleepable helper %s#%d in non-preemptible region\n", helperWord(id), id)
		return einval
	}
	m := callMeta{pktAccess: p.Flags.Has(helper.PktAccess), fn: id, proto: p}
	pc := e.insnIdx
	for i := range p.Args {
		if err := e.checkArg(i, &m, pc); err != 0 {
			return err
		}
	}
	if err := e.recordMap(&m, pc); err != 0 {
		return err
	}
	if err := e.recordKey(&m); err != 0 {
		return err
	}
	// What the helper fills is written byte by byte.
	for i := range m.accessSize {
		if err := e.checkMem(pc, m.regno, i, 1, writeAccess, -1, false, false); err != 0 {
			return err
		}
	}
	if err := e.releaseArg(&m); err != 0 {
		return err
	}
	if err := e.specialCall(in, pc, &m, &changes); err != 0 {
		return err
	}
	regs := e.regs()
	e.clearCallerSaved(regs)
	regs[0].subregDef = notSubreg
	if err := e.helperResult(&m, pc); err != 0 {
		return err
	}
	if err := e.checkMapFunc(&m); err != 0 {
		return err
	}
	if id == fnGetFuncIP && e.prog.Type == hook.Tracing {
		switch e.attachType() {
		case hook.TraceFentry, hook.TraceFexit, hook.ModifyReturn:
		default:
			e.logf("func %s#%d supported only for fentry/fexit/fmod_ret programs\n", helperWord(id), id)
			return enotsupp
		}
	}
	if id == fnGetFuncIP && e.prog.Type != hook.Kprobe && e.prog.Type != hook.Tracing {
		e.logf("func %s#%d not supported for program type %d\n", helperWord(id), id, int(e.prog.Type))
		return enotsupp
	}
	if changes {
		e.forgetPackets()
	}
	return 0
}

func denyPrefix(d helper.Denial) string {
	if d == helper.DenyInvalid {
		return "invalid func "
	}
	return "program of this type cannot use helper "
}

// helperAllowed is the allowed() check of a helper.
func (e *env) helperAllowed(id int32) errno {
	ok := true
	switch id {
	case fnDPath:
		switch e.prog.Type {
		case hook.Tracing:
			ok = e.attachType() == hook.TraceIter || contains(dPathTargets[:], e.attach.name)
		case hook.LSM:
			ok = lsmHook(lsmSleepable[:], e.attach.name)
		}
	case fnImaInodeHash, fnImaFileHash:
		ok = lsmHook(lsmSleepable[:], e.attach.name)
	case fnSkStorageGet, fnSkStorageDelete:
		switch e.attachType() {
		case hook.TraceIter, hook.TraceRawTp:
		case hook.TraceFentry, hook.TraceFexit:
			ok = !strings.HasPrefix(e.attach.name, "bpf_sk_storage")
		default:
			ok = false
		}
	default:
		return e.notModelled("helper with a check of its own")
	}
	if !ok {
		e.logs("helper call is not allowed in probe\n")
		return einval
	}
	return 0
}

// dPathTargets are the functions whose programs may call bpf_d_path
// (btf_allowlist_d_path).
var dPathTargets = [...]string{
	"security_file_permission", "security_inode_getattr", "security_file_open", "security_path_truncate",
	"vfs_truncate", "vfs_fallocate", "dentry_open", "vfs_getattr", "filp_close",
}

// recordMap notes the map that a call works on (record_func_map).
func (e *env) recordMap(m *callMeta, pc int) errno {
	switch m.fn {
	case fnTailCall, fnMapLookupElem, fnMapUpdateElem, fnMapDeleteElem, fnMapPushElem, fnMapPopElem,
		fnMapPeekElem, fnForEachMapElem, fnRedirectMap, fnMapLookupPercpuElem:
	default:
		return 0
	}
	mp := e.mapOf(m.mapHandle)
	if mp == nil {
		e.logs("kernel subsystem misconfigured verifier\n")
		return einval
	}
	if mp.Flags&maps.FlagRdonlyProg != 0 {
		switch m.fn {
		case fnMapDeleteElem, fnMapUpdateElem, fnMapPushElem, fnMapPopElem:
			e.logs("write into map forbidden\n")
			return eacces
		}
	}
	a := &e.aux[pc]
	if a.callMap != 0 && a.callMap != m.mapHandle {
		a.callMapPoison = true
	}
	a.callMap = m.mapHandle
	return 0
}

// recordKey makes a constant index of a tail call precise (record_func_key).
func (e *env) recordKey(m *callMeta) errno {
	if m.fn != fnTailCall {
		return 0
	}
	mp := e.mapOf(m.mapHandle)
	if mp == nil || mp.Type != maps.ProgArray {
		e.logs("kernel subsystem misconfigured verifier\n")
		return einval
	}
	r := &e.regs()[3]
	if !r.isConstScalar(false) || r.VarOff.Value >= uint64(mp.MaxEntries) {
		return 0
	}
	return e.markPrecise(3)
}

// releaseArg ends the reference that the helper releases.
func (e *env) releaseArg(m *callMeta) errno {
	if m.releaseReg == 0 {
		return 0
	}
	r := &e.regs()[m.releaseReg]
	err := einval
	switch {
	case m.proto.Args[m.releaseReg-1].Base() == helper.ArgPtrToDynptr:
		if r.Type == ConstPtrToDynptr {
			e.logs("verifier internal error: CONST_PTR_TO_DYNPTR cannot be released\n")
			return efault
		}
		err = e.releaseDynptr(r)
	case m.refObjID != 0 && m.fn == fnKptrXchg:
		err = e.releaseKptr(m.refObjID)
	case m.refObjID != 0:
		err = e.release(m.refObjID)
	case r.isNull():
		err = 0
	}
	if err != 0 {
		e.logf("func %s#%d reference has not been acquired before\n", helperWord(m.fn), m.fn)
	}
	return err
}

// specialCall is what single helpers demand or do.
func (e *env) specialCall(in isa.Insn, pc int, m *callMeta, changes *bool) errno {
	regs := e.regs()
	switch m.fn {
	case fnTailCall:
		if e.cur.lockMap != 0 {
			e.logs("tail_call cannot be used inside bpf_spin_lock-ed region\n")
			return einval
		}
		if err := e.checkRefLeak(false); err != 0 {
			e.logs("tail_call would lead to reference leak\n")
			return err
		}
		if e.cur.rcuLock {
			e.logs("tail_call cannot be used inside bpf_rcu_read_lock-ed region\n")
			return einval
		}
		if e.cur.preempt != 0 {
			e.logs("tail_call cannot be used inside bpf_preempt_disable-ed region\n")
			return einval
		}
	case fnGetLocalStorage:
		if !regs[2].isNull() {
			e.logs("get_local_storage() doesn't support non-zero flags\n")
			return einval
		}
		return e.markPrecise(2)
	case fnForEachMapElem:
		return e.pushCallback(in, pc, m.sub, setMapElemCallback)
	case fnTimerSetCallback:
		return e.pushCallback(in, pc, m.sub, setTimerCallback)
	case fnFindVMA:
		return e.pushCallback(in, pc, m.sub, setFindVMACallback)
	case fnUserRingbufDrain:
		return e.pushCallback(in, pc, m.sub, setUserRingbufCallback)
	case fnLoop:
		e.noteLoop(m.sub)
		if err := e.markPrecise(1); err != 0 {
			return err
		}
		if f := e.cur.cur(); uint64(f.callbackDepth) < regs[1].UMax {
			return e.pushCallback(in, pc, m.sub, setLoopCallback)
		} else {
			f.callbackDepth = 0
		}
		if e.log.level&LogLevel2 != 0 {
			e.logf("frame%d bpf_loop iteration limit reached\n", e.cur.curframe)
		}
	case fnSnprintf:
		return e.checkSnprintf()
	case fnDynptrFromMem:
		if regs[1].Type != PtrToMapValue {
			e.logf("Unsupported reg type %s for bpf_dynptr_from_mem data\n", regs[1].Type)
			return eacces
		}
	case fnSetRetval:
		if e.prog.Type == hook.LSM {
			if e.attachType() == hook.LSMCgroup && e.voidTarget() {
				e.logs("BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!\n")
				return einval
			}
		}
	case fnDynptrData:
		return e.dynptrDataCall(m)
	case fnDynptrWrite:
		t, err := e.dynptrArgType(m)
		if err != 0 {
			return err
		}
		*changes = *changes || t == dynptrSkb
	case fnPerCPUPtr, fnThisCPUPtr:
		if regs[1].Type&MemRCU != 0 {
			spec := e.btfOf(regs[1].btfHandle())
			if spec == nil || !spec.Kind(btf.ID(regs[1].btfID())).IsComposite() {
				e.logs("Helper has invalid btf/btf_id in R1\n")
				return efault
			}
			m.perCPUObj = true
		}
	}
	return 0
}

// acquires reports whether the helper returns a reference to release
// (is_acquire_function).
func (e *env) acquires(m *callMeta) bool {
	switch m.fn {
	case fnSkLookupTCP, fnSkLookupUDP, fnSkcLookupTCP, fnRingbufReserve, fnKptrXchg:
		return true
	case fnMapLookupElem:
		if mp := e.mapOf(m.mapHandle); mp != nil {
			return mp.Type == maps.Sockmap || mp.Type == maps.SockHash
		}
	}
	return false
}

// helperResult makes r0 what the helper returns.
func (e *env) helperResult(m *callMeta, pc int) errno {
	r0 := &e.regs()[0]
	ret := m.proto.Ret
	flags := RegType(ret.Flags())
	switch ret.Base() {
	case helper.RetInteger:
		e.setUnknown(r0)
	case helper.RetVoid:
		r0.Type = NotInit
	case helper.RetPtrToMapValue:
		r0.setKnown(0)
		mp := e.mapOf(m.mapHandle)
		if mp == nil {
			e.logs("kernel subsystem misconfigured verifier\n")
			return einval
		}
		r0.setMap(m.mapHandle, m.mapUID)
		r0.Type = PtrToMapValue | flags
		if !r0.Type.MayBeNull() && mp.rec.has(fieldSpinLock) {
			r0.ID = e.newID()
		}
	case helper.RetPtrToSocket, helper.RetPtrToSockCommon, helper.RetPtrToTCPSock:
		r0.setKnown(0)
		r0.Type = sockResult(ret.Base()) | flags
	case helper.RetPtrToMem:
		r0.setKnown(0)
		r0.Type = PtrToMem | flags
		r0.setMemSize(m.memSize)
	case helper.RetPtrToBTFID:
		if m.fn == fnKptrXchg {
			e.kptrResult(m, r0, flags)
			break
		}
		id := e.kernelStruct(m.proto.RetBTF.Name())
		if id == 0 {
			return e.notModelled("helper that returns a kernel pointer")
		}
		r0.setKnown(0)
		r0.Type = PtrToBTFID | flags
		r0.setBTF(btfKernel, uint32(id))
	case helper.RetPtrToMemOrBTFID:
		if err := e.percpuResult(m, r0, flags); err != 0 {
			return err
		}
	default:
		return e.notModelled("helper that returns a kernel pointer")
	}
	if r0.Type.MayBeNull() {
		r0.ID = e.newID()
	}
	switch {
	case m.fn == fnDynptrData:
		r0.setDynptrID(m.dynptrID)
		r0.RefObjID = m.refObjID
	case ptrCast(m.fn):
		r0.RefObjID = m.refObjID
	case e.acquires(m):
		id := e.acquireRef(pc)
		r0.ID, r0.RefObjID = id, id
	}
	return e.refineResult(m, r0)
}

func sockResult(k helper.RetKind) RegType {
	switch k {
	case helper.RetPtrToSocket:
		return PtrToSocket
	case helper.RetPtrToSockCommon:
		return PtrToSockCommon
	}
	return PtrToTCPSock
}

// refineResult is do_refine_retval_range.
func (e *env) refineResult(m *callMeta, r *RegState) errno {
	const maxErrno = 4095
	if m.proto.Ret != helper.RetInteger {
		return 0
	}
	switch m.fn {
	case fnGetStack, fnGetTaskStack, fnProbeReadStr, fnProbeReadKernelStr, fnProbeReadUserStr:
		r.SMax, r.S32Max = int64(m.sizeMax), int32(m.sizeMax)
		r.SMin, r.S32Min = -maxErrno, -maxErrno
		r.sync()
	case fnGetSmpProcessorID:
		n := max(e.cfg.CPUs, 1) - 1
		r.UMin, r.UMax, r.SMin, r.SMax = 0, uint64(n), 0, int64(n)
		r.U32Min, r.U32Max, r.S32Min, r.S32Max = 0, uint32(n), 0, int32(n)
		r.sync()
	}
	return e.sanity(r, "retval")
}

// percpuResult is what bpf_per_cpu_ptr and bpf_this_cpu_ptr return.
func (e *env) percpuResult(m *callMeta, r0 *RegState, flags RegType) errno {
	spec := e.btfOf(m.retBTF)
	if spec == nil {
		return e.notModelled("kernel per-CPU variable")
	}
	r0.setKnown(0)
	t := spec.Type(spec.Resolve(btf.ID(m.retBTFID)))
	if k := t.Kind(); k == btf.KindStruct || k == btf.KindUnion {
		r0.Type = PtrToBTFID | flags&^MemRdonly
		if m.perCPUObj {
			r0.Type = PtrToBTFID | MemAlloc | MemRCU
		}
		r0.setBTF(m.retBTF, m.retBTFID)
		return 0
	}
	size, ok := spec.Size(t.ID())
	if !ok {
		e.logf("unable to resolve the size of type '%s': %ld\n", t.Name(), -22)
		return einval
	}
	r0.Type = PtrToMem | flags
	r0.setMemSize(size)
	return 0
}

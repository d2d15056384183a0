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
		e.traceRefused(CheckKindHelper, -1, helperWord(id))
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
	k := e.keyOf(id)
	for i := range p.Args {
		if err := e.checkArg(i, &m, pc); err != 0 {
			return err
		}
	}
	if err := e.recordMap(&m, pc); err != 0 {
		return err
	}
	if err := e.learnKey(&m, k); err != 0 {
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
		e.learnTailCall()
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

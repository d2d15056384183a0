package verifier

import (
	"skep/vm/hook"
)

// checkCtx is an access to the context.
func (e *env) checkCtx(pc, ptr, off, size int, kind accessKind, value int, sx bool) errno {
	r := &e.regs()[ptr]
	if err := e.checkLeak(value, kind, "ctx"); err != 0 {
		return err
	}
	if err := e.checkPtrOff(r, ptr, false); err != 0 {
		return err
	}
	what, ok := hook.Access(hook.Program{Type: e.prog.Type, Attach: e.attachType(), CapBPF: e.bpfCapable}, off, size, kind == writeAccess, sx)
	if e.prog.Type == hook.LSM {
		// For these the kernel asks BTF alone, and that about stores too.
		what, ok = hook.LoadByBTF, true
	}
	var byBTF RegState
	retval := false
	if ok && what == hook.LoadByBTF {
		byBTF, retval, ok = e.ctxByBTF(off, size)
	}
	if !ok {
		e.logf("invalid bpf_context access off=%d size=%d\n", off, size)
		e.traceCheck(CheckKindCtx, ptr, int64(off), int64(off+size), 0, true)
		e.printLine(pc, "; ")
		return eacces
	}
	if kind != readAccess || value < 0 {
		return 0
	}
	v := &e.regs()[value]
	t := ctxTypes[what]
	switch what {
	case hook.LoadByBTF:
		t = byBTF.Type
	case hook.LoadSkBuff, hook.LoadNFHookState:
		name := "sk_buff"
		if what == hook.LoadNFHookState {
			name = "nf_hook_state"
		}
		id := e.kernelStruct(name)
		if id == 0 {
			return e.notModelled("kernel pointer in the context")
		}
		byBTF.setBTF(btfKernel, uint32(id))
	}
	if t == ScalarValue {
		e.setUnknown(v)
		if retval && !e.voidTarget() {
			rr := e.lsmRange()
			v.clampS32(rr.min, rr.max)
			v.clampS64(int64(rr.min), int64(rr.max))
			v.sync()
			return e.sanity(v, "s32_range")
		}
		return 0
	}
	v.setKnown(0)
	if t.MayBeNull() {
		v.ID = e.newID()
	}
	v.subregDef = notSubreg
	if t.Base() == PtrToBTFID {
		v.setBTF(byBTF.btfHandle(), byBTF.btfID())
	}
	v.Type = t
	return 0
}

// ctxTypes is what a load from the context yields, by hook.Loaded.
var ctxTypes = [...]RegType{
	hook.LoadScalar:           ScalarValue,
	hook.LoadPkt:              PtrToPacket,
	hook.LoadPktMeta:          PtrToPacketMeta,
	hook.LoadPktEnd:           PtrToPacketEnd,
	hook.LoadSock:             PtrToSocket,
	hook.LoadSockOrNull:       PtrToSocket | PtrMaybeNull,
	hook.LoadSockCommonOrNull: PtrToSockCommon | PtrMaybeNull,
	hook.LoadFlowKeys:         PtrToFlowKeys,
	hook.LoadTPBuffer:         PtrToTPBuffer,
	hook.LoadSkBuff:           PtrToBTFID | PtrTrusted,
	hook.LoadNFHookState:      PtrToBTFID | PtrTrusted,
	hook.LoadByBTF:            PtrToBTFID,
}

package verifier

import (
	"skep/vm/btf"
	"skep/vm/helper"
	"skep/vm/maps"
)

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

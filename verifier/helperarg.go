package verifier

import (
	"bytes"

	"skep/vm/helper"
	"skep/vm/maps"
)

// argTypes are the registers that an argument takes, by its base kind
// (compatible_reg_types). A register must be one of them exactly.
var argTypes = [...][]RegType{
	helper.ArgPtrToMapKey:          memTypes,
	helper.ArgPtrToMapValue:        memTypes,
	helper.ArgConstSize:            {ScalarValue},
	helper.ArgConstSizeOrZero:      {ScalarValue},
	helper.ArgConstAllocSizeOrZero: {ScalarValue},
	helper.ArgScalar:               {ScalarValue},
	helper.ArgConstMapPtr:          {ConstPtrToMap},
	helper.ArgPtrToCtx:             {PtrToCtx},
	helper.ArgPtrToSockCommon:      {PtrToSockCommon, PtrToSocket, PtrToTCPSock, PtrToXDPSock},
	helper.ArgPtrToBTFIDSockCommon: {PtrToSockCommon, PtrToSocket, PtrToTCPSock, PtrToXDPSock, PtrToBTFID, PtrToBTFID | PtrTrusted},
	helper.ArgPtrToSocket:          {PtrToSocket},
	helper.ArgPtrToBTFID:           {PtrToBTFID, PtrToBTFID | PtrTrusted, PtrToBTFID | MemRCU},
	helper.ArgPtrToSpinLock:        {PtrToMapValue, PtrToBTFID | MemAlloc},
	helper.ArgPtrToMem:             memTypes,
	helper.ArgPtrToRingbufMem:      {PtrToMem | MemRingbuf},
	helper.ArgPtrToPercpuBTFID:     {PtrToBTFID | MemPercpu, PtrToBTFID | MemPercpu | MemRCU, PtrToBTFID | MemPercpu | PtrTrusted},
	helper.ArgPtrToFunc:            {PtrToFunc},
	helper.ArgPtrToStack:           {PtrToStack},
	helper.ArgPtrToConstStr:        {PtrToMapValue},
	helper.ArgPtrToTimer:           {PtrToMapValue},
	helper.ArgKptrXchgDest:         {PtrToMapValue, PtrToBTFID | MemAlloc},
	helper.ArgPtrToDynptr:          {PtrToStack, ConstPtrToDynptr},
}

var memTypes = []RegType{
	PtrToStack, PtrToPacket, PtrToPacketMeta, PtrToMapKey, PtrToMapValue, PtrToMem, PtrToMem | MemRingbuf,
	PtrToBuf, PtrToBTFID | PtrTrusted,
}

// checkRegType is check_reg_type.
func (e *env) checkRegType(regno int, kind helper.ArgKind, m *callMeta) errno {
	r := &e.regs()[regno]
	t := r.Type
	var want []RegType
	if b := kind.Base(); int(b) < len(argTypes) {
		want = argTypes[b]
	}
	if want == nil {
		e.logf("verifier internal error: unsupported arg type %d\n", uint32(kind))
		return efault
	}
	if kind.Flags()&helper.MemRdonly != 0 {
		t &^= MemRdonly
	}
	if kind.Flags()&helper.PtrMaybeNull != 0 {
		t &^= PtrMaybeNull
	}
	if kind.Base() == helper.ArgPtrToMem {
		t &^= dynptrTypeMask
	}
	if m.fn == fnKptrXchg && t&MemAlloc != 0 && regno == 2 {
		t &^= MemAlloc | MemPercpu
	}
	ok := false
	for _, w := range want {
		if t == w {
			ok = true
			break
		}
	}
	if !ok {
		e.logf("R%d type=%s expected=", regno, r.Type)
		for i, w := range want {
			if i > 0 {
				e.logs(", ")
			}
			e.logf("%s", w)
		}
		e.logs("\n")
		e.traceArgType(regno, want)
		return eacces
	}
	if r.Type.Base() == PtrToBTFID {
		return e.checkArgBTF(r, regno, regno-1, kind, m)
	}
	return 0
}

// checkArgOff is check_func_arg_reg_off.
func (e *env) checkArgOff(r *RegState, regno int, kind helper.ArgKind) errno {
	t := r.Type
	if kind.Flags()&helper.ObjRelease != 0 {
		if kind.Base() == helper.ArgPtrToDynptr && t == PtrToStack {
			return 0
		}
		if r.Off != 0 {
			e.logf("R%d must have zero offset when passed to release func or trusted arg to kfunc\n", regno)
			return einval
		}
		return e.checkPtrOff(r, regno, false)
	}
	switch t {
	case PtrToStack, PtrToPacket, PtrToPacketMeta, PtrToMapKey, PtrToMapValue, PtrToMem, PtrToMem | MemRdonly,
		PtrToMem | MemRingbuf, PtrToBuf, PtrToBuf | MemRdonly, PtrToArena, ScalarValue:
		return 0
	case PtrToBTFID, PtrToBTFID | MemAlloc, PtrToBTFID | PtrTrusted, PtrToBTFID | MemRCU,
		PtrToBTFID | MemAlloc | NonOwnRef, PtrToBTFID | MemAlloc | NonOwnRef | MemRCU:
		return e.checkPtrOff(r, regno, true)
	}
	return e.checkPtrOff(r, regno, false)
}

// checkArg is check_func_arg.
func (e *env) checkArg(i int, m *callMeta, pc int) errno {
	kind := m.proto.Args[i]
	regno := i + 1
	if kind == helper.ArgDontcare {
		return 0
	}
	if err := e.checkReg(regno, srcOp); err != 0 {
		return err
	}
	r := &e.regs()[regno]
	if kind == helper.ArgAnything {
		if e.isPointer(regno) {
			e.logf("R%d leaks addr into helper function\n", regno)
			e.traceRefused(CheckKindNoLeak, regno, "a helper")
			return eacces
		}
		return 0
	}
	if r.Type.isPkt() && !e.mayAccessPacket(m, readAccess) {
		e.logs("helper access to the packet is not allowed\n")
		return eacces
	}
	if kind.Base() == helper.ArgPtrToMapValue {
		var err errno
		if kind, err = e.mapArgKind(m, kind); err != 0 {
			return err
		}
	}
	nullable := kind.Flags()&helper.PtrMaybeNull != 0
	if r.isNull() && nullable {
		if err := e.markPrecise(regno); err != 0 {
			return err
		}
	} else {
		if err := e.checkRegType(regno, kind, m); err != 0 {
			return err
		}
		if err := e.checkArgOff(r, regno, kind); err != 0 {
			return err
		}
	}
	if kind.Flags()&helper.ObjRelease != 0 {
		if err := e.checkReleaseArg(r, regno, kind, m); err != 0 {
			return err
		}
	}
	if r.RefObjID != 0 && kind.Base() != helper.ArgKptrXchgDest {
		if m.refObjID != 0 {
			e.logf("verifier internal error: more than one arg with ref_obj_id R%d %u %u\n", regno, r.RefObjID, m.refObjID)
			return efault
		}
		m.refObjID = r.RefObjID
	}
	return e.checkArgKind(i, kind, r, regno, m, pc)
}

// mapArgKind is what a value argument takes for some map types
// (resolve_map_arg_type).
func (e *env) mapArgKind(m *callMeta, kind helper.ArgKind) (helper.ArgKind, errno) {
	mp := e.mapOf(m.mapHandle)
	if mp == nil {
		e.logs("invalid map_ptr to access map->type\n")
		return kind, eacces
	}
	switch mp.Type {
	case maps.Sockmap, maps.SockHash:
		if kind != helper.ArgPtrToMapValue {
			e.logs("invalid arg_type for sockmap/sockhash\n")
			return kind, einval
		}
		return helper.ArgPtrToBTFIDSockCommon, 0
	case maps.BloomFilter:
		if m.fn == fnMapPeekElem {
			return helper.ArgPtrToMapValue, 0
		}
	}
	return kind, 0
}

func (e *env) checkReleaseArg(r *RegState, regno int, kind helper.ArgKind, m *callMeta) errno {
	switch {
	case kind.Base() == helper.ArgPtrToDynptr:
		if r.Type != PtrToStack {
			e.logs("cannot release unowned const bpf_dynptr\n")
			return einval
		}
		spi, err := e.dynptrSlot(r)
		if err != 0 || e.fn(r).Stack[spi].Reg.RefObjID == 0 {
			e.logf("arg %d is an unacquired reference\n", regno)
			return einval
		}
	case r.RefObjID == 0 && !r.isNull():
		e.logf("R%d must be referenced when passed to release function\n", regno)
		return einval
	}
	if m.releaseReg != 0 {
		e.logs("verifier internal error: more than one release argument\n")
		return efault
	}
	m.releaseReg = regno
	return 0
}

func kindAccess(k helper.ArgKind) accessKind {
	if k.Flags()&helper.MemWrite != 0 {
		return writeAccess
	}
	return readAccess
}

// checkArgKind is the last part of check_func_arg, by kind.
func (e *env) checkArgKind(i int, kind helper.ArgKind, r *RegState, regno int, m *callMeta, pc int) errno {
	mp := e.mapOf(m.mapHandle)
	switch kind.Base() {
	case helper.ArgConstMapPtr:
		if mp != nil && (m.mapHandle != r.mapHandle() || m.mapUID != r.mapUID()) {
			e.logf("timer pointer in R1 map_uid=%d doesn't match map pointer in R2 map_uid=%d\n", int32(m.mapUID), int32(r.mapUID()))
			return einval
		}
		m.mapHandle, m.mapUID = r.mapHandle(), r.mapUID()
	case helper.ArgPtrToMapKey:
		if mp == nil {
			e.logs("invalid map_ptr to access map->key\n")
			return eacces
		}
		return e.checkHelperMem(regno, int(mp.KeySize), readAccess, false, nil)
	case helper.ArgPtrToMapValue:
		if kind.Flags()&helper.PtrMaybeNull != 0 && r.isNull() {
			return 0
		}
		if mp == nil {
			e.logs("invalid map_ptr to access map->value\n")
			return eacces
		}
		m.rawMode = kind.Flags()&helper.MemUninit != 0
		return e.checkHelperMem(regno, int(mp.ValueSize), kindAccess(kind), false, m)
	case helper.ArgPtrToPercpuBTFID:
		if r.btfID() == 0 {
			e.logf("Helper has invalid btf_id in R%d\n", regno)
			return eacces
		}
		m.retBTF, m.retBTFID = r.btfHandle(), r.btfID()
	case helper.ArgPtrToSpinLock:
		if e.inRBTreeCallback() {
			e.logs("can't spin_{lock,unlock} in rbtree cb\n")
			return eacces
		}
		return e.processSpinLock(regno, m.fn == fnSpinLock)
	case helper.ArgPtrToTimer:
		return e.processTimer(regno, m)
	case helper.ArgPtrToFunc:
		m.sub = r.subprog()
	case helper.ArgPtrToMem:
		m.rawMode = kind.Flags()&helper.MemUninit != 0
		if kind.Flags()&helper.MemFixedSize == 0 {
			return 0
		}
		size := int(m.proto.Extra[i])
		if err := e.checkHelperMem(regno, size, kindAccess(kind), false, m); err != 0 {
			return err
		}
		if kind.Flags()&helper.MemAligned != 0 {
			return e.checkAlign(r, 0, size, true)
		}
	case helper.ArgConstSize, helper.ArgConstSizeOrZero:
		return e.checkMemSize(r, regno, kindAccess(m.proto.Args[i-1]), kind.Base() == helper.ArgConstSizeOrZero, m)
	case helper.ArgPtrToDynptr:
		return e.processDynptr(regno, pc, kind, 0)
	case helper.ArgConstAllocSizeOrZero:
		if !r.VarOff.IsConst() {
			e.logf("R%d is not a known constant'\n", regno)
			return eacces
		}
		m.memSize = uint32(r.VarOff.Value)
		return e.markPrecise(regno)
	case helper.ArgPtrToConstStr:
		return e.checkConstStr(r, regno)
	case helper.ArgKptrXchgDest:
		return e.processKptr(regno, m)
	}
	return 0
}

// checkMemSize checks the size argument behind a memory argument
// (check_mem_size_reg).
func (e *env) checkMemSize(r *RegState, regno int, kind accessKind, zeroOK bool, m *callMeta) errno {
	m.sizeMax = r.UMax
	if !r.VarOff.IsConst() {
		// The memory must be initialized: it may not all be written.
		m = nil
	}
	switch {
	case r.SMin < 0:
		e.logf("R%d min value is negative, either use unsigned or 'var &= const'\n", regno)
		e.traceArgSize(r, regno, zeroOK, true)
		return eacces
	case r.UMin == 0 && !zeroOK:
		e.logf("R%d invalid zero-sized read: u64=[%lld,%lld]\n", regno, int64(r.UMin), int64(r.UMax))
		e.traceArgSize(r, regno, zeroOK, true)
		return eacces
	case r.UMax >= maxVarSize:
		e.logf("R%d unbounded memory access, use 'var &= const' or 'if (var < const)'\n", regno)
		e.traceArgSize(r, regno, zeroOK, true)
		return eacces
	}
	e.traceArgSize(r, regno, zeroOK, false)
	if err := e.checkHelperMem(regno-1, int(r.UMax), kind, zeroOK, m); err != 0 {
		return err
	}
	return e.markPrecise(regno)
}

// checkHelperMem checks memory that a helper accesses through a pointer
// (check_helper_mem_access).
func (e *env) checkHelperMem(regno, size int, kind accessKind, zeroOK bool, m *callMeta) errno {
	r := &e.regs()[regno]
	readOnly := func() errno {
		e.logf("R%d cannot write into %s\n", regno, r.Type)
		return eacces
	}
	switch r.Type.Base() {
	case PtrToPacket, PtrToPacketMeta:
		return e.checkPacket(regno, int(r.Off), size, zeroOK)
	case PtrToMapKey:
		if kind == writeAccess {
			return readOnly()
		}
		return e.checkRegion(regno, int(r.Off), size, e.mapOf(r.mapHandle()).KeySize, false)
	case PtrToMapValue:
		if err := e.checkMapFlags(regno, int(r.Off), size, kind); err != 0 {
			return eacces
		}
		return e.checkMapAccess(regno, int(r.Off), size, zeroOK, accessHelper)
	case PtrToMem:
		if r.Type&MemRdonly != 0 && kind == writeAccess {
			return readOnly()
		}
		return e.checkRegion(regno, int(r.Off), size, r.memSize(), zeroOK)
	case PtrToBuf:
		rdonly := r.Type&MemRdonly != 0
		if rdonly && kind == writeAccess {
			return readOnly()
		}
		return e.checkBuffer(bufWord(rdonly), regno, int(r.Off), size)
	case PtrToStack:
		return e.stackInitialized(regno, int(r.Off), size, zeroOK, accessHelper, m)
	case PtrToBTFID:
		return e.checkBTFAccess(regno, int(r.Off), size, readAccess, -1)
	case PtrToCtx:
		if e.rawContext() {
			if size == 0 {
				if zeroOK {
					return 0
				}
				return eacces
			}
			return e.checkMem(e.insnIdx, regno, size-1, 1, kind, -1, false, false)
		}
	}
	if zeroOK && size == 0 && r.isNull() {
		return 0
	}
	e.logf("R%d type=%s expected=%s\n", regno, r.Type, PtrToStack)
	e.traceArgType(regno, []RegType{PtrToStack})
	return eacces
}

// checkConstStr is check_reg_const_str.
func (e *env) checkConstStr(r *RegState, regno int) errno {
	if r.Type != PtrToMapValue {
		return einval
	}
	m := e.mapOf(r.mapHandle())
	switch {
	case !m.constant():
		e.logf("R%d does not point to a readonly map'\n", regno)
		return eacces
	case !r.VarOff.IsConst():
		e.logf("R%d is not a constant address'\n", regno)
		return eacces
	}
	if supported, _ := m.directValue(0); !supported {
		e.logs("no direct value access support for this map type\n")
		return eacces
	}
	if err := e.checkMapAccess(regno, int(r.Off), int(m.ValueSize)-int(r.Off), false, accessHelper); err != 0 {
		return err
	}
	off := int(r.Off) + int(r.VarOff.Value)
	if _, err := m.directValue(uint32(off)); err != 0 {
		e.logs("direct value access on string failed\n")
		return err
	}
	if off < len(m.Data) && bytes.IndexByte(m.Data[off:], 0) < 0 && len(m.Data) >= int(m.ValueSize) {
		e.logs("string is not zero-terminated\n")
		return einval
	}
	return 0
}

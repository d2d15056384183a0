package verifier

import (
	"skep/vm/hook"
)

// checkAlign is check_ptr_alignment.
func (e *env) checkAlign(r *RegState, off, size int, strict bool) errno {
	strict = strict || e.strictAlign
	what := ""
	switch r.Type {
	case PtrToPacket, PtrToPacketMeta:
		if !strict || size == 1 {
			return 0
		}
		// NET_IP_ALIGN as if the architecture needed it: 2.
		t := r.VarOff.Add(TnumConst(uint64(int64(2 + int(r.Off) + off))))
		if !t.Aligned(uint64(size)) {
			e.logf("misaligned packet access off %d+%s+%d+%d size %d\n", 2, r.VarOff, r.Off, off, size)
			return eacces
		}
		return 0
	case PtrToFlowKeys:
		what = "flow keys "
	case PtrToMapKey:
		what = "key "
	case PtrToMapValue:
		what = "value "
	case PtrToCtx:
		what = "context "
	case PtrToStack:
		what, strict = "stack ", true
	case PtrToSocket:
		what = "sock "
	case PtrToSockCommon:
		what = "sock_common "
	case PtrToTCPSock:
		what = "tcp_sock "
	case PtrToXDPSock:
		what = "xdp_sock "
	case PtrToArena:
		return 0
	}
	if !strict || size == 1 {
		return 0
	}
	if t := r.VarOff.Add(TnumConst(uint64(int64(int(r.Off) + off)))); !t.Aligned(uint64(size)) {
		e.logf("misaligned %saccess off %s+%d+%d size %d\n", what, r.VarOff, r.Off, off, size)
		return eacces
	}
	return 0
}

// checkMem is check_mem_access: a load or store of size bytes at off of the
// pointer in ptr. value is the register loaded or stored, -1 for none; pc the
// instruction.
func (e *env) checkMem(pc, ptr, off, size int, kind accessKind, value int, strict, sx bool) errno {
	r := &e.regs()[ptr]
	if err := e.checkAlign(r, off, size, strict); err != 0 {
		return err
	}
	off += int(r.Off)
	var err errno
	switch base := r.Type.Base(); {
	case r.Type == PtrToMapKey:
		if kind == writeAccess {
			e.logf("write to change key R%d not allowed\n", ptr)
			return eacces
		}
		err = e.checkRegion(ptr, off, size, e.mapOf(r.mapHandle()).KeySize, false)
		if err == 0 && value >= 0 {
			e.setUnknown(&e.regs()[value])
		}
	case r.Type == PtrToMapValue:
		err = e.checkMapValue(pc, ptr, off, size, kind, value, sx)
	case base == PtrToMem:
		err = e.checkMemory(ptr, off, size, kind, value)
	case r.Type == PtrToCtx:
		err = e.checkCtx(pc, ptr, off, size, kind, value, sx)
	case r.Type == PtrToStack:
		if err = e.checkStackBounds(ptr, off, size, accessDirect, kind); err != 0 {
			return err
		}
		if kind == readAccess {
			err = e.stackRead(ptr, off, size, value)
		} else {
			err = e.stackWrite(ptr, off, size, value, pc)
		}
	case r.Type.isPkt():
		if kind == writeAccess && !e.mayAccessPacket(nil, kind) {
			e.logs("cannot write into packet\n")
			return eacces
		}
		if err = e.checkLeak(value, kind, "packet"); err != 0 {
			return err
		}
		err = e.checkPacket(ptr, off, size, false)
		e.loaded(err, kind, value)
	case r.Type == PtrToFlowKeys:
		if err = e.checkLeak(value, kind, "flow keys"); err != 0 {
			return err
		}
		if size < 0 || off < 0 || off+size > hook.FlowKeysSize {
			e.logf("invalid access to flow keys off=%d size=%d\n", off, size)
			return eacces
		}
		e.loaded(0, kind, value)
	case r.Type.isSock():
		if kind == writeAccess {
			e.logf("R%d cannot write into %s\n", ptr, r.Type)
			return eacces
		}
		err = e.checkSock(ptr, off, size)
		e.loaded(err, readAccess, value)
	case r.Type == PtrToTPBuffer:
		err = e.checkBuffer("tracepoint", ptr, off, size)
		e.loaded(err, kind, value)
	case base == PtrToBTFID && !r.Type.MayBeNull():
		err = e.checkBTFAccess(ptr, off, size, kind, value)
	case r.Type == ConstPtrToMap:
		err = e.checkMapStruct(ptr, off, size, kind, value)
	case base == PtrToBuf && !r.Type.MayBeNull():
		rdonly := r.Type&MemRdonly != 0
		if rdonly && kind == writeAccess {
			e.logf("R%d cannot write into %s\n", ptr, r.Type)
			return eacces
		}
		err = e.checkBuffer(bufWord(rdonly), ptr, off, size)
		if rdonly {
			kind = readAccess
		}
		e.loaded(err, kind, value)
	case r.Type == PtrToArena:
		e.loaded(0, kind, value)
	default:
		e.logf("R%d invalid mem access '%s'\n", ptr, r.Type)
		e.traceNoPointer(ptr)
		return eacces
	}
	if err == 0 && size < regSize && value >= 0 && kind == readAccess {
		if v := &e.regs()[value]; v.Type == ScalarValue {
			if sx {
				v.coerceSX(size)
			} else {
				v.coerce(size)
			}
		}
	}
	return err
}

func bufWord(rdonly bool) string {
	if rdonly {
		return "rdonly"
	}
	return "rdwr"
}

// loaded makes the register of a successful load unknown.
func (e *env) loaded(err errno, kind accessKind, value int) {
	if err == 0 && kind == readAccess && value >= 0 {
		e.setUnknown(&e.regs()[value])
	}
}

// checkLeak refuses to store a pointer where others can read it.
func (e *env) checkLeak(value int, kind accessKind, where string) errno {
	if kind == writeAccess && value >= 0 && e.isPointer(value) {
		e.logf("R%d leaks addr into %s\n", value, where)
		e.traceRefused(CheckKindNoLeak, value, where)
		return eacces
	}
	return 0
}

// inMemory checks a constant offset (__check_mem_access).
func (e *env) inMemory(regno int, off int64, size int, limit uint32, zeroOK bool) errno {
	off = int64(int32(off))
	if off >= 0 && (size > 0 || size == 0 && zeroOK) && uint64(off)+uint64(size) <= uint64(limit) {
		return 0
	}
	r := &e.regs()[regno]
	switch r.Type {
	case PtrToMapKey:
		e.logf("invalid access to map key, key_size=%d off=%d size=%d\n", int32(limit), off, size)
	case PtrToMapValue:
		e.logf("invalid access to map value, value_size=%d off=%d size=%d\n", int32(limit), off, size)
	case PtrToPacket, PtrToPacketMeta, PtrToPacketEnd:
		e.logf("invalid access to packet, off=%d size=%d, R%d(id=%d,off=%d,r=%d)\n", off, size, regno, int32(r.ID), off, int32(limit))
	default:
		e.logf("invalid access to memory, mem_size=%u off=%d size=%d\n", limit, off, size)
	}
	return eacces
}

// checkRegion checks the lowest and the highest place that an access may reach
// (check_mem_region_access).
func (e *env) checkRegion(regno, off, size int, limit uint32, zeroOK bool) errno {
	err := e.inRegion(regno, off, size, limit, zeroOK)
	e.traceRegion(regno, off, size, limit, err != 0)
	return err
}

func (e *env) inRegion(regno, off, size int, limit uint32, zeroOK bool) errno {
	r := &e.regs()[regno]
	if lo := r.SMin + int64(off); r.SMin < 0 && (r.SMin == -1<<63 || !fitS32(lo) || lo < 0) {
		e.logf("R%d min value is negative, either use unsigned index or do a if (index >=0) check.\n", regno)
		return eacces
	}
	if err := e.inMemory(regno, r.SMin+int64(off), size, limit, zeroOK); err != 0 {
		e.logf("R%d min value is outside of the allowed memory range\n", regno)
		return err
	}
	if r.UMax >= maxVarOff {
		e.logf("R%d unbounded memory access, make sure to bounds check any such access\n", regno)
		return eacces
	}
	if err := e.inMemory(regno, int64(r.UMax)+int64(off), size, limit, zeroOK); err != 0 {
		e.logf("R%d max value is outside of the allowed memory range\n", regno)
		return err
	}
	return 0
}

func (e *env) checkMemory(ptr, off, size int, kind accessKind, value int) errno {
	r := &e.regs()[ptr]
	rdonly := r.Type&MemRdonly != 0
	if r.Type.MayBeNull() {
		e.logf("R%d invalid mem access '%s'\n", ptr, r.Type)
		e.traceNoPointer(ptr)
		return eacces
	}
	if kind == writeAccess && rdonly {
		e.logf("R%d cannot write into %s\n", ptr, r.Type)
		return eacces
	}
	if err := e.checkLeak(value, kind, "mem"); err != 0 {
		return err
	}
	err := e.checkRegion(ptr, off, size, r.memSize(), false)
	if err == 0 && value >= 0 && (kind == readAccess || rdonly) {
		e.setUnknown(&e.regs()[value])
	}
	return err
}

// checkPtrOff refuses pointers that were moved (__check_ptr_off_reg).
func (e *env) checkPtrOff(r *RegState, regno int, fixedOK bool) errno {
	if r.Off < 0 {
		e.logf("negative offset %s ptr R%d off=%d disallowed\n", r.Type, regno, r.Off)
		return eacces
	}
	if !fixedOK && r.Off != 0 {
		e.logf("dereference of modified %s ptr R%d off=%d disallowed\n", r.Type, regno, r.Off)
		return eacces
	}
	if !r.VarOff.Is(0) {
		e.logf("variable %s access var_off=%s disallowed\n", r.Type, r.VarOff)
		return eacces
	}
	return 0
}

// checkSock is check_sock_access.
func (e *env) checkSock(regno, off, size int) errno {
	r := &e.regs()[regno]
	if r.SMin < 0 {
		e.logf("R%d min value is negative, either use unsigned index or do a if (index >=0) check.\n", regno)
		return eacces
	}
	ok := false
	switch r.Type {
	case PtrToSockCommon:
		ok = hook.SockAccess(off, size, true)
	case PtrToSocket:
		ok = hook.SockAccess(off, size, false)
	case PtrToTCPSock:
		ok = hook.TCPSockAccess(off, size)
	case PtrToXDPSock:
		ok = hook.XDPSockAccess(off, size)
	}
	if !ok {
		e.logf("R%d invalid %s access off=%d size=%d\n", regno, r.Type, off, size)
		return eacces
	}
	return 0
}

// checkBuffer is __check_buffer_access.
func (e *env) checkBuffer(what string, regno, off, size int) errno {
	r := &e.regs()[regno]
	if off < 0 {
		e.logf("R%d invalid %s buffer access: off=%d, size=%d\n", regno, what, off, size)
		return eacces
	}
	if !r.VarOff.Is(0) {
		e.logf("R%d invalid variable buffer offset: off=%d, var_off=%s\n", regno, off, r.VarOff)
		return eacces
	}
	return 0
}

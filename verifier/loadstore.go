package verifier

import (
	"skep/vm/isa"
)

// checkLoad1 is a load (check_load_mem).
func (e *env) checkLoad1(in isa.Insn) errno {
	if err := e.checkReg(int(in.Src), srcOp); err != 0 {
		return err
	}
	if err := e.checkReg(int(in.Dst), dstOpNoMark); err != 0 {
		return err
	}
	t := e.regs()[in.Src].Type
	if err := e.checkMem(e.insnIdx, int(in.Src), int(in.Off), in.Bytes(), readAccess, int(in.Dst), false, in.Mode() == isa.ModeMemSX); err != 0 {
		return err
	}
	e.learnAccess(t)
	if err := e.savePtrType(t, true); err != 0 {
		return err
	}
	return e.sanity(&e.regs()[in.Dst], "ldx")
}

// checkStore is a store of a register (check_store_reg).
func (e *env) checkStore(in isa.Insn) errno {
	if err := e.checkReg(int(in.Src), srcOp); err != 0 {
		return err
	}
	if err := e.checkReg(int(in.Dst), srcOp); err != 0 {
		return err
	}
	t := e.regs()[in.Dst].Type
	if err := e.checkMem(e.insnIdx, int(in.Dst), int(in.Off), in.Bytes(), writeAccess, int(in.Src), false, false); err != 0 {
		return err
	}
	e.learnAccess(t)
	return e.savePtrType(t, false)
}

func (e *env) checkStoreImm(in isa.Insn) errno {
	if err := e.checkReg(int(in.Dst), srcOp); err != 0 {
		return err
	}
	t := e.regs()[in.Dst].Type
	if err := e.checkMem(e.insnIdx, int(in.Dst), int(in.Off), in.Bytes(), writeAccess, -1, false, false); err != 0 {
		return err
	}
	e.learnAccess(t)
	return e.savePtrType(t, false)
}

// savePtrType demands that an instruction accesses the same kind of memory on
// all paths, where the kernel rewrites the access (save_aux_ptr_type).
func (e *env) savePtrType(t RegType, trustMismatch bool) errno {
	p := &e.aux[e.insnIdx].ptrType
	switch {
	case *p == NotInit:
		*p = t
	case t != *p && (!mismatchOK(t) || !mismatchOK(*p)):
		if trustMismatch && t.Base() == PtrToBTFID && p.Base() == PtrToBTFID {
			*p = PtrToBTFID | PtrUntrusted
			return 0
		}
		e.logs("same insn cannot be used with different pointers\n")
		return einval
	}
	return 0
}

func mismatchOK(t RegType) bool {
	switch t.Base() {
	case PtrToCtx, PtrToSocket, PtrToSockCommon, PtrToTCPSock, PtrToXDPSock, PtrToBTFID, PtrToArena:
		return false
	}
	return true
}

// checkAtomic is check_atomic.
func (e *env) checkAtomic(in isa.Insn) errno {
	switch in.Imm &^ isa.AtomicFetch {
	case isa.OpAdd, isa.OpAnd, isa.OpOr, isa.OpXor:
	default:
		if in.Imm != isa.AtomicXchg && in.Imm != isa.AtomicCmpxchg {
			e.logf("BPF_ATOMIC uses invalid atomic opcode %02x\n", in.Imm)
			return einval
		}
	}
	if in.Width() != isa.SizeW && in.Width() != isa.SizeDW {
		e.logs("invalid atomic operand size\n")
		return einval
	}
	if err := e.checkReg(int(in.Src), srcOp); err != 0 {
		return err
	}
	if err := e.checkReg(int(in.Dst), srcOp); err != 0 {
		return err
	}
	cmpxchg := in.Imm == isa.AtomicCmpxchg
	if cmpxchg {
		if err := e.checkReg(0, srcOp); err != 0 {
			return err
		}
		if err := e.checkLeak(0, writeAccess, "mem"); err != 0 {
			return err
		}
	}
	if err := e.checkLeak(int(in.Src), writeAccess, "mem"); err != 0 {
		return err
	}
	if t := e.regs()[in.Dst].Type; t == PtrToCtx || t.isPkt() || t == PtrToFlowKeys || t.isSock() {
		e.logf("BPF_ATOMIC stores into R%d %s is not allowed\n", in.Dst, t)
		return eacces
	}
	load := -1
	if in.Imm&isa.AtomicFetch != 0 {
		load = int(in.Src)
		if cmpxchg {
			load = 0
		}
		if err := e.checkReg(load, dstOp); err != 0 {
			return err
		}
	}
	// Checked once without a destination, so that a leak is seen, and then
	// with it.
	err := e.checkMem(e.insnIdx, int(in.Dst), int(in.Off), in.Bytes(), readAccess, -1, true, false)
	if err == 0 && load >= 0 {
		err = e.checkMem(e.insnIdx, int(in.Dst), int(in.Off), in.Bytes(), readAccess, load, true, false)
	}
	if err != 0 {
		return err
	}
	t := e.regs()[in.Dst].Type
	if err := e.savePtrType(t, false); err != 0 {
		return err
	}
	e.learnAccess(t)
	return e.checkMem(e.insnIdx, int(in.Dst), int(in.Off), in.Bytes(), writeAccess, -1, true, false)
}

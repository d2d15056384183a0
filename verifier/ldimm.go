package verifier

import (
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// checkLdImm is check_ld_imm: a wide load.
func (e *env) checkLdImm(in isa.Insn) errno {
	if in.Width() != isa.SizeDW {
		e.logs("invalid BPF_LD_IMM insn\n")
		return einval
	}
	if in.Off != 0 {
		e.logs("BPF_LD_IMM64 uses reserved fields\n")
		return einval
	}
	if err := e.checkReg(int(in.Dst), dstOp); err != 0 {
		return err
	}
	r := &e.regs()[in.Dst]
	aux := &e.aux[e.insnIdx]
	if in.Src == 0 {
		r.Type = ScalarValue
		r.setKnown(isa.Imm64(in, e.insns[e.insnIdx+1]))
		return 0
	}
	r.setKnown(0)
	switch in.Src {
	case isa.PseudoBTFID:
		r.Type = aux.btfType
		switch r.Type.Base() {
		case PtrToMem:
			r.setMemSize(aux.memSize)
		case PtrToBTFID:
			r.setBTF(btfKernel, aux.btfID)
		default:
			e.logs("bpf verifier is misconfigured\n")
			return efault
		}
	case isa.PseudoFunc:
		sub := e.findSubprog(e.insnIdx + int(in.Imm) + 1)
		if len(e.funcs) == 0 {
			e.logs("missing btf func_info\n")
			return einval
		}
		if e.subprogs[sub].linkage != btf.LinkStatic {
			e.logs("callback function not static\n")
			return einval
		}
		if sub == 0 {
			e.logs("callback function cannot be the main program\n")
			return einval
		}
		r.Type = PtrToFunc
		r.A = uint32(sub)
	case isa.PseudoMapValue:
		m := e.mapOf(aux.mapHandle)
		r.setMap(aux.mapHandle, 0)
		if m.Type == maps.Arena {
			e.setUnknown(r)
			return 0
		}
		r.Type = PtrToMapValue
		r.Off = int32(aux.mapOff)
	default:
		r.setMap(aux.mapHandle, 0)
		r.Type = ConstPtrToMap
	}
	return 0
}

// checkLdAbs is check_ld_abs: the old packet loads, which leave the function
// when the packet is too short.
func (e *env) checkLdAbs(in isa.Insn) errno {
	switch e.prog.Type {
	case hook.SocketFilter, hook.SchedCls, hook.SchedAct:
	default:
		e.logs("BPF_LD_[ABS|IND] instructions not allowed for this program type\n")
		return einval
	}
	st := e.cur
	for i := st.curframe; i > 0; i-- {
		if st.frame[i].inCallback {
			e.logs("cannot use BPF_LD_[ABS|IND] within callback\n")
			return einval
		}
	}
	if in.Dst != 0 || in.Off != 0 || in.Width() == isa.SizeDW || in.Mode() == isa.ModeAbs && in.Src != 0 {
		e.logs("BPF_LD_[ABS|IND] uses reserved fields\n")
		return einval
	}
	const ctx = isa.R6
	if err := e.checkReg(ctx, srcOp); err != 0 {
		return err
	}
	if err := e.checkRefLeak(false); err != 0 {
		e.logs("BPF_LD_[ABS|IND] cannot be mixed with socket references\n")
		return err
	}
	switch {
	case st.lockMap != 0:
		e.logs("BPF_LD_[ABS|IND] cannot be used inside bpf_spin_lock-ed region\n")
		return einval
	case st.rcuLock:
		e.logs("BPF_LD_[ABS|IND] cannot be used inside bpf_rcu_read_lock-ed region\n")
		return einval
	case st.preempt != 0:
		e.logs("BPF_LD_[ABS|IND] cannot be used inside bpf_preempt_disable-ed region\n")
		return einval
	}
	regs := e.regs()
	if regs[ctx].Type != PtrToCtx {
		e.logs("at the time of BPF_LD_ABS|IND R6 != pointer to skb\n")
		return einval
	}
	if in.Mode() == isa.ModeInd {
		if err := e.checkReg(int(in.Src), srcOp); err != 0 {
			return err
		}
	}
	if err := e.checkPtrOff(&regs[ctx], ctx, false); err != 0 {
		return err
	}
	e.clearCallerSaved(regs)
	e.setUnknown(&regs[0])
	regs[0].subregDef = int32(e.insnIdx) + 1
	if st.curframe == 0 {
		return 0
	}
	// In a function both may happen: going on, and returning 0.
	e.scratchReg(0)
	if _, err := e.push(e.insnIdx+1, e.insnIdx, false); err != 0 {
		return err
	}
	regs[0].setKnown(0)
	idx, err := e.prepareExit(e.insnIdx)
	if err != 0 {
		return err
	}
	e.insnIdx = idx - 1
	return 0
}

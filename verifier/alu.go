package verifier

import (
	"math"

	"skep/vm/isa"
)

// isPointer reports whether the register would leak a kernel address to a
// user who may not see one (is_pointer_value).
func (e *env) isPointer(regno int) bool {
	return !e.allowPtrLeaks && e.regs()[regno].Type != ScalarValue
}

// checkALU is check_alu_op.
func (e *env) checkALU(in isa.Insn) errno {
	var err errno
	switch op := in.ALUOp(); {
	case op == isa.OpEnd || op == isa.OpNeg:
		err = e.checkUnary(in)
	case op == isa.OpMov:
		err = e.checkMov(in)
	case op > isa.OpEnd:
		e.logf("invalid BPF_ALU opcode %x\n", op)
		return einval
	default:
		err = e.checkBinary(in)
	}
	if err != 0 {
		return err
	}
	return e.sanity(&e.regs()[in.Dst], "alu")
}

func (e *env) checkUnary(in isa.Insn) errno {
	if in.ALUOp() == isa.OpNeg {
		if in.Source() != isa.SrcK || in.Src != 0 || in.Off != 0 || in.Imm != 0 {
			e.logs("BPF_NEG uses reserved fields\n")
			return einval
		}
	} else if in.Src != 0 || in.Off != 0 || in.Imm != 16 && in.Imm != 32 && in.Imm != 64 ||
		in.Class() == isa.ClassALU64 && in.Source() != isa.SrcK {
		e.logs("BPF_END uses reserved fields\n")
		return einval
	}
	if err := e.checkReg(int(in.Dst), srcOp); err != 0 {
		return err
	}
	if e.isPointer(int(in.Dst)) {
		e.logf("R%d pointer arithmetic prohibited\n", in.Dst)
		return eacces
	}
	return e.checkReg(int(in.Dst), dstOp)
}

// assignIDBeforeMov gives a scalar an ID that its copy will share
// (assign_scalar_id_before_mov).
func (e *env) assignIDBeforeMov(r *RegState) {
	if r.Type != ScalarValue {
		return
	}
	if r.ID&addConst != 0 {
		r.clearScalarID()
	}
	if r.ID == 0 && !r.VarOff.IsConst() {
		r.ID = e.newID()
	}
}

func (e *env) checkMov(in isa.Insn) errno {
	alu64 := in.Class() == isa.ClassALU64
	if in.Source() == isa.SrcX {
		switch {
		case !alu64:
			if in.Off != 0 && in.Off != 8 && in.Off != 16 || in.Imm != 0 {
				e.logs("BPF_MOV uses reserved fields\n")
				return einval
			}
		case in.Off == isa.OffAddrSpaceCast:
			if in.Imm != 1 && in.Imm != 1<<16 {
				e.logs("addr_space_cast insn can only convert between address space 1 and 0\n")
				return einval
			}
			if !e.arena {
				e.logs("addr_space_cast insn can only be used in a program that has an associated arena\n")
				return einval
			}
		case in.Off != 0 && in.Off != 8 && in.Off != 16 && in.Off != 32 || in.Imm != 0:
			e.logs("BPF_MOV uses reserved fields\n")
			return einval
		}
		if err := e.checkReg(int(in.Src), srcOp); err != 0 {
			return err
		}
	} else if in.Src != 0 || in.Off != 0 {
		e.logs("BPF_MOV uses reserved fields\n")
		return einval
	}
	if err := e.checkReg(int(in.Dst), dstOpNoMark); err != 0 {
		return err
	}
	dst := &e.regs()[in.Dst]
	if in.Source() == isa.SrcK {
		e.setUnknown(dst)
		if alu64 {
			dst.setKnown(uint64(int64(in.Imm)))
		} else {
			dst.setKnown(uint64(uint32(in.Imm)))
		}
		return 0
	}
	src := &e.regs()[in.Src]
	switch {
	case alu64 && in.Imm != 0: // addr_space_cast
		e.setUnknown(dst)
		if in.Imm == 1 {
			dst.Type = PtrToArena
			dst.subregDef = int32(e.insnIdx) + 1
		}
	case alu64 && in.Off == 0:
		e.assignIDBeforeMov(src)
		dst.copyFrom(src)
		dst.live |= liveWritten
		dst.subregDef = notSubreg
	case e.isPointer(int(in.Src)):
		if alu64 {
			e.logf("R%d sign-extension part of pointer\n", in.Src)
		} else {
			e.logf("R%d partial copy of pointer\n", in.Src)
		}
		return eacces
	case src.Type != ScalarValue:
		e.setUnknown(dst)
		if !alu64 {
			dst.zext32()
			dst.sync()
		}
	default:
		// The copy is the same number when the bits it drops are zero.
		same := src.width() <= 32
		if in.Off != 0 {
			same = src.UMax < 1<<(in.Off-1)
		}
		if same {
			e.assignIDBeforeMov(src)
		}
		dst.copyFrom(src)
		if !same {
			dst.clearScalarID()
		}
		if alu64 {
			dst.coerceSX(int(in.Off >> 3))
		}
		dst.live |= liveWritten
		dst.subregDef = notSubreg
		if !alu64 {
			dst.subregDef = int32(e.insnIdx) + 1
			if in.Off != 0 {
				dst.coerceSX32(int(in.Off >> 3))
			}
			dst.zext32()
			dst.sync()
		}
	}
	return 0
}

func (e *env) checkBinary(in isa.Insn) errno {
	op := in.ALUOp()
	divmod := op == isa.OpMod || op == isa.OpDiv
	badOff := in.Off != 0 && in.Off != 1 || in.Off == 1 && !divmod
	if in.Source() == isa.SrcX {
		if in.Imm != 0 || badOff {
			e.logs("BPF_ALU uses reserved fields\n")
			return einval
		}
		if err := e.checkReg(int(in.Src), srcOp); err != 0 {
			return err
		}
	} else if in.Src != 0 || badOff {
		e.logs("BPF_ALU uses reserved fields\n")
		return einval
	}
	if err := e.checkReg(int(in.Dst), srcOp); err != 0 {
		return err
	}
	if in.Source() == isa.SrcK {
		if divmod && in.Imm == 0 {
			e.logs("div by zero\n")
			return einval
		}
		if op == isa.OpLsh || op == isa.OpRsh || op == isa.OpArsh {
			size := int32(32)
			if in.Class() == isa.ClassALU64 {
				size = 64
			}
			if in.Imm < 0 || in.Imm >= size {
				e.logf("invalid shift %d\n", in.Imm)
				return einval
			}
		}
	}
	if err := e.checkReg(int(in.Dst), dstOpNoMark); err != 0 {
		return err
	}
	if divmod {
		if err := e.learnDivision(in); err != 0 {
			return err
		}
	}
	return e.adjustReg(in)
}

// adjustReg is adjust_reg_min_max_vals: arithmetic on numbers, or on a pointer
// and a number.
func (e *env) adjustReg(in isa.Insn) errno {
	regs := e.regs()
	dst := &regs[in.Dst]
	op := in.ALUOp()
	srcX := in.Source() == isa.SrcX
	var src *RegState
	if srcX {
		src = &regs[in.Src]
	}
	if dst.Type == PtrToArena || src != nil && src.Type == PtrToArena {
		if dst.Type != PtrToArena {
			*dst = *src
		}
		dst.subregDef = int32(e.insnIdx) + 1
		return 0
	}
	dstPtr := dst.Type != ScalarValue
	if srcX {
		switch {
		case src.Type != ScalarValue && dstPtr:
			if op == isa.OpSub && e.allowPtrLeaks {
				e.setUnknown(dst)
				return 0
			}
			e.logf("R%d pointer %s pointer prohibited\n", in.Dst, aluWords[op>>4])
			return eacces
		case src.Type != ScalarValue:
			// number + pointer: the result takes the pointer's place.
			if err := e.markPrecise(int(in.Dst)); err != 0 {
				return err
			}
			off := *dst
			return e.adjustPtr(in, src, &off)
		case dstPtr:
			if err := e.markPrecise(int(in.Src)); err != 0 {
				return err
			}
			return e.adjustPtr(in, dst, src)
		case dst.Precise:
			if err := e.markPrecise(int(in.Src)); err != 0 {
				return err
			}
		}
	} else {
		off := RegState{RegHead: RegHead{Type: ScalarValue}}
		off.Bounds.setConst(uint64(int64(in.Imm)))
		if dstPtr {
			return e.adjustPtr(in, dst, &off)
		}
		e.fake[1] = off
		src = &e.fake[1]
	}
	if err := e.adjustScalar(in, dst, src.Bounds); err != 0 {
		return err
	}
	// r1 = r2; r1 += K keeps the tie to r2, as a constant distance.
	alu64 := in.Class() == isa.ClassALU64
	if e.bpfCapable && op == isa.OpAdd && alu64 && dst.ID != 0 && src.isConstScalar(false) &&
		!(srcX && in.Src == in.Dst) {
		v := src.VarOff.Value
		if dst.ID&addConst != 0 || v > math.MaxInt32 {
			dst.clearScalarID()
		} else {
			dst.ID |= addConst
			dst.Off = int32(v)
		}
	} else {
		dst.clearScalarID()
	}
	return 0
}

// adjustScalar is adjust_scalar_min_max_vals. src is a copy: it may be dst's.
func (e *env) adjustScalar(in isa.Insn, dst *RegState, src Bounds) errno {
	op := in.ALUOp()
	alu32 := in.Class() != isa.ClassALU64
	if !rangeComputable(op, alu32, &src) {
		e.setUnknown(dst)
		return 0
	}
	if op == isa.OpAdd || op == isa.OpSub {
		if r := e.sanitizeVal(in); r != 0 {
			return e.sanitizeErr(in, r, nil, nil)
		}
	}
	if (op == isa.OpAnd || op == isa.OpOr) && src.VarOff.IsConst() {
		if err := e.forkScalar(in, dst); err != 0 {
			return err
		}
	}
	e.operand = src // not on the stack: the call is indirect
	scalarOps[op>>4](&dst.Bounds, &e.operand, alu32)
	if alu32 {
		dst.zext32()
	}
	dst.sync()
	return 0
}

// forkScalar walks "r & K" and "r | K" for r = 0 and r = -1 apart when r is
// one of them: the mask of a comparison (maybe_fork_scalars).
func (e *env) forkScalar(in isa.Insn, dst *RegState) errno {
	alu32 := false
	switch {
	case dst.SMin == -1 && dst.SMax == 0:
	case dst.S32Min == -1 && dst.S32Max == 0:
		alu32 = true
	default:
		return 0
	}
	st, err := e.push(e.insnIdx, e.insnIdx, false)
	if err != 0 {
		return err
	}
	other := &st.cur().Regs[in.Dst]
	if alu32 {
		other.setConst32(0)
		dst.setConst32(math.MaxUint32)
	} else {
		other.setKnown(0)
		dst.setKnown(math.MaxUint64)
	}
	return 0
}

// aluWords are the operators as messages spell them (bpf_alu_string).
var aluWords = [16]string{"+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian", "", ""}

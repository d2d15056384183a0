package verifier

import "skep/vm/isa"

// Rules against speculative execution: users without CAP_PERFMON must not make
// the CPU guess its way to memory that the program may not read (Spectre v1).
// The kernel masks pointer arithmetic then; programs for which it cannot are
// refused.

// sanitizeReason says why a pointer operation cannot be masked; 0 when it can.
type sanitizeReason int8

const (
	reasonBounds sanitizeReason = iota + 1
	reasonType
	reasonPaths
	reasonLimit
	reasonStack
)

// Bits of insnAux.aluState.
const (
	aluSanitizeSrc = 1 << iota
	aluSanitizeDst
	aluNegValue
	aluNonPointer
	aluImmediate
)

type sanitizeInfo struct {
	state      uint8
	limit      uint32
	maskToLeft bool
}

func (e *env) skipSanitize(in isa.Insn) bool { return e.bypassSpecV1 || in.Source() == isa.SrcK }

// updateALU notes how the instruction is masked: on all paths alike.
func updateALU(state *uint8, limit *uint32, s uint8, l uint32) sanitizeReason {
	if *state != 0 && (*state != s || *limit != l) {
		return reasonPaths
	}
	*state, *limit = s, l
	return 0
}

func (e *env) sanitizeVal(in isa.Insn) sanitizeReason {
	if e.skipSanitize(in) {
		return 0
	}
	a := &e.aux[e.insnIdx]
	return updateALU(&a.aluState, &a.aluLimit, aluNonPointer, 0)
}

// ptrLimit is how far the pointer is from the end of its memory
// (retrieve_ptr_limit).
func (e *env) ptrLimit(ptr *RegState, left bool) (uint32, sanitizeReason) {
	var max, limit uint32
	switch ptr.Type {
	case PtrToStack:
		max = maxStack
		if left {
			max++
		}
		limit = uint32(-(int64(ptr.VarOff.Value) + int64(ptr.Off)))
	case PtrToMapValue:
		if m := e.mapOf(ptr.mapHandle()); m != nil {
			max = m.ValueSize
		}
		limit = uint32(ptr.UMax) + uint32(ptr.Off)
		if left {
			limit = uint32(ptr.SMin) + uint32(ptr.Off)
		}
	default:
		return 0, reasonType
	}
	if limit >= max {
		return 0, reasonLimit
	}
	return limit, 0
}

// sanitizePtr is sanitize_ptr_alu, called before (commit false) and after the
// operation.
func (e *env) sanitizePtr(in isa.Insn, ptr, off, dst *RegState, info *sanitizeInfo, commit bool) sanitizeReason {
	if e.skipSanitize(in) {
		return 0
	}
	isImm := off.VarOff.IsConst()
	isNeg := off.SMin < 0
	ptrIsDst := ptr == dst
	if !e.cur.speculative {
		if !commit {
			if !isImm && (off.SMin < 0) != (off.SMax < 0) {
				return reasonBounds
			}
			info.maskToLeft = in.ALUOp() == isa.OpAdd && isNeg || in.ALUOp() == isa.OpSub && !isNeg
		}
		limit, r := e.ptrLimit(ptr, info.maskToLeft)
		if r != 0 {
			return r
		}
		a := &e.aux[e.insnIdx]
		if commit {
			d := int32(info.limit - limit)
			if d < 0 {
				d = -d
			}
			r = updateALU(&a.aluState, &a.aluLimit, info.state, uint32(d))
		} else {
			var s uint8
			if isNeg {
				s |= aluNegValue
			}
			if isImm {
				s |= aluImmediate
			}
			if ptrIsDst {
				s |= aluSanitizeSrc
			} else {
				s |= aluSanitizeDst
			}
			if !isImm {
				e.exploreALULimits = true
			}
			r = updateALU(&info.state, &info.limit, s, limit)
		}
		if r != 0 {
			return r
		}
	}
	if commit || isImm {
		return 0
	}
	// Walk the path on which the CPU guessed that the number is zero.
	var saved RegState
	if !ptrIsDst {
		saved = *dst
		dst.copyFrom(ptr)
	}
	if err := e.pushSpeculative(nil, e.insnIdx+1, e.insnIdx); err != 0 {
		return reasonStack
	}
	if !ptrIsDst {
		*dst = saved
	}
	return 0
}

// pushSpeculative queues the path that the CPU may take by mistake; in is the
// comparison that it gets wrong (sanitize_speculative_path).
func (e *env) pushSpeculative(in *isa.Insn, to, from int) errno {
	st, err := e.push(to, from, true)
	if err == 0 && in != nil {
		regs := &st.cur().Regs
		e.setUnknown(&regs[in.Dst])
		if in.Source() == isa.SrcX {
			e.setUnknown(&regs[in.Src])
		}
	}
	return err
}

func (e *env) sanitizeErr(in isa.Insn, reason sanitizeReason, off, dst *RegState) errno {
	const prohibited = "pointer arithmetic with it prohibited for !root"
	word := "sub"
	if in.ALUOp() == isa.OpAdd {
		word = "add"
	}
	a, b := in.Dst, in.Src
	if off != dst {
		a, b = b, a
	}
	switch reason {
	case reasonBounds:
		e.logf("R%d has unknown scalar with mixed signed bounds, %s\n", a, prohibited)
	case reasonType:
		e.logf("R%d has pointer with unsupported alu operation, %s\n", b, prohibited)
	case reasonPaths:
		e.logf("R%d tried to %s from different maps, paths or scalars, %s\n", in.Dst, word, prohibited)
	case reasonLimit:
		e.logf("R%d tried to %s beyond pointer bounds, %s\n", in.Dst, word, prohibited)
	case reasonStack:
		e.logf("R%d could not be pushed for speculative verification, %s\n", in.Dst, prohibited)
	}
	return eacces
}

// sanitizeBounds keeps pointers of users without CAP_PERFMON inside their
// memory at all times (sanitize_check_bounds).
func (e *env) sanitizeBounds(regno int, dst *RegState) errno {
	if e.bypassSpecV1 {
		return 0
	}
	switch dst.Type {
	case PtrToStack:
		off := int(dst.Off) + int(int32(dst.VarOff.Value))
		if !dst.VarOff.IsConst() {
			e.logf("R%d variable stack access prohibited for !root, var_off=%s off=%d\n", regno, dst.VarOff, off)
			return eacces
		}
		if off >= 0 || off < -maxStack {
			e.logf("R%d stack pointer arithmetic goes out of range, prohibited for !root; off=%d\n", regno, off)
			return eacces
		}
	case PtrToMapValue:
		if e.checkMapAccess(regno, int(dst.Off), 1, false, accessHelper) != 0 {
			e.logf("R%d pointer arithmetic of map value goes out of range, prohibited for !root\n", regno)
			return eacces
		}
	}
	return 0
}

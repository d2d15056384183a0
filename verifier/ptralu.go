package verifier

import (
	"math"

	"skep/vm/isa"
)

// saneOffset refuses offsets that no access could use (check_reg_sane_offset).
func (e *env) saneOffset(r *RegState, t RegType) bool {
	v := int64(r.VarOff.Value)
	switch {
	case r.VarOff.IsConst() && (v >= maxVarOff || v <= -maxVarOff):
		e.logf("math between %s pointer and %lld is not allowed\n", t, v)
	case r.Off >= maxVarOff || r.Off <= -maxVarOff:
		e.logf("%s pointer offset %d is not allowed\n", t, r.Off)
	case r.SMin == math.MinInt64:
		e.logf("math between %s pointer and register with unbounded min value is not allowed\n", t)
	case r.SMin >= maxVarOff || r.SMin <= -maxVarOff:
		e.logf("value %lld makes %s pointer be out of bounds\n", r.SMin, t)
	default:
		return true
	}
	e.traceCheck(CheckKindPtrOffset, -1, -maxVarOff+1, maxVarOff, 0, true)
	return false
}

// adjustPtr is adjust_ptr_min_max_vals: pointer arithmetic. ptr and off may be
// registers of the current frame, off is otherwise a copy.
func (e *env) adjustPtr(in isa.Insn, ptr, off *RegState) errno {
	dst := &e.regs()[in.Dst]
	op := in.ALUOp()
	known := off.VarOff.IsConst()
	// dst is often ptr or off: keep their ranges.
	ob, pb := off.Bounds, ptr.Bounds
	if known && (ob.SMin != ob.SMax || ob.UMin != ob.UMax) || ob.SMin > ob.SMax || ob.UMin > ob.UMax {
		e.setUnknown(dst)
		return 0
	}
	if in.Class() != isa.ClassALU64 {
		if op == isa.OpSub && e.allowPtrLeaks {
			e.setUnknown(dst)
			return 0
		}
		e.logf("R%d 32-bit pointer arithmetic prohibited\n", in.Dst)
		return eacces
	}
	if ptr.Type.MayBeNull() {
		e.logf("R%d pointer arithmetic on %s prohibited, null-check it first\n", in.Dst, ptr.Type)
		return eacces
	}
	if !ptrArithmetic(ptr.Type.Base(), known, ob.SMin, op) {
		e.logf("R%d pointer arithmetic on %s prohibited\n", in.Dst, ptr.Type)
		return eacces
	}
	if dst != ptr {
		*dst = *ptr
	}
	if !e.saneOffset(off, ptr.Type) || !e.saneOffset(ptr, ptr.Type) {
		return einval
	}
	var info sanitizeInfo
	sanitize := op == isa.OpAdd || op == isa.OpSub
	if sanitize {
		if r := e.sanitizePtr(in, ptr, off, dst, &info, false); r != 0 {
			return e.sanitizeErr(in, r, off, dst)
		}
	}
	dst.unbound32()
	switch op {
	case isa.OpAdd:
		if sum := int64(ptr.Off) + ob.SMin; known && fitS32(sum) {
			// A constant goes into the fixed offset; the rest stays.
			dst.SMin, dst.SMax, dst.UMin, dst.UMax, dst.VarOff = pb.SMin, pb.SMax, pb.UMin, pb.UMax, pb.VarOff
			dst.Off = int32(sum)
			dst.A, dst.B, dst.C = ptr.A, ptr.B, ptr.C
			break
		}
		r := pb
		r.addRanges64(&ob)
		dst.SMin, dst.SMax, dst.UMin, dst.UMax = r.SMin, r.SMax, r.UMin, r.UMax
		dst.VarOff = pb.VarOff.Add(ob.VarOff)
		dst.Off = ptr.Off
		dst.A, dst.B, dst.C = ptr.A, ptr.B, ptr.C
		if ptr.Type.isPkt() {
			// What was proved of the old place says nothing of the new one.
			dst.ID = e.newID()
			dst.A, dst.B, dst.C = 0, 0, 0
		}
	case isa.OpSub:
		if dst != ptr {
			e.logf("R%d tried to subtract pointer from scalar\n", in.Dst)
			return eacces
		}
		if ptr.Type == PtrToStack {
			e.logf("R%d subtraction from stack pointer prohibited\n", in.Dst)
			return eacces
		}
		if diff := int64(ptr.Off) - ob.SMin; known && fitS32(diff) {
			dst.Off = int32(diff)
			break
		}
		r := pb
		r.subRanges64(&ob)
		dst.SMin, dst.SMax, dst.UMin, dst.UMax = r.SMin, r.SMax, r.UMin, r.UMax
		dst.VarOff = pb.VarOff.Sub(ob.VarOff)
		if ptr.Type.isPkt() {
			dst.ID = e.newID()
			if ob.SMin < 0 {
				dst.A, dst.B, dst.C = 0, 0, 0
			}
		}
	case isa.OpAnd, isa.OpOr, isa.OpXor:
		e.logf("R%d bitwise operator %s on pointer prohibited\n", in.Dst, aluWords[op>>4])
		return eacces
	default:
		e.logf("R%d pointer arithmetic with %s operator prohibited\n", in.Dst, aluWords[op>>4])
		return eacces
	}
	if !e.saneOffset(dst, ptr.Type) {
		return einval
	}
	dst.sync()
	if err := e.sanitizeBounds(int(in.Dst), dst); err != 0 {
		return err
	}
	if sanitize {
		if r := e.sanitizePtr(in, dst, off, dst, &info, true); r != 0 {
			return e.sanitizeErr(in, r, off, dst)
		}
	}
	return 0
}

// ptrArithmetic reports whether a pointer of the type may be moved.
func ptrArithmetic(base RegType, known bool, smin int64, op uint8) bool {
	switch base {
	case PtrToCtx, PtrToMapValue, PtrToMapKey, PtrToStack, PtrToPacketMeta, PtrToPacket, PtrToTPBuffer,
		PtrToBTFID, PtrToMem, PtrToBuf, PtrToFunc, ConstPtrToDynptr:
		return true
	case PtrToFlowKeys:
		return known
	case ConstPtrToMap:
		return known && smin == 0 && op == isa.OpAdd
	}
	return false
}

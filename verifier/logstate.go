package verifier

import (
	"bytes"
	"math"
	"strconv"

	"skep/vm/asm"
	"skep/vm/isa"
)

var slotChars = [...]byte{SlotInvalid: '?', SlotSpill: 'r', SlotMisc: 'm', SlotZero: '0', SlotDynptr: 'd', SlotIter: 'i'}

func appendLive(dst []byte, live uint8) []byte {
	if live == 0 {
		return dst
	}
	dst = append(dst, '_')
	if live&liveRead != 0 {
		dst = append(dst, 'r')
	}
	if live&liveWritten != 0 {
		dst = append(dst, 'w')
	}
	if live&liveDone != 0 {
		dst = append(dst, 'D')
	}
	return dst
}

// appendRanges writes the limits that say something, equal ones joined:
// "smin=0,smax=umax=255" (print_scalar_ranges).
func appendRanges(dst []byte, b *Bounds, sep *bool) []byte {
	wide32 := func(v int32) uint64 {
		if snumDecimal(int64(v)) {
			return uint64(int64(v))
		}
		return uint64(uint32(v))
	}
	type limit struct {
		name   string
		val    uint64
		signed bool
		omit   bool
	}
	limits := [8]limit{
		{"smin=", uint64(b.SMin), true, b.SMin == math.MinInt64},
		{"smax=", uint64(b.SMax), true, b.SMax == math.MaxInt64},
		{"umin=", b.UMin, false, b.UMin == 0},
		{"umax=", b.UMax, false, b.UMax == math.MaxUint64},
		{"smin32=", wide32(b.S32Min), true, b.S32Min == math.MinInt32},
		{"smax32=", wide32(b.S32Max), true, b.S32Max == math.MaxInt32},
		{"umin32=", uint64(b.U32Min), false, b.U32Min == 0},
		{"umax32=", uint64(b.U32Max), false, b.U32Max == math.MaxUint32},
	}
	for i := range limits {
		m := &limits[i]
		if m.omit {
			continue
		}
		neg := m.signed && int64(m.val) < 0
		dst = appendSep(dst, sep)
		dst = append(dst, m.name...)
		for j := i + 2; j < len(limits); j += 2 {
			o := &limits[j]
			if o.omit || o.val != m.val || (o.signed && int64(o.val) < 0) != neg {
				continue
			}
			o.omit = true
			dst = append(dst, o.name...)
		}
		if m.signed {
			dst = appendSnum(dst, int64(m.val))
		} else {
			dst = appendUnum(dst, m.val)
		}
	}
	return dst
}

func appendSep(dst []byte, sep *bool) []byte {
	if *sep {
		dst = append(dst, ',')
	}
	*sep = true
	return dst
}

// appendReg writes the value of a register (print_reg_state). frame is whose
// register it is.
func (e *env) appendReg(dst []byte, frame uint32, r *RegState) []byte {
	t := r.Type
	if t == ScalarValue {
		if r.Precise {
			dst = append(dst, 'P')
		}
		if r.VarOff.IsConst() {
			return appendSnum(dst, int64(r.VarOff.Value))
		}
	}
	dst = t.Append(dst)
	switch t {
	case PtrToArena:
		return dst
	case PtrToStack:
		if frame != r.FrameNo {
			dst = append(dst, '[')
			dst = strconv.AppendUint(dst, uint64(r.FrameNo), 10)
			dst = append(dst, ']')
		}
		if r.VarOff.IsConst() {
			return appendSnum(dst, int64(r.VarOff.Value)+int64(r.Off))
		}
	}
	if t.Base() == PtrToBTFID {
		dst = append(dst, e.btfTypeName(r.btfHandle(), r.btfID())...)
	}
	dst = append(dst, '(')
	sep := false
	num := func(name string, v uint64) {
		dst = appendSep(dst, &sep)
		dst = append(dst, name...)
		dst = strconv.AppendUint(dst, v, 10)
	}
	if r.ID != 0 {
		num("id=", uint64(r.ID&^addConst))
	}
	if r.ID&addConst != 0 {
		if r.Off >= 0 {
			dst = append(dst, '+')
		}
		dst = strconv.AppendInt(dst, int64(r.Off), 10)
	}
	if r.RefObjID != 0 {
		num("ref_obj_id=", uint64(r.RefObjID))
	}
	if t.isNonOwnRef() {
		dst = appendSep(dst, &sep)
		dst = append(dst, "non_own_ref"...)
	}
	if t.hasMap() {
		if m := e.mapOf(r.mapHandle()); m != nil {
			if m.Name != "" {
				dst = appendSep(dst, &sep)
				dst = append(append(dst, "map="...), m.Name...)
			}
			num("ks=", uint64(m.KeySize))
			num("vs=", uint64(m.ValueSize))
		}
	}
	if t != ScalarValue && r.Off != 0 {
		dst = appendSep(dst, &sep)
		dst = appendSnum(append(dst, "off="...), int64(r.Off))
	}
	if t.isPkt() {
		dst = appendSep(dst, &sep)
		dst = appendUnum(append(dst, "r="...), uint64(int64(r.pktRange())))
	}
	if t.Base() == PtrToMem {
		dst = appendSep(dst, &sep)
		dst = appendUnum(append(dst, "sz="...), uint64(r.memSize()))
	}
	if t == ConstPtrToDynptr {
		dst = appendSep(dst, &sep)
		dst = append(append(dst, "type="...), dynptrType(r.A).String()...)
	}
	if r.VarOff.IsConst() {
		if r.VarOff.Value != 0 {
			dst = appendSep(dst, &sep)
			dst = appendSnum(append(dst, "imm="...), int64(r.VarOff.Value))
		}
	} else {
		dst = appendRanges(dst, &r.Bounds, &sep)
		if !r.VarOff.IsUnknown() {
			dst = appendSep(dst, &sep)
			dst = r.VarOff.Append(append(dst, "var_off="...))
		}
	}
	return append(dst, ')')
}

// appendState writes the registers and slots of f whose bits are set in the
// masks, with a newline (print_verifier_state).
func (e *env) appendState(dst []byte, f *FuncState, regs uint32, slots uint64) []byte {
	if f.FrameNo != 0 {
		dst = append(dst, " frame"...)
		dst = strconv.AppendUint(dst, uint64(f.FrameNo), 10)
		dst = append(dst, ':')
	}
	for i := range f.Regs {
		r := &f.Regs[i]
		if r.Type == NotInit || regs>>i&1 == 0 {
			continue
		}
		dst = strconv.AppendInt(append(dst, " R"...), int64(i), 10)
		dst = append(appendLive(dst, r.live), '=')
		dst = e.appendReg(dst, f.FrameNo, r)
	}
	for i := 0; i < len(f.Stack); i++ {
		if slots>>i&1 == 0 {
			continue
		}
		s := &f.Stack[i]
		var text [regSize]byte
		valid := false
		for j, t := range s.Types {
			text[j] = slotChars[t]
			valid = valid || t != SlotInvalid
		}
		if !valid {
			continue
		}
		switch s.Types[regSize-1] {
		case SlotSpill:
			n := 0
			for s.Types[n] != SlotSpill {
				n++
			}
			dst = append(appendSlotName(dst, i, s.Reg.live), text[:n]...)
			dst = e.appendReg(dst, f.FrameNo, &s.Reg)
		case SlotDynptr:
			i++
			if i >= len(f.Stack) {
				continue
			}
			dst = appendDynptr(appendSlotName(dst, i, f.Stack[i].Reg.live), &f.Stack[i].Reg)
		case SlotIter:
			if s.Reg.RefObjID == 0 {
				continue
			}
			dst = e.appendIter(appendSlotName(dst, i, s.Reg.live), &s.Reg)
		default:
			dst = append(appendSlotName(dst, i, s.Reg.live), text[:]...)
		}
	}
	sep := false
	if len(f.Refs) > 0 && f.Refs[0].ID != 0 {
		dst = append(dst, " refs="...)
		for _, ref := range f.Refs {
			if ref.ID != 0 {
				dst = appendSep(dst, &sep)
				dst = strconv.AppendUint(dst, uint64(ref.ID), 10)
			}
		}
	}
	if f.inCallback {
		dst = append(dst, " cb"...)
	}
	if f.inAsyncCallback {
		dst = append(dst, " async_cb"...)
	}
	return append(dst, '\n')
}

func appendSlotName(dst []byte, spi int, live uint8) []byte {
	dst = strconv.AppendInt(append(dst, " fp"...), int64(-(spi+1)*regSize), 10)
	return append(appendLive(dst, live), '=')
}

// appendDynptr writes a dynptr in its two slots; r is that of the lower one.
func appendDynptr(dst []byte, r *RegState) []byte {
	dst = append(append(append(dst, "dynptr_"...), dynptrType(r.A).String()...), '(')
	sep := false
	if r.ID != 0 {
		dst = appendSep(dst, &sep)
		dst = strconv.AppendUint(append(dst, "id="...), uint64(r.ID), 10)
	}
	if r.RefObjID != 0 {
		dst = appendSep(dst, &sep)
		dst = strconv.AppendUint(append(dst, "ref_id="...), uint64(r.RefObjID), 10)
	}
	// The kernel reads dynptr_id where the first_slot flag of a dynptr is.
	if r.B != 0 {
		dst = appendSep(dst, &sep)
		dst = strconv.AppendUint(append(dst, "dynptr_id="...), uint64(r.B), 10)
	}
	return append(dst, ')')
}

// printState logs all of a frame's state.
func (e *env) printState(f *FuncState) {
	e.log.buf = e.appendState(e.log.buf, f, ^uint32(0), ^uint64(0))
	e.log.trim()
}

// printTouched logs what was touched since the last time, and forgets it.
func (e *env) printTouched(f *FuncState) {
	e.log.buf = e.appendState(e.log.buf, f, e.scratchedRegs, e.scratchedSlots)
	e.scratchedRegs, e.scratchedSlots = 0, 0
	e.log.trim()
}

func (e *env) scratchReg(i int)  { e.scratchedRegs |= 1 << i }
func (e *env) scratchSlot(i int) { e.scratchedSlots |= 1 << (i & 63) }
func (e *env) scratchAll()       { e.scratchedRegs, e.scratchedSlots = ^uint32(0), ^uint64(0) }

// printInsnState logs what an instruction touched: behind its text on the same
// line when nothing was logged since, else on a line of its own
// (print_insn_state).
func (e *env) printInsnState() {
	if e.prevLogPos != 0 && e.prevLogPos == e.log.pos() {
		e.log.reset(e.prevLogPos - 1) // the newline
		n := e.prevPrintLen
		pad := (max(n+4, 40)+7)/8*8 - n - 1
		for range pad {
			e.log.buf = append(e.log.buf, ' ')
		}
		e.log.buf = append(e.log.buf, ';')
	} else {
		e.logf("%d:", e.insnIdx)
	}
	e.printTouched(e.cur.cur())
}

// logInsn writes an instruction as print_bpf_insn does: an atomic operation
// that 6.12 does not know has no opcode in front.
func (e *env) logInsn(pc int) {
	from := len(e.log.buf)
	e.log.buf = append(asm.AppendKernel(e.log.buf, e.insns, pc, &e.res), '\n')
	const opcode = len("(db) ")
	if e.insns[pc].Class() == isa.ClassSTX && bytes.HasPrefix(e.log.buf[from+opcode:], []byte("BUG_")) {
		e.log.buf = append(e.log.buf[:from], e.log.buf[from+opcode:]...)
	}
}

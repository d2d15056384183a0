package verifier

import (
	"skep/vm/isa"
)

// accessKind is a load or a store (enum bpf_access_type).
type accessKind uint8

const (
	readAccess  accessKind = 1
	writeAccess accessKind = 2
)

// accessSrc is who accesses memory (enum bpf_access_src).
type accessSrc uint8

const (
	accessDirect accessSrc = 1 // the instruction
	accessHelper accessSrc = 2 // a helper, through a pointer it was passed
)

func isStoreImm(i isa.Insn) bool { return i.Class() == isa.ClassST && i.Mode() == isa.ModeMem }

// slotIndex is where in its slot the byte lies that is i bytes above offset
// off of the stack.
func slotIndex(off, i int) int { return (-off - 1 - i) & (regSize - 1) }

// saveReg spills a register of size bytes into a slot (save_register_state).
func (e *env) saveReg(f *FuncState, spi int, r *RegState, size int) {
	s := &f.Stack[spi]
	s.Reg.copyFrom(r)
	if size == regSize {
		s.Reg.live |= liveWritten
	}
	for i := range s.Types {
		switch {
		case i >= regSize-size:
			s.Types[i] = SlotSpill
		case s.Types[i] != SlotZero && s.Types[i] != SlotInvalid:
			s.Types[i] = SlotMisc
		}
	}
}

// scrubSpecial makes bytes of a spill, dynptr or iterator (scrub_special_slot).
func scrubSpecial(s *StackSlot) {
	s.Reg.Type = NotInit
	if s.special() {
		scrubBytes(s)
	}
}

func scrubBytes(s *StackSlot) {
	for i := range s.Types {
		if s.Types[i] != SlotInvalid {
			s.Types[i] = SlotMisc
		}
	}
}

// checkStackBounds checks that an access stays in the stack, and makes the
// slots known (check_stack_access_within_bounds).
func (e *env) checkStackBounds(regno, off, size int, src accessSrc, kind accessKind) errno {
	r := &e.regs()[regno]
	f := e.fn(r)
	what := " write to"
	switch {
	case src == accessHelper:
		what = " indirect access to"
	case kind == readAccess:
		what = " read from"
	}
	var lo, hi int64
	if r.VarOff.IsConst() {
		lo = int64(r.VarOff.Value) + int64(off)
		hi = lo + int64(size)
	} else {
		if r.SMax >= maxVarOff || r.SMin <= -maxVarOff {
			e.logf("invalid unbounded variable-offset%s stack R%d\n", what, regno)
			e.traceCheck(CheckKindStack, regno, satAdd(r.SMin, int64(off)), satAdd(r.SMax, int64(off+size)), maxStack, true)
			return eacces
		}
		lo = r.SMin + int64(off)
		hi = r.SMax + int64(off) + int64(size)
	}
	lowest := -int64(len(f.Stack) * regSize)
	if kind == writeAccess || e.allowUninitStack {
		lowest = -maxStack
	}
	var err errno
	switch {
	case lo < lowest || lo > -1:
		err = eacces
	case hi > 0:
		err = einval
	case size < 0:
		err = efault
	}
	e.traceCheck(CheckKindStack, regno, lo, hi, -lowest, err != 0)
	if err != 0 {
		if r.VarOff.IsConst() {
			e.logf("invalid%s stack R%d off=%d size=%d\n", what, regno, off, size)
		} else {
			e.logf("invalid variable-offset%s stack R%d var_off=%s off=%d size=%d\n", what, regno, r.VarOff, off, size)
		}
		return err
	}
	e.growStack(f, int(-lo))
	return 0
}

// stackWrite is check_stack_write.
func (e *env) stackWrite(ptr, off, size, value, pc int) errno {
	r := &e.regs()[ptr]
	f := e.fn(r)
	if r.VarOff.IsConst() {
		return e.stackWriteFixed(f, off+int(int64(r.VarOff.Value)), size, value, pc)
	}
	return e.stackWriteVar(f, ptr, off, size, value, pc)
}

func (e *env) stackWriteFixed(f *FuncState, off, size, value, pc int) errno {
	in := e.insns[pc]
	spi := spiOf(off)
	s := &f.Stack[spi]
	if !e.allowPtrLeaks && s.isSpilled() && !s.isSpilledScalar() && size != regSize {
		e.logs("attempt to corrupt spilled pointer on stack\n")
		return eacces
	}
	cur := e.cur.cur()
	var r *RegState
	if value >= 0 {
		r = &cur.Regs[value]
	}
	if err := e.destroyDynptr(f, spi); err != 0 {
		return err
	}
	e.checkFastcallContract(f, pc, off)
	e.scratchSlot(spi)
	access := true
	switch {
	case r != nil && off%regSize == 0 && r.Type == ScalarValue && e.bpfCapable:
		fits := r.width() <= 8*size
		if fits {
			e.assignIDBeforeMov(r)
		}
		e.saveReg(f, spi, r, size)
		if !fits {
			s.Reg.ID = 0
		}
	case r == nil && off%regSize == 0 && isStoreImm(in) && e.bpfCapable:
		t := &e.fake[0]
		*t = RegState{RegHead: RegHead{Type: ScalarValue}}
		t.Bounds.setConst(uint64(int64(in.Imm)))
		e.saveReg(f, spi, t, size)
	case r != nil && r.Type.spillable():
		if size != regSize {
			e.printLine(pc, "; ")
			e.logs("invalid size of register spill\n")
			return eacces
		}
		if f != cur && r.Type == PtrToStack {
			e.logs("cannot spill pointers to stack into stack frame of the caller\n")
			return einval
		}
		e.saveReg(f, spi, r, size)
	default:
		t := SlotMisc
		scrubSpecial(s)
		if size == regSize {
			s.Reg.live |= liveWritten
		}
		if r != nil && r.isNull() || r == nil && isStoreImm(in) && in.Imm == 0 {
			if err := e.markPreciseValue(value); err != 0 {
				return err
			}
			t = SlotZero
		}
		for i := range size {
			s.Types[slotIndex(off, i)] = t
		}
		access = false
	}
	if access {
		e.pushHistory(histStackAccess, stackAccess(f.FrameNo, spi))
	}
	return 0
}

// markPreciseValue is markPrecise of a stored register; -1 is an immediate.
func (e *env) markPreciseValue(regno int) errno {
	if regno >= 0 {
		return e.markPrecise(regno)
	}
	if !e.bpfCapable {
		return 0
	}
	e.bt.frame = e.cur.curframe
	return e.markPreciseSet()
}

func (e *env) stackWriteVar(f *FuncState, ptr, off, size, value, pc int) errno {
	in := e.insns[pc]
	cur := e.cur.cur()
	r := &cur.Regs[ptr]
	lo, hi := int(r.SMin)+off, int(r.SMax)+off+size
	zero := value < 0 && isStoreImm(in) && in.Imm == 0 || value >= 0 && cur.Regs[value].isNull()
	zeroUsed := false
	for i := lo; i < hi; i++ {
		if err := e.destroyDynptr(f, spiOf(i)); err != 0 {
			return err
		}
	}
	e.checkFastcallContract(f, pc, lo)
	for i := lo; i < hi; i++ {
		spi := spiOf(i)
		s := &f.Stack[spi]
		t := &s.Types[slotIndex(i, 0)]
		e.scratchSlot(spi)
		if !e.allowPtrLeaks && *t != SlotMisc && *t != SlotZero {
			e.logf("spilled ptr in range of var-offset stack write; insn %d, ptr off: %d", pc, i)
			return einval
		}
		if zero && *t == SlotSpill && s.isSpilledScalar() && s.Reg.VarOff.Is(0) {
			zeroUsed = true
			continue
		}
		scrubSpecial(s)
		nt := SlotMisc
		if zero && *t == SlotZero {
			nt = SlotZero
			zeroUsed = true
		}
		if *t == SlotInvalid && !e.allowUninitStack {
			e.logf("uninit stack in range of var-offset write prohibited for !root; insn %d, off: %d", pc, i)
			return einval
		}
		*t = nt
	}
	if zeroUsed {
		return e.markPreciseValue(value)
	}
	return 0
}

// stackRead is check_stack_read. dst is -1 when the value goes nowhere.
func (e *env) stackRead(ptr, off, size, dst int) errno {
	r := &e.regs()[ptr]
	f := e.fn(r)
	if r.VarOff.IsConst() {
		return e.stackReadFixed(f, off+int(int64(r.VarOff.Value)), size, dst)
	}
	if dst < 0 {
		e.logf("variable offset stack pointer cannot be passed into helper function; var_off=%s off=%d size=%d\n", r.VarOff, off, size)
		return eacces
	}
	if err := e.stackInitialized(ptr, off, size, false, accessDirect, nil); err != 0 {
		return err
	}
	lo, hi := int(r.SMin)+off, int(r.SMax)+off+size
	e.readBytes(f, lo, hi, dst)
	e.checkFastcallContract(f, e.insnIdx, lo)
	return 0
}

// readBytes makes dst what the bytes lo..hi are (mark_reg_stack_read).
func (e *env) readBytes(f *FuncState, lo, hi, dst int) {
	zeros := 0
	for i := lo; i < hi; i++ {
		spi := spiOf(i)
		e.scratchSlot(spi)
		if f.Stack[spi].Types[slotIndex(i, 0)] != SlotZero {
			break
		}
		zeros++
	}
	r := &e.regs()[dst]
	if zeros == hi-lo {
		e.setConstZero(r)
	} else {
		e.setUnknown(r)
	}
	r.live |= liveWritten
}

func (e *env) stackReadFixed(f *FuncState, off, size, dst int) errno {
	spi := spiOf(off)
	s := &f.Stack[spi]
	e.scratchSlot(spi)
	e.checkFastcallContract(e.cur.cur(), e.insnIdx, off)
	access := true
	if s.isSpilled() {
		spilled := 1
		for i := regSize - 1; i > 0 && s.Types[i-1] == SlotSpill; i-- {
			spilled++
		}
		switch {
		case size != regSize || spilled != regSize:
			if s.Reg.Type != ScalarValue {
				e.printLine(e.insnIdx, "; ")
				e.logs("invalid size of register fill\n")
				return eacces
			}
			e.noteRead(&s.Reg, liveRead64)
			if dst < 0 {
				return 0
			}
			var err errno
			if access, err = e.fillPart(s, off, size, spilled, dst); err != 0 {
				return err
			}
			e.regs()[dst].live |= liveWritten
		case dst >= 0:
			d := &e.regs()[dst]
			d.copyFrom(&s.Reg)
			d.live |= liveWritten
		case !e.allowPtrLeaks && s.Reg.Type != ScalarValue:
			e.logf("leaking pointer from stack off %d\n", off)
			return eacces
		}
		e.noteRead(&s.Reg, liveRead64)
	} else {
		for i := range size {
			switch t := s.Types[slotIndex(off, i)]; {
			case t == SlotMisc, t == SlotZero, t == SlotInvalid && e.allowUninitStack:
			default:
				e.logf("invalid read from stack off %d+%d size %d\n", off, i, size)
				e.traceCheck(CheckKindStackInit, -1, int64(off), int64(off+size), int64(off+i), true)
				return eacces
			}
		}
		e.noteRead(&s.Reg, liveRead64)
		if dst >= 0 {
			e.readBytes(f, off, off+size, dst)
		}
		access = false
	}
	if access {
		e.pushHistory(histStackAccess, stackAccess(f.FrameNo, spi))
	}
	return 0
}

// fillPart loads a part of a spilled number, or more than it. access reports
// whether the value is the slot's, so that precision can follow it.
func (e *env) fillPart(s *StackSlot, off, size, spilled, dst int) (access bool, err errno) {
	d := &e.regs()[dst]
	if size <= spilled && off%regSize == 0 {
		def := d.subregDef
		d.copyFrom(&s.Reg)
		d.subregDef = def
		if s.Reg.width() > 8*size {
			d.clearScalarID()
		}
		return true, 0
	}
	spills, zeros := 0, 0
	for i := range size {
		switch t := s.Types[slotIndex(off, i)]; {
		case t == SlotSpill:
			spills++
		case t == SlotZero:
			zeros++
		case t == SlotMisc, t == SlotInvalid && e.allowUninitStack:
		default:
			e.logf("invalid read from stack off %d+%d size %d\n", off, i, size)
			e.traceCheck(CheckKindStackInit, -1, int64(off), int64(off+size), int64(off+i), true)
			return false, eacces
		}
	}
	switch {
	case spills == size && s.Reg.VarOff.Is(0):
		e.setConstZero(d)
		return true, 0
	case zeros == size:
		e.setConstZero(d)
	default:
		e.setUnknown(d)
	}
	return false, 0
}

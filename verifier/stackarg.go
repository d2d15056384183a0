package verifier

// stackInitialized checks that size bytes of stack may be read through a
// pointer; meta is of a helper call whose argument may be uninitialized
// (check_stack_range_initialized).
func (e *env) stackInitialized(regno, off, size int, zeroOK bool, src accessSrc, meta *callMeta) errno {
	r := &e.regs()[regno]
	f := e.fn(r)
	indirect := ""
	kind := readAccess
	if src == accessHelper {
		// A helper may write, too: what is read first may be anything after.
		indirect, kind = " indirect", writeAccess
	}
	if size == 0 && !zeroOK {
		e.logs("invalid zero-sized read\n")
		return eacces
	}
	if err := e.checkStackBounds(regno, off, size, src, kind); err != 0 {
		return err
	}
	var lo, hi int
	if r.VarOff.IsConst() {
		lo = int(int64(r.VarOff.Value)) + off
		hi = lo
	} else {
		if !e.bypassSpecV1 {
			e.logf("R%d%s variable offset stack access prohibited for !root, var_off=%s\n", regno, indirect, r.VarOff)
			return eacces
		}
		if meta != nil && meta.rawMode {
			meta = nil
		}
		lo, hi = int(r.SMin)+off, int(r.SMax)+off
	}
	hi += size
	if meta != nil && meta.rawMode {
		for i := lo; i < hi; i++ {
			spi := spiOf(i)
			if spi < len(f.Stack) && f.Stack[spi].Types[slotIndex(i, 0)] == SlotDynptr {
				e.logf("potential write to dynptr at off=%d disallowed\n", i)
				return eacces
			}
		}
		meta.accessSize, meta.regno = size, regno
		return 0
	}
	for i := lo; i < hi; i++ {
		spi := spiOf(i)
		if spi >= len(f.Stack) || spi < 0 {
			e.logs("verifier bug: allocated_stack too small")
			return efault
		}
		s := &f.Stack[spi]
		switch t := &s.Types[slotIndex(i, 0)]; {
		case *t == SlotMisc:
		case *t == SlotZero, *t == SlotInvalid && e.allowUninitStack:
			if src == accessHelper {
				*t = SlotMisc
			}
		case s.isSpilled() && (s.Reg.Type == ScalarValue || e.allowPtrLeaks):
			if src == accessHelper {
				e.setUnknown(&s.Reg)
				scrubBytes(s)
			}
		default:
			if r.VarOff.IsConst() {
				e.logf("invalid%s read from stack R%d off %d+%d size %d\n", indirect, regno, lo, i-lo, size)
			} else {
				e.logf("invalid%s read from stack R%d var_off %s+%d size %d\n", indirect, regno, r.VarOff, i-lo, size)
			}
			e.traceCheck(CheckKindStackInit, regno, int64(lo), int64(hi), int64(i), true)
			return eacces
		}
		e.noteRead(&s.Reg, liveRead64)
	}
	return 0
}

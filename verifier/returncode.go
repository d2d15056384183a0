package verifier

import "skep/vm/hook"

// checkReturnCode checks what the program returns (check_return_code).
func (e *env) checkReturnCode(regno int, name string) errno {
	f := e.cur.frame[0]
	sub := f.Subprog != 0
	bits32, note := false, false
	if e.prog.Type == hook.LSM && (!sub || f.inExceptionCallback) && e.attachType() != hook.LSMCgroup && e.voidTarget() {
		return 0
	}
	if e.prog.Type == hook.StructOps && (!sub || f.inExceptionCallback) && e.voidTarget() {
		return 0
	}
	if err := e.checkReg(regno, srcOp); err != 0 {
		return err
	}
	if e.isPointer(regno) {
		e.logf("R%d leaks addr as return value\n", regno)
		e.traceRefused(CheckKindNoLeak, regno, "the return value")
		return eacces
	}
	r := &e.regs()[regno]
	where, want := "At program exit", retRange{}
	switch {
	case f.inAsyncCallback:
		where = "At async callback return"
	case sub && !f.inExceptionCallback:
		if r.Type != ScalarValue {
			e.logf("At subprogram exit the register R%d is not a scalar value (%s)\n", regno, r.Type)
			return einval
		}
		return 0
	default:
		rr := hook.Return(e.prog.Type, e.attachType())
		want = retRange{rr.Min, rr.Max}
		switch {
		case e.prog.Type == hook.Tracing && !tracingAttach(e.attachType()):
			return enotsupp
		case e.prog.Type == hook.LSM && e.attachType() == hook.LSMMac:
			want, bits32 = e.lsmRange(), true
		case e.prog.Type == hook.StructOps:
			return 0
		case e.prog.Type == hook.LSM && e.attachType() == hook.LSMCgroup:
			if want = (retRange{0, 1}); e.voidTarget() {
				want, note = retRange{1, 1}, !sub
			}
		case rr.ByBTF && e.prog.Type != hook.RawTracepoint:
			return e.notModelled("return value by BTF")
		case !rr.Checked:
			return 0
		}
	}
	if r.Type != ScalarValue {
		e.logf("%s the register R%d is not a known value (%s)\n", where, regno, r.Type)
		return einval
	}
	if err := e.markPrecise(regno); err != 0 {
		return err
	}
	outside := int64(want.min) > r.SMin || r.SMax > int64(want.max)
	if bits32 {
		outside = want.min > r.S32Min || r.S32Max > want.max
	}
	e.traceCheck(CheckKindReturn, regno, int64(want.min), int64(want.max), 0, outside)
	if outside {
		e.invalidScalar(r, want, where, name)
		if note {
			e.logs("Note, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!\n")
		}
		return einval
	}
	return 0
}

// tracingAttach reports whether tracing programs of an attach type can end.
func tracingAttach(a hook.AttachType) bool {
	switch a {
	case hook.TraceRawTp, hook.TraceFentry, hook.TraceFexit, hook.ModifyReturn, hook.TraceIter:
		return true
	}
	return false
}

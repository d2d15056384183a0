package verifier

import "skep/vm/hook"

// checkReturnCode checks what the program returns (check_return_code).
func (e *env) checkReturnCode() errno {
	const regno = 0
	f := e.cur.frame[0]
	sub := f.Subprog != 0
	if err := e.checkReg(regno, srcOp); err != 0 {
		return err
	}
	if e.isPointer(regno) {
		e.logf("R%d leaks addr as return value\n", regno)
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
		if rr.ByBTF && e.prog.Type != hook.RawTracepoint {
			return e.notModelled("return value by BTF")
		}
		if !rr.Checked {
			return 0
		}
		want = retRange{rr.Min, rr.Max}
	}
	if r.Type != ScalarValue {
		e.logf("%s the register R%d is not a known value (%s)\n", where, regno, r.Type)
		return einval
	}
	if err := e.markPrecise(regno); err != 0 {
		return err
	}
	if int64(want.min) > r.SMin || r.SMax > int64(want.max) {
		e.invalidScalar(r, want, where, "R0")
		return einval
	}
	return 0
}

package verifier

import "skep/vm/isa"

// calleeSetup gives a function that the kernel calls its arguments.
type calleeSetup func(e *env, caller, callee *FuncState, pc int) errno

// enterFunc adds a frame to st (setup_func_entry).
func (e *env) enterFunc(sub, callsite int, setup calleeSetup, st *State) errno {
	if st.curframe+1 >= maxFrames {
		e.logf("the call stack of %d frames is too deep\n", st.curframe+2)
		return e2big
	}
	caller := st.cur()
	callee := e.pool.newFunc()
	st.frame[st.curframe+1] = callee
	e.initFunc(callee, callsite, uint32(st.curframe+1), sub)
	callee.Refs = append(callee.Refs[:0], caller.Refs...)
	if err := setup(e, caller, callee, callsite); err != 0 {
		e.pool.freeFunc(callee)
		st.frame[st.curframe+1] = nil
		return err
	}
	st.curframe++
	return 0
}

func passArgs(_ *env, caller, callee *FuncState, _ int) errno {
	copy(callee.Regs[1:6], caller.Regs[1:6])
	return 0
}

// checkFuncCall is check_func_call.
func (e *env) checkFuncCall(in isa.Insn) errno {
	sub := e.findSubprog(e.insnIdx + int(in.Imm) + 1)
	if sub < 0 {
		e.logf("verifier bug. No program starts at insn %d\n", e.insnIdx+int(in.Imm)+1)
		return efault
	}
	caller := e.cur.cur()
	err := e.checkSubprogCall(sub, &caller.Regs)
	if err == efault || err == enotmodel {
		return err
	}
	if e.subprogGlobal(sub) {
		return e.callGlobal(sub, err)
	}
	if err := e.enterFunc(sub, e.insnIdx, passArgs, e.cur); err != 0 {
		return err
	}
	e.clearCallerSaved(&caller.Regs)
	e.insnIdx = e.subprogs[sub].start - 1
	if e.log.level&logLevelAny != 0 {
		e.logs("caller:\n")
		e.printState(caller)
		e.logs("callee:\n")
		e.printState(e.cur.cur())
	}
	return 0
}

// callGlobal goes on behind a call of a global function: it is verified on its
// own. argErr is what its arguments came to.
func (e *env) callGlobal(sub int, argErr errno) errno {
	name := e.subprogName(sub)
	switch {
	case e.cur.lockMap != 0:
		e.logs("global function calls are not allowed while holding a lock,\nuse static function instead\n")
		return einval
	case e.cur.preempt != 0:
		e.logs("global function calls are not allowed with preemption disabled,\nuse static function instead\n")
		return einval
	case argErr != 0:
		e.logf("Caller passes invalid args into func#%d ('%s')\n", sub, name)
		return argErr
	}
	e.logf("Func#%d ('%s') is global and assumed valid.\n", sub, name)
	if e.subprogs[sub].changesPkt {
		e.forgetPackets()
	}
	e.subprogs[sub].called = true
	regs := e.regs()
	e.clearCallerSaved(regs)
	e.setUnknown(&regs[0])
	regs[0].subregDef = notSubreg
	return 0
}

// prepareExit goes back to the caller (prepare_func_exit). It returns the
// instruction to go on at.
func (e *env) prepareExit(pc int) (int, errno) {
	st := e.cur
	callee, caller := st.cur(), st.frame[st.curframe-1]
	r0 := &callee.Regs[0]
	if r0.Type == PtrToStack {
		e.logs("cannot return stack pointer to the caller\n")
		return 0, einval
	}
	inCallback := callee.inCallback
	next := callee.Callsite
	if inCallback {
		if r0.Type != ScalarValue {
			e.logs("R0 not a scalar value\n")
			return 0, eacces
		}
		if err := e.noteRead(r0, liveRead64); err != 0 {
			return 0, err
		}
		if err := e.markPrecise(0); err != 0 {
			return 0, err
		}
		if rr := callee.callbackRet; int64(rr.min) > r0.SMin || r0.SMax > int64(rr.max) {
			e.invalidScalar(r0, rr, "At callback return", "R0")
			return 0, einval
		}
		if !e.aux[callee.Callsite].callsCallback {
			e.logf("BUG: in callback at %d, callsite %d !calls_callback\n", pc, callee.Callsite)
			return 0, efault
		}
	} else {
		caller.Regs[0] = *r0
		caller.Refs = append(caller.Refs[:0], callee.Refs...)
		next++
	}
	if e.log.level&logLevelAny != 0 {
		e.logs("returning from callee:\n")
		e.printState(callee)
		e.logf("to caller at %d:\n", next)
		e.printState(caller)
	}
	e.pool.freeFunc(callee)
	st.frame[st.curframe] = nil
	st.curframe--
	if inCallback {
		if prev := e.findPrevEntry(st, next); prev != nil {
			e.widen(prev, st)
		}
	}
	return next, 0
}

// invalidScalar is verbose_invalid_scalar.
func (e *env) invalidScalar(r *RegState, want retRange, where, name string) {
	e.logf("%s the register %s has", where, name)
	unknown := true
	if r.SMin > -1<<63 {
		e.logf(" smin=%lld", r.SMin)
		unknown = false
	}
	if r.SMax < 1<<63-1 {
		e.logf(" smax=%lld", r.SMax)
		unknown = false
	}
	if unknown {
		e.logs(" unknown scalar value")
	}
	e.logf(" should have been in [%d, %d]\n", want.min, want.max)
}

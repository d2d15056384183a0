package verifier

import "skep/vm/isa"

// pushCallback queues the walk of a function that a helper calls
// (push_callback_call).
func (e *env) pushCallback(in isa.Insn, pc, sub int, setup calleeSetup) errno {
	caller := e.cur.cur()
	if err := e.checkSubprogCall(sub, &caller.Regs); err == efault || err == enotmodel {
		return err
	}
	e.subprogs[sub].isCB = true
	wq := isKfuncCall(in) && e.kfuncAt(pc).is("bpf_wq_set_callback_impl")
	if wq || isHelperCall(in) && asyncCallback(in.Imm) {
		e.subprogs[sub].isAsyncCB = true
		return e.pushAsync(pc, sub, setup, wq)
	}
	st, err := e.push(e.subprogs[sub].start, pc, false)
	if err != 0 {
		return err
	}
	if err := e.enterFunc(sub, pc, setup, st); err != 0 {
		return err
	}
	st.unrollDepth++
	st.frame[st.curframe-1].callbackDepth++
	caller.callbackDepth = 0
	return 0
}

// pushAsync queues a callback that runs on its own, later (push_async_cb).
func (e *env) pushAsync(pc, sub int, setup calleeSetup, sleepable bool) errno {
	st := e.pool.newState()
	e.stack = append(e.stack, stackElem{st, e.subprogs[sub].start, pc, e.log.pos()})
	if len(e.stack) > maxJumpSeq {
		e.logf("The sequence of %d jumps is too complex for async cb.\n", len(e.stack))
		e.dropPaths()
		return e2big
	}
	st.branches = 1
	st.sleeping = sleepable
	st.histStart = e.cur.histEnd
	st.histEnd = st.histStart
	f := e.pool.newFunc()
	e.initFunc(f, mainCallsite, 0, sub)
	st.frame[0] = f
	caller := e.cur.cur()
	f.asyncEntry = caller.asyncEntry + 1
	e.trace(Event{Kind: EventPush, Insn: e.subprogs[sub].start, State: st})
	return setup(e, caller, f, pc)
}

// callbackArgs finishes a callee: registers from first on are unset, and its
// result must be 0 or 1.
func (e *env) callbackArgs(callee *FuncState, first int) {
	for i := first; i <= 5; i++ {
		e.setNotInit(&callee.Regs[i])
	}
	callee.inCallback = true
	callee.callbackRet = retRange{0, 1}
}

// mapPtr makes r a pointer of type t to m's key or value.
func (r *RegState) mapPtr(t RegType, m, uid uint32) {
	r.Type = t
	r.setKnown(0)
	r.setMap(m, uid)
}

func setMapElemCallback(e *env, caller, callee *FuncState, pc int) errno {
	m := e.mapOf(e.aux[pc].callMap)
	if m == nil || !m.perElemCallback() {
		e.logs("callback function not allowed for map\n")
		return enotsupp
	}
	r := &caller.Regs[1]
	callee.Regs[1] = *r
	callee.Regs[2].mapPtr(PtrToMapKey, r.mapHandle(), r.mapUID())
	callee.Regs[3].mapPtr(PtrToMapValue, r.mapHandle(), r.mapUID())
	callee.Regs[4] = caller.Regs[3]
	e.callbackArgs(callee, 5)
	return 0
}

func setLoopCallback(e *env, caller, callee *FuncState, _ int) errno {
	callee.Regs[1].Type = ScalarValue
	callee.Regs[2] = caller.Regs[3]
	e.callbackArgs(callee, 3)
	return 0
}

func setTimerCallback(e *env, caller, callee *FuncState, _ int) errno {
	m, uid := caller.Regs[1].mapHandle(), caller.Regs[1].mapUID()
	callee.Regs[1].mapPtr(ConstPtrToMap, m, uid)
	callee.Regs[2].mapPtr(PtrToMapKey, m, uid)
	callee.Regs[3].mapPtr(PtrToMapValue, m, uid)
	e.setNotInit(&callee.Regs[4])
	e.setNotInit(&callee.Regs[5])
	callee.inAsyncCallback = true
	callee.callbackRet = retRange{0, 1}
	return 0
}

func setUserRingbufCallback(e *env, caller, callee *FuncState, _ int) errno {
	e.setNotInit(&callee.Regs[0])
	callee.Regs[1].setDynptr(dynptrLocal, true, e.newID())
	callee.Regs[2] = caller.Regs[3]
	e.callbackArgs(callee, 3)
	return 0
}

// loopFlagZero is loop_flag_is_zero.
func (e *env) loopFlagZero() bool {
	if !e.regs()[4].isNull() {
		return false
	}
	e.markPrecise(4)
	return true
}

// noteLoop finds out whether a call of bpf_loop can be inlined
// (update_loop_inline_state).
func (e *env) noteLoop(sub int) {
	a := &e.aux[e.insnIdx]
	switch {
	case !a.loopInit:
		a.loopInit = true
		a.loopInline = e.loopFlagZero()
		a.loopCallback = sub
	case a.loopInline:
		a.loopInline = e.loopFlagZero() && a.loopCallback == sub
	}
}

func setFindVMACallback(e *env, caller, callee *FuncState, _ int) errno {
	id := e.kernelStruct("vm_area_struct")
	if id == 0 {
		return e.notModelled("bpf_find_vma")
	}
	callee.Regs[1] = caller.Regs[1]
	callee.Regs[2].Type = PtrToBTFID
	callee.Regs[2].setKnown(0)
	callee.Regs[2].setBTF(btfKernel, uint32(id))
	callee.Regs[3] = caller.Regs[4]
	e.callbackArgs(callee, 4)
	return 0
}

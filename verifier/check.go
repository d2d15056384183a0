package verifier

import (
	"skep/vm/isa"
)

// doCheckMain walks all paths of the main program.
func (e *env) doCheckMain() errno {
	e.insnIdx = 0
	return e.doCheckCommon(0)
}

// doCheckSubprogs walks the global functions that something calls, each once,
// in rounds: a function may call another (do_check_subprogs).
func (e *env) doCheckSubprogs() errno {
	if len(e.funcs) == 0 {
		return 0
	}
	if e.exCB != 0 {
		e.subprogs[e.exCB].called = true
	}
	for again := true; again; {
		again = false
		for i := 1; i+1 < len(e.subprogs); i++ {
			sub := &e.subprogs[i]
			if !e.subprogGlobal(i) || !sub.called || sub.verified {
				continue
			}
			e.insnIdx = sub.start
			if err := e.doCheckCommon(i); err != 0 {
				return err
			}
			if e.log.level&logLevelAny != 0 {
				e.logf("Func#%d ('%s') is safe for any args that match its prototype\n", i, e.subprogName(i))
			}
			sub.verified = true
			again = true
		}
	}
	return 0
}

// doCheckCommon walks all paths of a function that is an entry.
func (e *env) doCheckCommon(sub int) errno {
	e.prevLine = -1
	e.passCount++
	st := e.pool.newState()
	st.branches = 1
	st.frame[0] = e.pool.newFunc()
	e.cur = st
	e.initFunc(st.frame[0], mainCallsite, 0, sub)
	st.firstInsn, st.lastInsn = e.subprogs[sub].start, -1
	err := e.entryArgs(sub)
	if err == 0 {
		e.trace(Event{Kind: EventEntry, Insn: e.insnIdx, State: st})
		err = e.doCheck()
		e.trace(Event{Kind: EventEnd, Insn: e.insnIdx, State: e.cur, Refused: err != 0 && err < enotmodel, Stopped: err >= enotmodel})
	}
	if err == 0 && e.log.level&LogLevel2 == 0 {
		e.log.reset(0)
	}
	e.freeStates()
	return err
}

// doCheck is the walk: it checks an instruction after the other, and when a
// path ends goes on with the last one queued (do_check).
func (e *env) doCheck() errno {
	printState := false
	prev := -1
	for {
		e.curHist = -1
		e.prevInsn = prev
		if e.insnIdx >= len(e.insns) || e.insnIdx < 0 {
			e.logf("invalid insn idx %d insn_cnt %d\n", e.insnIdx, len(e.insns))
			return efault
		}
		in := e.insns[e.insnIdx]
		e.insnProcessed++
		if e.insnProcessed > isa.MaxInsns {
			e.logf("BPF program is too large. Processed %d insn\n", e.insnProcessed)
			e.traceCheck(CheckKindBudget, -1, 0, 0, isa.MaxInsns, true)
			return e2big
		}
		if e.insnProcessed&1023 == 0 {
			if err := e.yield(); err != 0 {
				return err
			}
		}
		e.cur.lastInsn = e.prevInsn
		aux := &e.aux[e.insnIdx]
		if aux.prunePoint {
			pruned, err := e.stateVisited(e.insnIdx)
			if err != 0 {
				return err
			}
			if pruned {
				if e.log.level&logLevelAny != 0 {
					if printState {
						e.logf("\nfrom %d to %d%s: safe\n", e.prevInsn, e.insnIdx, e.speculativeNote())
					} else {
						e.logf("%d: safe\n", e.insnIdx)
					}
				}
				if !e.nextPath(&prev) {
					return 0
				}
				printState = true
				continue
			}
		}
		if aux.jmpPoint {
			e.pushHistory(0, 0)
		}
		if e.log.level&LogLevel2 != 0 && printState {
			e.logf("\nfrom %d to %d%s:", e.prevInsn, e.insnIdx, e.speculativeNote())
			e.printState(e.cur.cur())
			printState = false
		}
		if e.log.level&logLevelAny != 0 {
			if e.scratchedRegs != 0 || e.scratchedSlots != 0 {
				e.printInsnState()
			}
			e.printLine(e.insnIdx, "; ")
			start := e.log.pos()
			e.logf("%d: ", e.insnIdx)
			e.logInsn(e.insnIdx)
			e.prevPrintLen = e.log.pos() - start
			e.prevLogPos = e.log.pos()
			e.log.trim()
		}
		if len(e.cfg.Overrides) > 0 {
			if err := e.override(); err != 0 {
				return err
			}
		}
		if e.tracer != nil {
			e.trace(Event{Kind: EventStep, Insn: e.insnIdx, State: e.cur})
		}
		if !e.cur.speculative {
			aux.seen = e.passCount
		}
		prev = e.insnIdx
		next, err := e.checkInsn(in)
		if err != 0 {
			return err
		}
		switch next {
		case nextInsn:
			e.insnIdx++
		case nextDone:
			if !e.nextPath(&prev) {
				return 0
			}
			printState = true
		case nextReturn:
			printState = true
		}
	}
}

// next says where the walk goes after an instruction.
type next uint8

const (
	nextInsn   next = iota // to the one behind
	nextJump               // to insnIdx
	nextDone               // the path ended
	nextReturn             // to insnIdx, in the caller
)

func (e *env) speculativeNote() string {
	if e.cur.speculative {
		return " (speculative execution)"
	}
	return ""
}

// nextPath ends the current path and takes up the last one queued; false when
// there is none.
func (e *env) nextPath(prev *int) bool {
	e.trace(Event{Kind: EventExit, Insn: *prev, State: e.cur})
	e.scratchAll()
	pathDone(e.cur)
	p, i, ok := e.pop()
	if !ok {
		return false
	}
	*prev, e.insnIdx = p, i
	e.trace(Event{Kind: EventPop, Insn: i, State: e.cur})
	return true
}

// checkInsn checks the current instruction by its class.
func (e *env) checkInsn(in isa.Insn) (next, errno) {
	switch in.Class() {
	case isa.ClassALU, isa.ClassALU64:
		return nextInsn, e.checkALU(in)
	case isa.ClassLDX:
		return nextInsn, e.checkLoad1(in)
	case isa.ClassSTX:
		if in.Mode() == isa.ModeAtomic {
			return nextInsn, e.checkAtomic(in)
		}
		if in.Mode() != isa.ModeMem || in.Imm != 0 {
			e.logs("BPF_STX uses reserved fields\n")
			return 0, einval
		}
		return nextInsn, e.checkStore(in)
	case isa.ClassST:
		if in.Mode() != isa.ModeMem || in.Src != 0 {
			e.logs("BPF_ST uses reserved fields\n")
			return 0, einval
		}
		return nextInsn, e.checkStoreImm(in)
	case isa.ClassJMP, isa.ClassJMP32:
		e.jmpsProcessed++
		switch in.JmpOp() {
		case isa.JmpCall:
			return e.checkCall(in)
		case isa.JmpA:
			return e.checkJump(in)
		case isa.JmpExit:
			return e.checkExit(in)
		}
		return nextInsn, e.checkCondJmp(in)
	}
	switch in.Mode() {
	case isa.ModeAbs, isa.ModeInd:
		return nextInsn, e.checkLdAbs(in)
	case isa.ModeImm:
		if err := e.checkLdImm(in); err != 0 {
			return 0, err
		}
		e.insnIdx++
		if !e.cur.speculative {
			e.aux[e.insnIdx].seen = e.passCount
		}
		return nextInsn, 0
	}
	e.logs("invalid BPF_LD mode\n")
	return 0, einval
}

func (e *env) checkJump(in isa.Insn) (next, errno) {
	jmp32 := in.Class() == isa.ClassJMP32
	if in.Source() != isa.SrcK || in.Src != 0 || in.Dst != 0 || !jmp32 && in.Imm != 0 || jmp32 && in.Off != 0 {
		e.logs("BPF_JA uses reserved fields\n")
		return 0, einval
	}
	if jmp32 {
		e.insnIdx += int(in.Imm) + 1
	} else {
		e.insnIdx += int(in.Off) + 1
	}
	return nextJump, 0
}

// checkCall checks a call of a function of the program, a kernel function or
// a helper.
func (e *env) checkCall(in isa.Insn) (next, errno) {
	if in.Source() != isa.SrcK || in.Src != isa.PseudoKfuncCall && in.Off != 0 || in.Src > isa.PseudoKfuncCall ||
		in.Dst != 0 || in.Class() == isa.ClassJMP32 {
		e.logs("BPF_CALL uses reserved fields\n")
		return 0, einval
	}
	if e.cur.lockMap != 0 {
		k := e.kfuncAt(e.insnIdx)
		if in.Src == 0 && in.Imm != fnSpinUnlock ||
			in.Src == isa.PseudoKfuncCall && (in.Off != 0 || k == nil || !graphKfunc(k.name)) {
			e.logs("function calls are not allowed while holding a lock\n")
			return 0, einval
		}
	}
	var err errno
	switch in.Src {
	case isa.PseudoCall:
		err = e.checkFuncCall(in)
	case isa.PseudoKfuncCall:
		var throws bool
		throws, err = e.checkKfuncCall(in)
		if err == 0 && throws {
			return e.leave(true)
		}
	default:
		err = e.checkHelperCall(in)
	}
	if err != 0 {
		return 0, err
	}
	e.scratchReg(0)
	return nextInsn, 0
}

// checkExit checks the end of a function.
func (e *env) checkExit(in isa.Insn) (next, errno) {
	if in.Source() != isa.SrcK || in.Imm != 0 || in.Src != 0 || in.Dst != 0 || in.Class() == isa.ClassJMP32 {
		e.logs("BPF_EXIT uses reserved fields\n")
		return 0, einval
	}
	return e.leave(false)
}

// leave ends a function, or with thrown the program.
func (e *env) leave(thrown bool) (next, errno) {
	st := e.cur
	if thrown || st.curframe == 0 {
		missing := func(region, end string) (next, errno) {
			if thrown {
				e.logf("bpf_throw cannot be used inside %s region\n", region)
			} else {
				e.logs(end)
			}
			e.traceRefused(CheckKindUnlocked, -1, region)
			return 0, einval
		}
		switch {
		case st.lockMap != 0:
			return missing("bpf_spin_lock-ed", "bpf_spin_unlock is missing\n")
		case st.rcuLock:
			return missing("bpf_rcu_read_lock-ed", "bpf_rcu_read_unlock is missing\n")
		case st.preempt != 0 && thrown:
			return missing("bpf_preempt_disable-ed", "")
		case st.preempt != 0:
			s := "(s) are"
			if st.preempt == 1 {
				s = " is"
			}
			e.logf("%d bpf_preempt_enable%s missing\n", st.preempt, s)
			e.traceRefused(CheckKindUnlocked, -1, "preempt")
			return 0, einval
		}
	}
	if err := e.checkRefLeak(thrown); err != 0 {
		return 0, err
	}
	if thrown {
		return nextDone, 0
	}
	if st.curframe != 0 {
		idx, err := e.prepareExit(e.insnIdx)
		if err != 0 {
			return 0, err
		}
		e.insnIdx = idx
		return nextReturn, 0
	}
	if err := e.checkReturnCode(0, "R0"); err != 0 {
		return 0, err
	}
	return nextDone, 0
}

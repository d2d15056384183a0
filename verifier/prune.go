package verifier

// stateList is a checkpoint in the list of its bucket
// (struct bpf_verifier_state_list).
type stateList struct {
	state     *State
	next      *stateList
	miss, hit int
}

// exploredAt is the list that holds the checkpoints at an instruction in the
// current frame. As in the kernel it may hold others too.
func (e *env) exploredAt(insn int) **stateList {
	h := uint32(int32(insn) ^ int32(e.cur.cur().Callsite))
	return &e.explored[h%uint32(len(e.explored))]
}

// findPrevEntry is the checkpoint at insn that the current path came through
// earlier, nil when there is none (find_prev_entry).
func (e *env) findPrevEntry(cur *State, insn int) *State {
	for sl := *e.exploredAt(insn); sl != nil; sl = sl.next {
		st := sl.state
		if st.insnIdx == insn && st.branches != 0 && sameCallsites(st, cur) && st.dfsDepth < cur.dfsDepth {
			return st
		}
	}
	return nil
}

// stateVisited decides whether the path ends because a checkpoint covers it,
// and whether to make one here (is_state_visited).
func (e *env) stateVisited(insn int) (pruned bool, err errno) {
	cur := e.cur
	aux := &e.aux[insn]
	force := e.testStateFreq || aux.forceCheckpoint || cur.histEnd-cur.histStart > 40
	add := force
	// Not at every branch: comparing costs more than walking a few twice.
	if e.jmpsProcessed-e.prevJmpsProcessed >= 2 && e.insnProcessed-e.prevInsnProcessed >= 8 {
		add = true
	}
	e.cleanLive(insn, cur)
	count := 0
	for pp := e.exploredAt(insn); *pp != nil; {
		sl := *pp
		count++
		if sl.state.insnIdx != insn {
			pp = &sl.next
			continue
		}
		hit := false
		if sl.state.branches != 0 {
			hit, err = e.loopCheck(sl.state, insn)
			if err != 0 {
				return false, err
			}
			// In a loop that is not finished, fewer checkpoints.
			if !hit && !force && e.jmpsProcessed-e.prevJmpsProcessed < 20 &&
				e.insnProcessed-e.prevInsnProcessed < 100 {
				add = false
			}
		} else {
			le := loopEntryOf(sl.state)
			how := notExact
			if le != nil && le.branches > 0 {
				how = rangeWithin
			}
			if hit = e.statesEqual(sl.state, cur, how); hit && how == rangeWithin {
				updateLoopEntry(cur, le)
			}
		}
		if hit {
			sl.hit++
			return true, e.cover(sl.state)
		}
		if add {
			sl.miss++
		}
		// A checkpoint that covers too little is forgotten.
		n := 3
		if aux.forceCheckpoint && sl.state.branches > 0 {
			n = 64
		}
		if sl.miss > sl.hit*n+n {
			*pp = sl.next
			if sl.state.frame[0].Regs[0].live&liveDone != 0 && !sl.state.usedLoopEntry {
				e.freeList1(sl)
				e.peakStates--
			} else {
				e.freeList = append(e.freeList, sl)
			}
			continue
		}
		pp = &sl.next
	}
	e.maxStatesPerInsn = max(e.maxStatesPerInsn, count)
	if !e.bpfCapable && count > maxStatesInsn || !add {
		return false, 0
	}
	return false, e.checkpoint(insn)
}

// loopCheck compares with a checkpoint that the current path came through: an
// iterator or callback may have converged, or the loop is infinite.
func (e *env) loopCheck(old *State, insn int) (hit bool, err errno) {
	cur := e.cur
	aux := &e.aux[insn]
	if f := old.cur(); f.inAsyncCallback && f.asyncEntry != cur.cur().asyncEntry {
		return false, 0
	}
	if aux.iterNext {
		if e.statesEqual(old, cur, rangeWithin) {
			r := &cur.cur().Regs[1]
			spi := spiOf(int(r.Off) + int(r.VarOff.Value))
			if f := e.fn(r); spi >= 0 && spi < len(f.Stack) && f.Stack[spi].Reg.C&3 == iterActive {
				updateLoopEntry(cur, old)
				return true, 0
			}
		}
		return false, 0
	}
	if isMayGoto(e.insns[insn]) && old.mayGotoDepth != cur.mayGotoDepth && e.statesEqual(old, cur, rangeWithin) {
		updateLoopEntry(cur, old)
		return true, 0
	}
	if aux.callsCallback {
		return e.statesEqual(old, cur, rangeWithin), 0
	}
	if maybeLooping(old, cur) && e.statesEqual(old, cur, exact) && !iterDepthsDiffer(old, cur) &&
		old.mayGotoDepth == cur.mayGotoDepth && old.unrollDepth == cur.unrollDepth {
		e.printLine(insn, "; ")
		e.logf("infinite loop detected at insn %d\n", insn)
		e.logs("cur state:")
		e.printState(cur.cur())
		e.logs("old state:")
		e.printState(old.frame[cur.curframe])
		return false, einval
	}
	return false, 0
}

// cover ends the path at a checkpoint that covers it: what mattered behind the
// checkpoint matters on this path.
func (e *env) cover(old *State) errno {
	e.trace(Event{Kind: EventPrune, Insn: e.insnIdx, State: e.cur, Other: old})
	err := e.propagateLiveness(old, e.cur)
	if err == 0 && e.aux[e.insnIdx].jmpPoint {
		e.pushHistory(0, 0)
	}
	if err == 0 {
		err = e.propagatePrecise(old)
	}
	return err
}

// checkpoint makes a copy of the current state, which becomes its parent.
func (e *env) checkpoint(insn int) errno {
	cur := e.cur
	memory := e.cfg.MaxMemory
	if memory <= 0 {
		memory = 1 << 30
	}
	if e.pool.bytes > memory {
		return e.notModelled("more than " + itoa(memory>>20) + " MiB of states")
	}
	e.totalStates++
	e.peakStates++
	e.prevJmpsProcessed, e.prevInsnProcessed = e.jmpsProcessed, e.insnProcessed
	if e.bpfCapable {
		forgetPrecise(cur)
	}
	st := e.pool.newState()
	e.pool.copyState(st, cur)
	st.insnIdx = insn
	cur.parent = st
	cur.firstInsn = insn
	cur.histStart = cur.histEnd
	cur.dfsDepth = st.dfsDepth + 1
	head := e.exploredAt(insn)
	*head = e.newList(st, *head)
	for i, f := range cur.Frames() {
		n := st.frame[i]
		first := 0
		if i < cur.curframe {
			first = 6
		}
		for j := 0; j < fpReg; j++ {
			if j >= first {
				f.Regs[j].parent = &n.Regs[j]
			}
			f.Regs[j].live = 0
		}
		for j := range f.Stack {
			f.Stack[j].Reg.live = 0
			f.Stack[j].Reg.parent = &n.Stack[j].Reg
		}
	}
	e.trace(Event{Kind: EventCover, Insn: insn, State: st})
	return 0
}

func (e *env) newList(st *State, next *stateList) *stateList {
	if n := len(e.pool.lists); n > 0 {
		sl := e.pool.lists[n-1]
		e.pool.lists = e.pool.lists[:n-1]
		*sl = stateList{state: st, next: next}
		return sl
	}
	return &stateList{state: st, next: next}
}

func (e *env) freeList1(sl *stateList) {
	e.pool.freeState(sl.state)
	*sl = stateList{}
	e.pool.lists = append(e.pool.lists, sl)
}

// freeStates gives back the states of a function's walk, before the next.
func (e *env) freeStates() {
	for i, sl := range e.explored {
		for sl != nil {
			next := sl.next
			e.freeList1(sl)
			sl = next
		}
		e.explored[i] = nil
	}
	for _, sl := range e.freeList {
		e.freeList1(sl)
	}
	for i := range e.stack {
		e.pool.freeState(e.stack[i].st)
	}
	if e.cur != nil {
		e.pool.freeState(e.cur)
		e.cur = nil
	}
	e.freeList, e.stack = e.freeList[:0], e.stack[:0]
	e.hist = e.hist[:0]
}

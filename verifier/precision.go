package verifier

import (
	"math/bits"
)

// markPrecise notes that the exact value of a scalar register decides what
// follows: checkpoints on the path must be compared by it (mark_chain_precision).
func (e *env) markPrecise(regno int) errno {
	if !e.bpfCapable {
		return 0
	}
	e.bt.frame = e.cur.curframe
	if regno >= 0 {
		if e.cur.cur().Regs[regno].Type != ScalarValue {
			return efault
		}
		e.bt.regs[e.bt.frame] |= 1 << regno
	}
	return e.markPreciseSet()
}

// markPreciseSet goes back over the path with the set in bt.
func (e *env) markPreciseSet() errno {
	b := &e.bt
	if b.empty() {
		return 0
	}
	st := e.cur
	first, last, next := st.firstInsn, e.insnIdx, -1
	skip, logged := true, e.log.level&LogLevel2 != 0
	for {
		start, end := st.histStart, st.histEnd
		if logged {
			e.logf("mark_precise: frame%d: last_idx %d first_idx %d subseq_idx %d \n", b.frame, last, first, next)
		}
		if last < 0 {
			return e.preciseEntry(st)
		}
		for i := last; ; {
			var err errno
			if h := e.histAt(start, end, i); skip {
				skip = false
			} else if h != nil || logged || !plainDst[e.insns[i].Op] || b.reg(e.insns[i].Dst) {
				err = e.backtrackInsn(i, next, h)
			}
			e.traceBack(i)
			if err == errGiveUp {
				e.allPrecise(e.cur)
				*b = backtrack{}
				return 0
			}
			if err != 0 {
				return err
			}
			if b.empty() {
				return 0
			}
			next = i
			p, ok := e.prevOnPath(st, i, start, &end)
			if !ok {
				break
			}
			if p >= len(e.insns) || p < 0 {
				return e.btBug("BUG backtracking idx %d\n", p)
			}
			i = p
		}
		st = st.parent
		if st == nil {
			break
		}
		if err := e.preciseParent(st); err != 0 {
			return err
		}
		if b.empty() {
			return 0
		}
		next, last, first = first, st.lastInsn, st.firstInsn
	}
	if !b.empty() {
		e.allPrecise(e.cur)
		*b = backtrack{}
	}
	return 0
}

// preciseEntry ends at the entry of a global function, whose arguments are
// precise then.
func (e *env) preciseEntry(st *State) errno {
	b := &e.bt
	f := st.frame[0]
	if st.curframe == 0 && f.Subprog > 0 && f.Callsite == mainCallsite &&
		b.slots[b.frame] == 0 && b.regs[b.frame]&^argRegs == 0 {
		for m := b.regs[b.frame]; m != 0; m &= m - 1 {
			if r := &f.Regs[bits.TrailingZeros32(m)]; r.Type == ScalarValue {
				r.Precise = true
			}
		}
		b.regs[b.frame] = 0
		return 0
	}
	e.logf("BUG backtracking func entry subprog %d reg_mask %x stack_mask %llx\n", f.Subprog, b.regs[b.frame], b.slots[b.frame])
	return efault
}

// preciseParent marks the set in a checkpoint; what is precise there already
// leaves the set.
func (e *env) preciseParent(st *State) errno {
	b := &e.bt
	for fr := b.frame; fr >= 0; fr-- {
		f := st.frame[fr]
		for m := b.regs[fr]; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			r := &f.Regs[i]
			if r.Type != ScalarValue || r.Precise {
				b.regs[fr] &^= 1 << i
				continue
			}
			r.Precise = true
			e.tracePrecise(st, fr, i)
		}
		for m := b.slots[fr]; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			if i >= len(f.Stack) {
				e.logf("BUG backtracking (stack slot %d, total slots %d)\n", i, len(f.Stack))
				return efault
			}
			s := &f.Stack[i]
			if !s.isSpilledScalar() || s.Reg.Precise {
				b.slots[fr] &^= 1 << i
				continue
			}
			s.Reg.Precise = true
			e.tracePrecise(st, fr, -1-i)
		}
		if e.log.level&LogLevel2 != 0 {
			e.logMasks(fr, "parent state ")
			e.logs(": ")
			e.printState(f)
		}
	}
	return 0
}

// allPrecise gives up: everything on the path is precise
// (mark_all_scalars_precise).
func (e *env) allPrecise(st *State) {
	log := e.log.level&LogLevel2 != 0
	if log {
		e.logf("mark_precise: frame%d: falling back to forcing all scalars precise\n", st.curframe)
	}
	for st = st.parent; st != nil; st = st.parent {
		for i, f := range st.Frames() {
			for j := 0; j < fpReg; j++ {
				if r := &f.Regs[j]; r.Type == ScalarValue && !r.Precise {
					r.Precise = true
					e.tracePrecise(st, i, j)
					if log {
						e.logf("force_precise: frame%d: forcing r%d to be precise\n", i, j)
					}
				}
			}
			for j := range f.Stack {
				if s := &f.Stack[j]; s.isSpilledScalar() && !s.Reg.Precise {
					s.Reg.Precise = true
					e.tracePrecise(st, i, -1-j)
					if log {
						e.logf("force_precise: frame%d: forcing fp%d to be precise\n", i, -(j+1)*regSize)
					}
				}
			}
		}
	}
}

// forgetPrecise makes the scalars of a new checkpoint imprecise: what follows
// decides again (mark_all_scalars_imprecise).
func forgetPrecise(st *State) {
	for _, f := range st.Frames() {
		for j := 0; j < fpReg; j++ {
			if r := &f.Regs[j]; r.Type == ScalarValue {
				r.Precise = false
			}
		}
		for j := range f.Stack {
			if s := &f.Stack[j]; s.isSpilledScalar() {
				s.Reg.Precise = false
			}
		}
	}
}

// propagatePrecise makes precise on the current path what is in old, which
// covers it (propagate_precision).
func (e *env) propagatePrecise(old *State) errno {
	log := e.log.level&LogLevel2 != 0
	for fr := old.curframe; fr >= 0; fr-- {
		f := old.frame[fr]
		first := true
		note := func(format string, n int) {
			if log {
				if first {
					e.logf("frame %d: propagating ", fr)
				} else {
					e.logs(",")
				}
				e.logf(format, n)
			}
			first = false
		}
		for i := 0; i < fpReg; i++ {
			if r := &f.Regs[i]; r.Type == ScalarValue && r.Precise && r.live&liveRead != 0 {
				note("r%d", i)
				e.bt.regs[fr] |= 1 << i
			}
		}
		for i := range f.Stack {
			if s := &f.Stack[i]; s.isSpilledScalar() && s.Reg.Precise && s.Reg.live&liveRead != 0 {
				note("fp%d", -(i+1)*regSize)
				e.bt.slots[fr] |= 1 << i
			}
		}
		if !first {
			e.logs("\n")
		}
	}
	if !e.bpfCapable {
		return 0
	}
	e.bt.frame = e.cur.curframe
	return e.markPreciseSet()
}

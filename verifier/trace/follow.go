package trace

import "skep/verifier"

// Concrete is a state of a run: the instruction that is about to be executed
// and the registers of the current frame.
type Concrete struct {
	Insn int
	Regs [numRegs]Value
}

// Value is a register of a run.
type Value struct {
	Bits    uint64
	Pointer bool // an address or a map, whose bits mean nothing to the verifier
}

// Followed says where a state of a run lies in the verification.
type Followed struct {
	Step int // that arrives there; -1 when the run went where no path leads
	// Comparable has a bit for each register of which the state before the
	// step must hold the value of the run. The others hold what did not
	// matter: the run went on along a path that covers it only in what does.
	Comparable uint32
}

// Follow finds the path that a run of the main program took, step for step.
func (t *Trace) Follow(run []Concrete) []Followed {
	f := follower{t: t, loose: map[Loc]bool{}}
	out := make([]Followed, len(run))
	for i := range out {
		out[i].Step = -1
	}
	if len(run) == 0 || !f.enter(run[0].Insn) {
		return out
	}
	for i := range run {
		out[i] = Followed{f.arrived, f.comparable()}
		if i+1 < len(run) && !f.next(&run[i+1]) {
			break
		}
	}
	return out
}

// follower walks the tree along a run.
type follower struct {
	t       *Trace
	arrived int          // step at which the run is
	at      int          // where it goes on: that, or the one that covers it
	loose   map[Loc]bool // places that need not hold the run's value
	calls   []returnTo   // of global functions that the run is in
}

// returnTo is where a global function, walked on its own, returns to.
type returnTo struct {
	step  int
	loose map[Loc]bool
}

const (
	opExit = 0x95
	opCall = 0x85
	// silent bounds the steps that the verifier makes between two of the run:
	// the call of a helper is checked again after each round of its callback.
	silent = 8
)

func (f *follower) enter(insn int) bool {
	for i := range f.t.Paths {
		if p := &f.t.Paths[i]; p.Parent < 0 && int(p.Insn) == insn && p.Steps > 0 {
			f.arrive(int(p.First))
			return true
		}
	}
	return false
}

// arrive puts the run at a step. A pruned one goes on at the checkpoint that
// covers it, where only what mattered is sure to hold.
func (f *follower) arrive(step int) {
	f.arrived, f.at = step, step
	s := f.t.Step(step)
	for n := 0; s != nil && s.Kind == StepKindPruned && len(s.Covered) > 0 && n < silent; n++ {
		c := &s.Covered[0]
		at := int(f.t.Checkpoints[c.Checkpoint].Step)
		old, now := f.t.Before(at), f.t.Before(f.at)
		f.at = at
		if old == nil || now == nil {
			return
		}
		f.loosen(old, now, c)
		s = f.t.Step(at)
	}
}

// loosen notes the places of which the covering state does not hold what the
// covered one holds, or knows more by ids that need not be those of the run.
func (f *follower) loosen(old, now *State, c *Covered) {
	each(old, func(loc Loc, o *Reg) {
		n := now.RegAt(loc)
		precise := preciseIn(c, loc)
		switch {
		case n == nil:
			f.loose[loc] = true
		case o.Type != n.Type || o.Off != n.Off || !sameTarget(o, n) || !within(&o.Bounds, &n.Bounds):
			f.loose[loc] = true
		case verifier.RegType(o.Type).Base() == verifier.ScalarValue && o.Id != 0 && !precise:
			f.loose[loc] = true
		case slotOf(old, loc) != slotOf(now, loc):
			f.loose[loc] = true
		}
	})
}

// sameTarget reports whether o points to what n does; of packets, whether no
// more bytes are proved.
func sameTarget(o, n *Reg) bool {
	switch verifier.RegType(o.Type).Base() {
	case verifier.PtrToPacket, verifier.PtrToPacketMeta:
		return int32(o.A) <= int32(n.A)
	}
	return o.A == n.A && o.B == n.B && o.C == n.C && o.FrameNo == n.FrameNo
}

func slotOf(s *State, loc Loc) [8]SlotByte {
	f := s.Frames[loc.Frame()]
	if i := loc.Slot(); i >= 0 && i < len(f.Slots) {
		return f.Slots[i].Bytes
	}
	return [8]SlotByte{}
}

func each(s *State, do func(Loc, *Reg)) {
	for i, f := range s.Frames {
		for j := range f.Regs {
			do(RegLoc(i, j), &f.Regs[j])
		}
		for j := range f.Slots {
			do(SlotLoc(i, j), &f.Slots[j].Reg)
		}
	}
}

func preciseIn(c *Covered, loc Loc) bool {
	if loc.Frame() >= len(c.Frames) {
		return false
	}
	m := &c.Frames[loc.Frame()]
	if r := loc.Reg(); r >= 0 {
		return m.PreciseRegs>>r&1 != 0
	}
	return m.PreciseSlots>>max(loc.Slot(), 0)&1 != 0
}

// within reports whether every number of b is one of a.
func within(a, b *verifier.Bounds) bool {
	return a.UMin <= b.UMin && a.UMax >= b.UMax && a.SMin <= b.SMin && a.SMax >= b.SMax &&
		a.U32Min <= b.U32Min && a.U32Max >= b.U32Max && a.S32Min <= b.S32Min && a.S32Max >= b.S32Max &&
		a.VarOff.Contains(b.VarOff)
}

func (f *follower) comparable() (mask uint32) {
	s := f.t.Before(f.arrived)
	if s == nil {
		return 0
	}
	frame := len(s.Frames) - 1
	for i := range numRegs {
		if !f.loose[RegLoc(frame, i)] {
			mask |= 1 << i
		}
	}
	return mask
}

// next goes to the step that the run takes next.
func (f *follower) next(c *Concrete) bool {
	for range silent {
		step := f.t.Step(f.at)
		if step == nil || step.Kind != StepKindChecked {
			return false
		}
		insn := f.t.Insn(f.at)
		op := f.opcode(insn)
		if op == opCall && f.enterGlobal(insn, c.Insn) {
			return true
		}
		if op == opExit && len(f.calls) > 0 && len(f.t.Before(f.at).Frames) == 1 {
			top := f.calls[len(f.calls)-1]
			f.calls = f.calls[:len(f.calls)-1]
			f.loose = top.loose
			f.at = top.step
			return f.take([]int{f.goesOn()}, c)
		}
		if f.take(f.successors(), c) {
			return true
		}
		// Out of a callback the verifier goes back to the call, the run does not.
		on := f.goesOn()
		if op != opExit || on < 0 || f.opcode(f.t.Insn(on)) != opCall {
			return false
		}
		f.move(on)
	}
	return false
}

func (f *follower) opcode(insn int) uint8 {
	for i := range f.t.Program.Insns {
		if x := &f.t.Program.Insns[i]; int(x.Slot) == insn {
			return uint8(x.Key)
		}
	}
	return 0
}

// enterGlobal follows the run into a function that the verifier walks on its
// own, where it knows nothing of the caller.
func (f *follower) enterGlobal(insn, to int) bool {
	for i := range f.t.Program.Funcs {
		if fn := &f.t.Program.Funcs[i]; !fn.Global || int(fn.Slot) != to || to == insn+1 {
			continue
		}
		back := returnTo{f.at, f.loose}
		f.loose = map[Loc]bool{}
		if !f.enter(to) {
			return false
		}
		f.calls = append(f.calls, back)
		return true
	}
	return false
}

// goesOn is the next step on the path, -1 when it ends.
func (f *follower) goesOn() int {
	p := &f.t.Paths[f.t.PathOf(f.at)]
	if f.at+1 < int(p.First+p.Steps) {
		return f.at + 1
	}
	return -1
}

// successors are the steps that may follow.
func (f *follower) successors() (out []int) {
	for _, i := range f.t.QueuedBy(f.at) {
		if p := &f.t.Paths[i]; p.Steps > 0 && !p.Speculative {
			out = append(out, int(p.First))
		}
	}
	if on := f.goesOn(); on >= 0 {
		out = append(out, on)
	}
	return out
}

// take goes to the one of the steps that is the run's; false when none is.
func (f *follower) take(steps []int, c *Concrete) bool {
	best, most := -1, -1
	for _, s := range steps {
		if s < 0 || f.t.Insn(s) != c.Insn {
			continue
		}
		if n := f.fits(s, c); n > most {
			best, most = s, n
		}
	}
	if best < 0 {
		return false
	}
	f.move(best)
	return true
}

// fits counts the values of the run that are in the state before a step: two
// ways of a comparison may lead to one instruction.
func (f *follower) fits(step int, c *Concrete) (n int) {
	s := f.t.Before(step)
	if s == nil {
		return 0
	}
	frame := len(s.Frames) - 1
	for i := range numRegs {
		if f.loose[RegLoc(frame, i)] || s.Frames[frame].Regs[i].Holds(c.Regs[i]) {
			n++
		}
	}
	return n
}

// Holds reports whether a value may be what is known of the register; of
// pointers only that they are some.
func (r *Reg) Holds(v Value) bool {
	t := verifier.RegType(r.Type)
	switch {
	case t == verifier.NotInit:
		return true
	case t == verifier.ScalarValue:
		b := &r.Bounds
		return v.Pointer && !b.VarOff.IsConst() || !v.Pointer && HoldsNumber(b, v.Bits)
	case t.MayBeNull():
		return v.Pointer || v.Bits == 0
	}
	return v.Pointer
}

// HoldsNumber reports whether a number is within the bounds.
func HoldsNumber(b *verifier.Bounds, v uint64) bool {
	return b.UMin <= v && v <= b.UMax && b.SMin <= int64(v) && int64(v) <= b.SMax &&
		b.U32Min <= uint32(v) && uint32(v) <= b.U32Max && b.S32Min <= int32(v) && int32(v) <= b.S32Max &&
		v&^b.VarOff.Mask == b.VarOff.Value
}

// move goes to a step that follows, and takes along what need not hold.
func (f *follower) move(to int) {
	changes := f.t.Step(f.at).After.Changes
	if f.t.PathOf(to) != f.t.PathOf(f.at) {
		changes = f.t.Step(to).Arrived
	}
	if len(f.loose) > 0 {
		next := make(map[Loc]bool, len(f.loose))
		for l := range f.loose {
			next[l] = true
		}
		for i := range changes {
			c := &changes[i]
			if loose, ok := f.carries(c); !ok {
				continue
			} else if loose {
				next[Loc(c.Loc)] = true
			} else {
				delete(next, Loc(c.Loc))
			}
		}
		f.loose = next
	}
	f.arrive(to)
}

// carries reports whether the new content of a place depends on one that need
// not hold; ok is false when the change says nothing about it.
func (f *follower) carries(c *Change) (loose, ok bool) {
	for _, l := range c.From {
		loose = loose || f.loose[Loc(l)]
	}
	switch c.Reason {
	case ReasonMark, ReasonTie, ReasonUnknown:
		return false, false
	case ReasonAlu, ReasonBranchTrue, ReasonBranchFalse, ReasonLink, ReasonNull, ReasonNotNull, ReasonPacket, ReasonStore, ReasonWhatIf:
		return loose || f.loose[Loc(c.Loc)], true
	case ReasonLoad, ReasonCtx: // bounded by the width, whatever the pointer
		return false, true
	}
	return loose, true
}

package verifier

// idMap relates the IDs of two states that are compared (struct bpf_idmap).
type idMap struct {
	tmp   uint32
	n     int
	pairs [(numRegs + stackSlots) * maxFrames]struct{ old, cur uint32 }
}

func (m *idMap) reset(gen uint32) { m.tmp, m.n = gen, 0 }

// ids reports whether old may stand for cur: one to one over the whole
// comparison (check_ids).
func (m *idMap) ids(old, cur uint32) bool {
	if (old != 0) != (cur != 0) {
		return false
	}
	if old == 0 {
		return true
	}
	for i := range m.pairs[:m.n] {
		p := &m.pairs[i]
		if p.old == old {
			return p.cur == cur
		}
		if p.cur == cur {
			return false
		}
	}
	if m.n == len(m.pairs) {
		return false
	}
	m.pairs[m.n].old, m.pairs[m.n].cur = old, cur
	m.n++
	return true
}

// scalarIDs is ids for scalars, where an untied old one stands for any, and an
// untied current one counts as tied to itself (check_scalar_ids).
func (m *idMap) scalarIDs(old, cur uint32) bool {
	if old == 0 {
		return true
	}
	if cur == 0 {
		m.tmp++
		cur = m.tmp
	}
	if !m.ids(old, cur) {
		return false
	}
	return old&addConst == 0 || m.ids(old&^addConst, cur&^addConst)
}

// exactness of a comparison (enum exact_level).
type exactness uint8

const (
	notExact    exactness = iota // what is not read or not precise does not count
	exact                        // equal
	rangeWithin                  // everything counts, ranges may be narrower
)

func (m *idMap) regsExact(old, cur *RegState) bool {
	return old.RegHead.same(&cur.RegHead) && old.Bounds.same(&cur.Bounds) &&
		m.ids(old.ID, cur.ID) && m.ids(old.RefObjID, cur.RefObjID)
}

// regSafe reports whether what was found safe with old is safe with cur
// (regsafe).
func (e *env) regSafe(old, cur *RegState, how exactness) bool {
	m := &e.idmap
	if how == exact {
		return m.regsExact(old, cur)
	}
	if old.live&liveRead == 0 && how == notExact {
		return true
	}
	if old.Type == NotInit && (how == notExact || cur.Type == NotInit) {
		return true
	}
	if old.Type != cur.Type {
		return false
	}
	switch old.Type.Base() {
	case ScalarValue:
		if e.exploreALULimits {
			return old.RegHead.same(&cur.RegHead) && old.Bounds.same(&cur.Bounds) && m.scalarIDs(old.ID, cur.ID)
		}
		if !old.Precise && how == notExact && !e.cfg.exactScalars {
			return true
		}
		oldAdd, curAdd := old.ID&addConst != 0, cur.ID&addConst != 0
		switch {
		case oldAdd && !curAdd, old.ID != 0 && !oldAdd && curAdd, oldAdd && old.Off != cur.Off:
			return false
		}
		return m.scalarIDs(old.ID, cur.ID) && old.within(&cur.Bounds) && old.VarOff.Contains(cur.VarOff)
	case PtrToMapKey, PtrToMapValue, PtrToMem, PtrToBuf, PtrToTPBuffer:
		return old.RegHead.same(&cur.RegHead) && old.within(&cur.Bounds) && old.VarOff.Contains(cur.VarOff) &&
			m.ids(old.ID, cur.ID) && m.ids(old.RefObjID, cur.RefObjID)
	case PtrToPacket, PtrToPacketMeta:
		or, cr := old.pktRange(), cur.pktRange()
		if or < 0 || cr < 0 {
			if or != cr {
				return false
			}
		} else if or > cr {
			return false
		}
		return old.Off == cur.Off && m.ids(old.ID, cur.ID) &&
			old.within(&cur.Bounds) && old.VarOff.Contains(cur.VarOff)
	case PtrToStack:
		return m.regsExact(old, cur) && old.FrameNo == cur.FrameNo
	case PtrToArena:
		return true
	}
	return m.regsExact(old, cur)
}

// unboundReg is what a slot of unknown bytes is compared as.
var unboundReg = RegState{RegHead: RegHead{Type: ScalarValue}, Bounds: unboundedBounds, live: liveRead}

// asScalar is the slot as one 8-byte number, nil when it is not
// (scalar_reg_for_stack).
func (e *env) asScalar(s *StackSlot) *RegState {
	if s.isSpilledScalar64() {
		return &s.Reg
	}
	for _, t := range s.Types {
		if t != SlotMisc && (t != SlotInvalid || !e.allowUninitStack) {
			return nil
		}
	}
	return &unboundReg
}

// stackSafe is regSafe for the slots of a frame (stacksafe).
func (e *env) stackSafe(old, cur *FuncState, how exactness) bool {
	for spi := range old.Stack {
		o := &old.Stack[spi]
		var c *StackSlot
		if spi < len(cur.Stack) {
			c = &cur.Stack[spi]
		}
		if !e.slotSafe(o, c, how) {
			return false
		}
	}
	return true
}

func (e *env) slotSafe(o, c *StackSlot, how exactness) bool {
	for b := range o.Types {
		ot := o.Types[b]
		if how != notExact && (c == nil || ot != c.Types[b]) {
			return false
		}
		if o.Reg.live&liveRead == 0 && how == notExact {
			return true
		}
		if ot == SlotInvalid || ot == SlotMisc && e.allowUninitStack {
			continue
		}
		if c == nil {
			return false
		}
		if or, cr := e.asScalar(o), e.asScalar(c); or != nil && cr != nil {
			return e.regSafe(or, cr, how)
		}
		if ot == SlotMisc && c.Types[b] == SlotZero {
			continue
		}
		if ot != c.Types[b] {
			return false
		}
		if b != regSize-1 {
			continue
		}
		switch ot {
		case SlotSpill:
			if !e.regSafe(&o.Reg, &c.Reg, how) {
				return false
			}
		case SlotDynptr:
			if o.Reg.A != c.Reg.A || o.Reg.B != c.Reg.B || !e.idmap.ids(o.Reg.RefObjID, c.Reg.RefObjID) {
				return false
			}
		case SlotIter:
			if o.Reg.Type != c.Reg.Type || o.Reg.A != c.Reg.A || o.Reg.B != c.Reg.B || o.Reg.C&3 != c.Reg.C&3 ||
				!e.idmap.ids(o.Reg.RefObjID, c.Reg.RefObjID) {
				return false
			}
		}
	}
	return true
}

func (e *env) refsSafe(old, cur *FuncState) bool {
	if len(old.Refs) != len(cur.Refs) {
		return false
	}
	for i := range old.Refs {
		if !e.idmap.ids(old.Refs[i].ID, cur.Refs[i].ID) {
			return false
		}
	}
	return true
}

func (e *env) funcsEqual(old, cur *FuncState, how exactness) bool {
	if old.callbackDepth > cur.callbackDepth {
		return false
	}
	for i := range old.Regs {
		if !e.regSafe(&old.Regs[i], &cur.Regs[i], how) {
			return false
		}
	}
	return e.stackSafe(old, cur, how) && e.refsSafe(old, cur)
}

// statesEqual reports whether everything that can follow from cur was checked
// from old (states_equal).
func (e *env) statesEqual(old, cur *State, how exactness) bool {
	if old.curframe != cur.curframe {
		return false
	}
	e.idmap.reset(e.idGen)
	switch {
	case old.speculative && !cur.speculative,
		old.lockMap != cur.lockMap,
		(old.lockID != 0) != (cur.lockID != 0),
		old.lockID != 0 && !e.idmap.ids(old.lockID, cur.lockID),
		old.rcuLock != cur.rcuLock,
		old.preempt != cur.preempt,
		old.sleeping != cur.sleeping:
		return false
	}
	for i := 0; i <= old.curframe; i++ {
		if old.frame[i].Callsite != cur.frame[i].Callsite || !e.funcsEqual(old.frame[i], cur.frame[i], how) {
			return false
		}
	}
	return true
}

// maybeLooping is a quick look whether the registers of the current frame are
// the same (states_maybe_looping).
func maybeLooping(old, cur *State) bool {
	if old.curframe != cur.curframe {
		return false
	}
	a, b := old.cur(), cur.cur()
	for i := range a.Regs {
		x, y := &a.Regs[i], &b.Regs[i]
		if x.ID != y.ID || x.RefObjID != y.RefObjID || !x.Bounds.same(&y.Bounds) || !x.RegHead.same(&y.RegHead) {
			return false
		}
	}
	return true
}

// iterDepthsDiffer reports whether an iterator went on between the two.
func iterDepthsDiffer(old, cur *State) bool {
	for fr := old.curframe; fr >= 0; fr-- {
		for i := range old.frame[fr].Stack {
			o := &old.frame[fr].Stack[i]
			if o.Types[0] != SlotIter || o.Reg.C&3 != iterActive {
				continue
			}
			if i < len(cur.frame[fr].Stack) && cur.frame[fr].Stack[i].Reg.C>>2 != o.Reg.C>>2 {
				return true
			}
		}
	}
	return false
}

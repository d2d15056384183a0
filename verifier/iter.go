package verifier

import (
	"strconv"

	"skep/vm/btf"
)

// States of an iterator, in the low two bits of RegHead.C; its depth is above.
const (
	iterInvalid = iota
	iterActive
	iterDrained
)

func iterStateName(s uint32) string {
	switch s {
	case iterActive:
		return "active"
	case iterDrained:
		return "drained"
	case iterInvalid:
		return "<invalid>"
	}
	return "<unknown>"
}

func (e *env) iterTypeName(h, id uint32) string {
	const prefix = "bpf_iter_"
	name := e.btfTypeName(h, id)
	if len(name) < len(prefix) {
		return "<invalid>"
	}
	return name[len(prefix):]
}

// appendIter writes an iterator's slot.
func (e *env) appendIter(dst []byte, r *RegState) []byte {
	dst = append(append(dst, "iter_"...), e.iterTypeName(r.btfHandle(), r.btfID())...)
	dst = strconv.AppendUint(append(dst, "(ref_id="...), uint64(r.RefObjID), 10)
	dst = append(append(dst, ",state="...), iterStateName(r.C&3)...)
	dst = strconv.AppendUint(append(dst, ",depth="...), uint64(r.C>>2), 10)
	return append(dst, ')')
}

// widenReg makes a scalar that is not precise and changed between two rounds
// of a loop unknown, so that the loop converges (maybe_widen_reg).
func (e *env) widenReg(old, cur *RegState) {
	if old.Type != ScalarValue || cur.Type != ScalarValue || old.Precise || cur.Precise || e.idmap.regsExact(old, cur) {
		return
	}
	e.setUnknown(cur)
}

// widen is widen_imprecise_scalars.
func (e *env) widen(old, cur *State) {
	e.idmap.reset(e.idGen)
	for fr := old.curframe; fr >= 0; fr-- {
		o, c := old.frame[fr], cur.frame[fr]
		for i := range o.Regs {
			e.widenReg(&o.Regs[i], &c.Regs[i])
		}
		for i := 0; i < len(o.Stack) && i < len(c.Stack); i++ {
			if o.Stack[i].isSpilled() && c.Stack[i].isSpilled() {
				e.widenReg(&o.Stack[i].Reg, &c.Stack[i].Reg)
			}
		}
	}
}

// iterSlot is the first slot of the iterator that a call works on.
func (e *env) iterSlot(st *State, m *kfuncMeta) *RegState {
	return &st.frame[m.iterFrame].Stack[m.iterSPI].Reg
}

// iterArg checks an iterator argument (process_iter_arg).
func (e *env) iterArg(m *kfuncMeta, r *RegState, i, pc int) errno {
	if r.Type != PtrToStack {
		e.logf("arg#%d expected pointer to an iterator on stack\n", i)
		return einval
	}
	spec := e.kbtf()
	t := spec.Type(spec.Resolve(spec.Type(spec.Resolve(m.proto.Param(i).Type)).Target()))
	const prefix = "bpf_iter_"
	name := t.Name()
	if t.Kind() != btf.KindStruct || len(name) < len(prefix) || name[:len(prefix)] != prefix {
		e.logf("expected valid iter pointer as arg #%d\n", i)
		return einval
	}
	id := uint32(t.ID())
	slots := int(t.Size()) / regSize
	if m.flags&kfIterNew != 0 {
		if !e.iterUninit(r, slots) {
			e.logf("expected uninitialized iter_%s as arg #%d\n", name[len(prefix):], i)
			return einval
		}
		for j := 0; j < slots*regSize; j += regSize {
			if err := e.checkMem(pc, i+1, j, regSize, writeAccess, -1, false, false); err != 0 {
				return err
			}
		}
		return e.makeIter(m, r, pc, id, slots)
	}
	switch err := e.iterInit(r, id, slots); err {
	case 0:
	case eproto:
		e.logf("expected an RCU CS when using %s\n", m.name)
		return err
	default:
		e.logf("expected an initialized iter_%s as arg #%d\n", name[len(prefix):], i)
		return einval
	}
	spi, err := e.objectSlot(r, "iter", slots)
	if err != 0 {
		return err
	}
	f := e.fn(r)
	for j := range slots {
		s := &f.Stack[spi-j].Reg
		if err := e.noteRead(s, liveRead64); err != 0 {
			return err
		}
		e.scratchSlot(spi - j)
	}
	m.iterSPI, m.iterFrame = spi, r.FrameNo
	m.refObjID = f.Stack[spi].Reg.RefObjID
	if m.flags&kfIterDestroy != 0 {
		return e.endIter(r, slots)
	}
	return 0
}

// iterUninit is is_iter_reg_valid_uninit.
func (e *env) iterUninit(r *RegState, slots int) bool {
	spi, err := e.objectSlot(r, "iter", slots)
	if err == erange {
		return true
	}
	if err != 0 {
		return false
	}
	f := e.fn(r)
	for i := range slots {
		for _, t := range f.Stack[spi-i].Types {
			if t == SlotIter {
				return false
			}
		}
	}
	return true
}

// iterInit is is_iter_reg_valid_init.
func (e *env) iterInit(r *RegState, id uint32, slots int) errno {
	spi, err := e.objectSlot(r, "iter", slots)
	if err != 0 {
		return einval
	}
	f := e.fn(r)
	for i := range slots {
		s := &f.Stack[spi-i]
		switch {
		case s.Reg.Type&PtrUntrusted != 0:
			return eproto
		case (i == 0) != (s.Reg.RefObjID != 0), s.Reg.btfHandle() != btfKernel, s.Reg.btfID() != id:
			return einval
		}
		for _, t := range s.Types {
			if t != SlotIter {
				return einval
			}
		}
	}
	return 0
}

// makeIter makes slots an iterator (mark_stack_slots_iter).
func (e *env) makeIter(m *kfuncMeta, r *RegState, pc int, id uint32, slots int) errno {
	f := e.fn(r)
	spi, err := e.objectSlot(r, "iter", slots)
	if err != 0 {
		return err
	}
	ref := e.acquireRef(pc)
	for i := range slots {
		s := &f.Stack[spi-i]
		s.Reg.setKnown(0)
		s.Reg.Type = PtrToStack
		if m.flags&kfRCUProtected != 0 {
			if e.inRCU() {
				s.Reg.Type |= MemRCU
			} else {
				s.Reg.Type |= PtrUntrusted
			}
		}
		s.Reg.live |= liveWritten
		if i == 0 {
			s.Reg.RefObjID = ref
		}
		s.Reg.setBTF(btfKernel, id)
		s.Reg.C = iterActive
		for j := range s.Types {
			s.Types[j] = SlotIter
		}
		e.scratchSlot(spi - i)
	}
	return 0
}

// endIter ends an iterator (unmark_stack_slots_iter).
func (e *env) endIter(r *RegState, slots int) errno {
	f := e.fn(r)
	spi, err := e.objectSlot(r, "iter", slots)
	if err != 0 {
		return err
	}
	for i := range slots {
		s := &f.Stack[spi-i]
		if i == 0 {
			e.release(s.Reg.RefObjID)
		}
		e.setNotInit(&s.Reg)
		s.Reg.live |= liveWritten
		s.Types = [regSize]SlotType{}
		e.scratchSlot(spi - i)
	}
	return 0
}

// iterNextCall walks both outcomes of a next call: an element, which is
// queued, and the end (process_iter_next_call).
func (e *env) iterNextCall(pc int, m *kfuncMeta) errno {
	st := e.cur
	it := e.iterSlot(st, m)
	if it.C&3 == iterActive {
		if st.parent == nil || st.parent.insnIdx != pc || !sameCallsites(st.parent, st) {
			e.logs("bug: bad parent state for iter next call")
			return efault
		}
		prev := e.findPrevEntry(st.parent, pc)
		q, err := e.push(pc+1, pc, false)
		if err != 0 {
			return err
		}
		qi := e.iterSlot(q, m)
		qi.C = iterActive | (qi.C>>2+1)<<2
		if prev != nil {
			e.widen(prev, q)
		}
		e.markNotNull(&q.cur().Regs[0])
	}
	it.C = iterDrained | it.C&^3
	e.setConstZero(&e.regs()[0])
	return 0
}

package verifier

import "strconv"

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

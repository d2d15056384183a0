package verifier

import "errors"

// Override replaces what is known of a register just before an instruction is
// checked, to see what would follow. The walk up to there is as it is without
// it, so that a step's number names it.
//
// Set holds the limits that are wanted; those left as in Unbounded follow from
// the others. The register's tie to others of its ID is cut.
type Override struct {
	Step  int // instructions processed before, on all paths
	Frame int // 0 is the main program's
	Reg   int // register, or -1-slot of a spilled one
	Set   Bounds
}

// Unbounded are the limits of a number of which nothing is known.
func Unbounded() Bounds { return unboundedBounds }

// Problems with an Override.
var (
	ErrOverridePlace = errors.New("what if: there is no such step, frame or register with a number in it")
	ErrOverrideEmpty = errors.New("what if: no number is within the bounds")
)

func checkOverrides(list []Override) error {
	for i := range list {
		o := &list[i]
		b := o.Set
		b.sync()
		switch {
		case b.violation() != "" || o.Set.VarOff.Value&o.Set.VarOff.Mask != 0:
			return ErrOverrideEmpty
		case o.Step < 0 || o.Frame < 0 || o.Frame >= maxFrames || o.Reg >= fpReg || o.Reg < -stackSlots:
			return ErrOverridePlace
		}
	}
	return nil
}

// override does what is asked for the current step.
func (e *env) override() errno {
	for i := range e.cfg.Overrides {
		o := &e.cfg.Overrides[i]
		if o.Step != e.insnProcessed-1 {
			continue
		}
		r := e.overriddenReg(o)
		if r == nil {
			return ecanceled // Verify sees that it was not done
		}
		e.overridden++
		e.trace(Event{Kind: EventSet, Insn: e.insnIdx, State: e.cur})
		r.Bounds = o.Set
		r.sync()
		if r.Type == ScalarValue {
			r.clearScalarID()
		}
	}
	return 0
}

func (e *env) overriddenReg(o *Override) *RegState {
	if o.Frame > e.cur.curframe {
		return nil
	}
	f := e.cur.frame[o.Frame]
	if o.Reg >= 0 {
		if r := &f.Regs[o.Reg]; r.Type != NotInit {
			return r
		}
		return nil
	}
	if i := -1 - o.Reg; i < len(f.Stack) && f.Stack[i].isSpilled() {
		return &f.Stack[i].Reg
	}
	return nil
}

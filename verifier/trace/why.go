package trace

import (
	"skep/verifier"
	"skep/vm/isa"
)

// reasoner says why the places changed that an instruction changed: from the
// instruction and the states around it, because the verifier's own work has no
// room for such notes.
type reasoner struct {
	in     isa.Insn
	wide   int64   // the number of a wide load
	before *shadow // in which the instruction was checked
	frame  int     // current frame then
	pushed bool    // of a path that the instruction queued, not the one that goes on
	locs   []uint32

	refused bool // the instruction is: it wrote nothing
}

func (w *reasoner) regLoc(r uint8) Loc { return RegLoc(w.frame, int(r)) }

// operand makes the other side of an operation the origin: a register, or the
// constant.
func (w *reasoner) operand(c *Change) {
	if w.in.Source() == isa.SrcX {
		w.from(c, c.Reason, w.regLoc(w.in.Src))
	} else {
		c.Num = int64(w.in.Imm)
	}
}

// from gives a change its reason and the places that it came from. Those of
// the path that goes on live until the step is written.
func (w *reasoner) from(c *Change, r Reason, locs ...Loc) {
	c.Reason = r
	if len(locs) == 0 {
		return
	}
	n := len(w.locs)
	for _, l := range locs {
		w.locs = append(w.locs, uint32(l))
	}
	c.From = w.locs[n:len(w.locs):len(w.locs)]
}

// explain fills the reason of a change at loc, whose new content is after's.
func (w *reasoner) explain(c *Change, loc Loc, after *verifier.State) {
	frames := after.Frames()
	old := w.before.reg(loc)
	new := regOf(after, loc)
	switch {
	case len(frames) > w.frame+1 && loc.Frame() == w.frame+1:
		w.entered(c, loc, frames[w.frame+1])
		return
	case len(frames) > w.frame+1 && loc.Frame() == w.frame && loc.Reg() >= 0 && new.Type == verifier.NotInit:
		w.from(c, ReasonClobber) // by the function, or after the callback
		return
	case len(frames) <= w.frame: // the function returned
		if loc == RegLoc(w.frame-1, 0) {
			w.from(c, ReasonResult, RegLoc(w.frame, 0))
		} else if old != nil && new != nil && !old.SameValue(new) {
			w.from(c, ReasonWiden)
		} else {
			w.from(c, ReasonMark)
		}
		return
	case loc.Reg() < 0 && loc.Slot() < 0: // references: a call takes or ends one, NULL needs no release
		if w.in.JmpOp() == isa.JmpCall {
			w.from(c, ReasonRet)
			c.Num = int64(w.in.Imm)
		} else {
			w.from(c, ReasonNull, w.regLoc(w.in.Dst))
		}
		return
	}
	dst := loc == w.regLoc(w.in.Dst)
	if int(loc) != w.written() && old != nil && new != nil && w.marksOnly(loc, old, new, after) {
		w.from(c, ReasonMark)
		return
	}
	switch w.in.Class() {
	case isa.ClassALU, isa.ClassALU64:
		w.alu(c, dst)
		if c.Reason == ReasonAlu {
			c.Deduction = w.deduction(old, new)
		}
	case isa.ClassLD:
		w.ld(c, loc)
	case isa.ClassLDX:
		if dst {
			w.load(c, w.regLoc(w.in.Src))
		} else {
			w.from(c, ReasonMark)
		}
	case isa.ClassST, isa.ClassSTX:
		w.store(c, loc, after)
	default:
		w.jump(c, loc, old, new)
	}
}

// marksOnly reports whether nothing but marks differs.
func (w *reasoner) marksOnly(loc Loc, old, new *verifier.RegState, after *verifier.State) bool {
	if !old.SameValue(new) {
		return false
	}
	if i := loc.Slot(); i >= 0 {
		f := &w.before.frames[loc.Frame()]
		return i < len(f.stack) && f.stack[i].Types == after.Frames()[loc.Frame()].Stack[i].Types
	}
	return true
}

func regOf(st *verifier.State, loc Loc) *verifier.RegState {
	f := st.Frames()[loc.Frame()]
	if r := loc.Reg(); r >= 0 {
		return &f.Regs[r]
	}
	if i := loc.Slot(); i >= 0 {
		return &f.Stack[i].Reg
	}
	return nil
}

// entered explains a place of a frame that the instruction opened.
func (w *reasoner) entered(c *Change, loc Loc, f *verifier.FuncState) {
	r := loc.Reg()
	switch {
	case r >= 0 && f.Regs[r].Type == verifier.NotInit:
		w.from(c, ReasonMark)
	case r >= 1 && r <= 5 && w.in.Src == isa.PseudoCall && !f.InCallback():
		w.from(c, ReasonArg, RegLoc(w.frame, r))
	default:
		w.from(c, ReasonEntry)
	}
}

func (w *reasoner) alu(c *Change, dst bool) {
	switch {
	case !dst:
		w.from(c, ReasonTie)
	case w.in.ALUOp() == isa.OpMov && w.in.Source() == isa.SrcX:
		w.from(c, ReasonCopy, w.regLoc(w.in.Src))
	case w.in.ALUOp() == isa.OpMov:
		c.Reason, c.Num = ReasonConst, int64(w.in.Imm)
		if w.in.Class() == isa.ClassALU {
			c.Num = int64(uint32(w.in.Imm))
		}
	case w.in.ALUOp() == isa.OpNeg || w.in.ALUOp() == isa.OpEnd:
		w.from(c, ReasonAlu)
	default:
		c.Reason = ReasonAlu
		w.operand(c)
	}
}

func (w *reasoner) ld(c *Change, loc Loc) {
	if w.in.Mode() == isa.ModeImm {
		c.Reason, c.Num = ReasonConst, w.wide
		return
	}
	if loc.Reg() == 0 { // ld_abs, ld_ind
		c.Reason, c.Num = ReasonLoad, int64(w.in.Bytes())
		return
	}
	w.from(c, ReasonClobber)
}

// written is the place that the instruction writes by itself, -1 when there is
// none: where its value comes from is worth noting even when it is the same as
// before, "r9 *= r5" with an r5 of 1.
func (w *reasoner) written() int {
	if w.refused {
		return -1
	}
	switch w.in.Class() {
	case isa.ClassALU, isa.ClassALU64, isa.ClassLDX:
		return int(w.regLoc(w.in.Dst))
	case isa.ClassLD:
		if w.in.Mode() == isa.ModeImm {
			return int(w.regLoc(w.in.Dst))
		}
	case isa.ClassST, isa.ClassSTX:
		if w.in.Mode() == isa.ModeMem {
			return w.slotUnder(w.before.reg(w.regLoc(w.in.Dst)))
		}
	}
	return -1
}

// slotUnder is the place of the stack that a pointer and an offset name, -1
// when it is not known.
func (w *reasoner) slotUnder(ptr *verifier.RegState) int {
	if ptr == nil || ptr.Type != verifier.PtrToStack || !ptr.VarOff.IsConst() || int(ptr.FrameNo) >= w.before.n {
		return -1
	}
	off := int(ptr.Off) + int(int64(ptr.VarOff.Value)) + int(w.in.Off)
	if off >= 0 || off < -8*maxSlots {
		return -1
	}
	return int(SlotLoc(int(ptr.FrameNo), (-off-1)/8))
}

// load explains a value that was read through the pointer at src.
func (w *reasoner) load(c *Change, src Loc) {
	ptr := w.before.reg(src)
	c.Num = int64(w.in.Bytes())
	switch {
	case ptr != nil && ptr.Type == verifier.PtrToCtx:
		w.from(c, ReasonCtx, src)
		c.Num = int64(ptr.Off) + int64(w.in.Off)
	case ptr != nil && ptr.Type == verifier.PtrToStack:
		slot := w.slotUnder(ptr)
		if slot < 0 {
			w.from(c, ReasonStackRead, src)
			return
		}
		c.Reason = ReasonStackRead
		f := &w.before.frames[Loc(slot).Frame()]
		if i := Loc(slot).Slot(); i < len(f.stack) && f.stack[i].Types[7] == verifier.SlotSpill {
			c.Reason = ReasonFill
		}
		w.from(c, c.Reason, Loc(slot))
	default:
		w.from(c, ReasonLoad, src)
	}
}

func (w *reasoner) store(c *Change, loc Loc, after *verifier.State) {
	slot := loc.Slot()
	if slot < 0 {
		if w.in.Class() == isa.ClassSTX && w.in.Mode() == isa.ModeAtomic {
			w.load(c, w.regLoc(w.in.Dst))
		} else {
			w.from(c, ReasonTie)
		}
		return
	}
	c.Reason = ReasonStore
	if after.Frames()[loc.Frame()].Stack[slot].Types[7] == verifier.SlotSpill {
		c.Reason = ReasonSpill
	}
	if w.in.Class() == isa.ClassSTX {
		w.from(c, c.Reason, w.regLoc(w.in.Src))
	} else {
		c.Num = int64(w.in.Imm)
	}
}

func (w *reasoner) jump(c *Change, loc Loc, old, new *verifier.RegState) {
	switch w.in.JmpOp() {
	case isa.JmpCall:
		w.call(c, loc)
	case isa.JmpExit, isa.JmpA, isa.JmpCond:
		w.from(c, ReasonWiden)
	default:
		w.branch(c, loc, old, new)
	}
}

func (w *reasoner) call(c *Change, loc Loc) {
	c.Num = int64(w.in.Imm)
	r := loc.Reg()
	switch {
	case loc.Frame() == w.frame && r == 0:
		c.Reason = ReasonRet
		if w.in.Src == isa.PseudoCall { // of a global function: nothing is known
			c.Num = 0
		}
	case loc.Frame() == w.frame && r >= 1 && r <= 5:
		w.from(c, ReasonClobber)
	case r >= 0:
		w.from(c, ReasonLost)
	default:
		w.from(c, ReasonHelperWrite)
	}
}

// branch explains what a comparison taught.
func (w *reasoner) branch(c *Change, loc Loc, old, new *verifier.RegState) {
	dst, src := w.regLoc(w.in.Dst), Loc(0)
	hasSrc := w.in.Source() == isa.SrcX
	if hasSrc {
		src = w.regLoc(w.in.Src)
	}
	if old == nil || new == nil {
		return
	}
	side := dst
	if hasSrc && w.related(src, old) && !w.related(dst, old) {
		side = src
	}
	switch {
	case old.Type.MayBeNull() && new.Type == verifier.ScalarValue:
		w.from(c, ReasonNull, side)
	case old.Type.MayBeNull():
		w.from(c, ReasonNotNull, side)
	case old.Type.Base() == verifier.PtrToPacket || old.Type.Base() == verifier.PtrToPacketMeta:
		if p := w.before.reg(dst); hasSrc && p != nil && p.Type != old.Type {
			side = src
		}
		w.from(c, ReasonPacket, side)
		c.Num = int64(int32(new.A))
	case loc == dst || hasSrc && loc == src:
		c.Reason = ReasonBranchFalse
		if w.pushed {
			c.Reason = ReasonBranchTrue
		}
		c.Deduction = w.deduction(old, new)
		switch {
		case !hasSrc:
			c.Num = int64(w.in.Imm)
		case loc == dst:
			w.from(c, c.Reason, src)
		default:
			w.from(c, c.Reason, dst)
		}
	default:
		w.from(c, ReasonLink, side)
	}
}

const addConst = 1 << 31 // BPF_ADD_CONST

// related reports whether a register shares its id with what is at loc.
func (w *reasoner) related(loc Loc, r *verifier.RegState) bool {
	o := w.before.reg(loc)
	return o != nil && o.ID&^addConst != 0 && o.ID&^addConst == r.ID&^addConst
}

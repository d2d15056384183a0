package trace

import (
	"slices"

	"skep/verifier"
)

// shadow is the state that a reader has after what was written so far.
type shadow struct {
	frames [maxFrames]shadowFrame
	n      int // frames in use
	held   verifier.Held
}

type shadowFrame struct {
	head  FrameHead
	regs  [numRegs]verifier.RegState
	stack []verifier.StackSlot
	refs  []verifier.Ref
}

var unsetReg = verifier.RegState{Bounds: unlimited}

// clear makes everything unset.
func (f *shadowFrame) clear() {
	for i := range f.regs {
		f.regs[i] = unsetReg
	}
	f.stack, f.refs = f.stack[:0], f.refs[:0]
	f.head = FrameHead{}
}

func headOf(f *verifier.FuncState) FrameHead {
	return FrameHead{
		Callsite: int32(f.Callsite), Subprog: uint32(f.Subprog), Slots: uint32(min(len(f.Stack), maxSlots)),
		Callback: f.InCallback(), Async: f.InAsyncCallback(),
	}
}

// headDiffers reports whether the shape of st is another.
func (s *shadow) headDiffers(st *verifier.State) bool {
	frames := st.Frames()
	if len(frames) != s.n || st.Held() != s.held {
		return true
	}
	for i, f := range frames {
		if headOf(f) != s.frames[i].head {
			return true
		}
	}
	return false
}

// reshape gives the shadow the shape of st; what is new is unset.
func (s *shadow) reshape(st *verifier.State) {
	frames := st.Frames()
	for i := s.n; i < len(frames); i++ {
		s.frames[i].clear()
	}
	s.n = len(frames)
	s.held = st.Held()
	for i, f := range frames {
		sf := &s.frames[i]
		sf.head = headOf(f)
		n := int(sf.head.Slots)
		for len(sf.stack) < n {
			sf.stack = append(sf.stack, verifier.StackSlot{Reg: unsetReg})
		}
		sf.stack = sf.stack[:n]
	}
}

// each calls f for each place of st that differs from the shadow, in order.
// Places that the shadow lacks are compared with unset ones.
func (s *shadow) each(st *verifier.State, f func(loc Loc)) {
	for i, fr := range st.Frames() {
		var old *shadowFrame
		if i < s.n {
			old = &s.frames[i]
		}
		for j := range fr.Regs {
			o := &unsetReg
			if old != nil {
				o = &old.regs[j]
			}
			if !o.Same(&fr.Regs[j]) {
				f(RegLoc(i, j))
			}
		}
		for j := range min(len(fr.Stack), maxSlots) {
			o := &unsetSlot
			if old != nil && j < len(old.stack) {
				o = &old.stack[j]
			}
			if n := &fr.Stack[j]; o.Types != n.Types || !o.Reg.Same(&n.Reg) {
				f(SlotLoc(i, j))
			}
		}
		if old == nil && len(fr.Refs) > 0 || old != nil && !slices.Equal(old.refs, fr.Refs) {
			f(refsLoc(i))
		}
	}
}

var unsetSlot = verifier.StackSlot{Reg: unsetReg}

// take copies a place of st, which has the shadow's shape.
func (s *shadow) take(st *verifier.State, loc Loc) {
	f, fr := &s.frames[loc.Frame()], st.Frames()[loc.Frame()]
	switch r, sl := loc.Reg(), loc.Slot(); {
	case r >= 0:
		f.regs[r] = fr.Regs[r]
	case sl >= 0:
		f.stack[sl] = fr.Stack[sl]
	default:
		f.refs = append(f.refs[:0], fr.Refs...)
	}
}

// reg is a register or the one in a slot, nil where there is none.
func (s *shadow) reg(loc Loc) *verifier.RegState {
	if loc.Frame() >= s.n {
		return nil
	}
	f := &s.frames[loc.Frame()]
	if r := loc.Reg(); r >= 0 {
		return &f.regs[r]
	}
	if i := loc.Slot(); i >= 0 && i < len(f.stack) {
		return &f.stack[i].Reg
	}
	return nil
}

// clearMarks is what a checkpoint does to the state that goes on.
func (s *shadow) clearMarks() {
	for i := range s.frames[:s.n] {
		f := &s.frames[i]
		for j := range f.regs[:numRegs-1] {
			f.regs[j].SetLive(0)
		}
		for j := range f.stack {
			f.stack[j].Reg.SetLive(0)
		}
	}
}

func wireReg(r *verifier.RegState) Reg {
	return Reg{
		Bounds: r.Bounds, Type: uint32(r.Type), Live: uint32(r.Live()), Off: r.Off, Id: r.ID,
		A: r.A, B: r.B, C: r.C, RefObjId: r.RefObjID, FrameNo: r.FrameNo, Precise: r.Precise,
	}
}

func packBytes(t [8]verifier.SlotType) (v uint64) {
	for _, b := range t {
		v = v<<4 | uint64(b)
	}
	return v
}

// change is the content of a place, without a reason.
func change(st *verifier.State, loc Loc, c *Change) {
	fr := st.Frames()[loc.Frame()]
	c.Loc = uint32(loc)
	switch r, sl := loc.Reg(), loc.Slot(); {
	case r >= 0:
		c.Reg = wireReg(&fr.Regs[r])
	case sl >= 0:
		c.Bytes, c.Reg = packBytes(fr.Stack[sl].Types), wireReg(&fr.Stack[sl].Reg)
	default:
		for _, r := range fr.Refs {
			c.Refs = append(c.Refs, Ref{r.ID, uint32(r.Insn)})
		}
	}
}

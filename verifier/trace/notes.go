package trace

import "skep/verifier"

// maxBack bounds the notes of one going back for precision: of a loop they
// would all be the same.
const maxBack = 256

// covered is a checkpoint with what matters in it: what was read, and what had
// to be exact.
func (r *Recorder) covered(st *verifier.State) Covered {
	c := Covered{Checkpoint: r.numbers[st]}
	for _, f := range st.Frames() {
		var m Marks
		for i := range f.Regs {
			reg := &f.Regs[i]
			if reg.Live()&(verifier.LiveRead32|verifier.LiveRead64) != 0 {
				m.ReadRegs |= 1 << i
			}
			if reg.Precise {
				m.PreciseRegs |= 1 << i
			}
		}
		for i := range f.Stack[:min(len(f.Stack), maxSlots)] {
			reg := &f.Stack[i].Reg
			if reg.Live()&(verifier.LiveRead32|verifier.LiveRead64) != 0 {
				m.ReadSlots |= 1 << i
			}
			if reg.Precise {
				m.PreciseSlots |= 1 << i
			}
		}
		c.Frames = append(c.Frames, m)
	}
	return c
}

func (r *Recorder) mark(ev *verifier.Event) {
	n, ok := r.numbers[ev.State]
	if !ok {
		return
	}
	loc := RegLoc(ev.Frame, ev.Reg)
	if ev.Reg < 0 {
		loc = SlotLoc(ev.Frame, -1-ev.Reg)
	}
	r.cur.Marks = append(r.cur.Marks, Mark{n, uint32(loc)})
}

// back keeps what matters before an instruction where it is not what mattered
// behind it.
func (r *Recorder) back(ev *verifier.Event) {
	b := Back{uint32(ev.Insn), uint32(ev.Frame), ev.Regs, ev.Slots}
	list := r.cur.Back
	if n := len(list); n >= maxBack || n > 0 && list[n-1].Frame == b.Frame && list[n-1].Regs == b.Regs && list[n-1].Slots == b.Slots {
		return
	}
	r.cur.Back = append(list, b)
}

func (r *Recorder) check(ev *verifier.Event) {
	r.stop(ev) // a limit is checked before the instruction
	c := &ev.Check
	if n := len(r.cur.Checks); n >= 64 && !c.Failed { // a helper that reads byte by byte
		return
	}
	r.cur.Checks = append(r.cur.Checks, Check{c.Kind, c.Failed, uint32(c.Reg + 1), c.Lo, c.Hi, c.Limit, c.Text})
}

package trace

import (
	"slices"

	"skep/verifier"
)

// Slot is eight bytes of stack; Bytes[7] is the one at the lowest address, and
// Reg what is spilled there.
type Slot struct {
	Bytes [8]SlotByte
	Reg   Reg
}

// Frame is what is known in one frame. Slots[i] is at fp-8*(i+1).
type Frame struct {
	FrameHead
	Regs  [numRegs]Reg
	Slots []Slot
	Refs  []Ref
}

// State is what is known at a point of a path; the last frame is the current
// one.
type State struct {
	Frames []*Frame
	Held   Held
}

var noReg = Reg{Bounds: unlimited}

// apply makes the next state; what did not change is shared.
func (s *State) apply(d *Delta) (*State, error) {
	if len(d.Head) == 0 && len(d.Changes) == 0 {
		return s, nil
	}
	n := &State{Frames: slices.Clone(s.Frames), Held: s.Held}
	own := [maxFrames]bool{} // frames that n shares with nobody
	if len(d.Head) > 0 {
		h := &d.Head[0]
		if len(d.Head) > 1 || len(h.Frames) > maxFrames {
			return nil, errChunk
		}
		n.Held = h.Held
		n.Frames = n.Frames[:min(len(n.Frames), len(h.Frames))]
		for i := range h.Frames {
			if h.Frames[i].Slots > maxSlots {
				return nil, errChunk
			}
			if i == len(n.Frames) {
				f := &Frame{}
				for j := range f.Regs {
					f.Regs[j] = noReg
				}
				n.Frames = append(n.Frames, f)
				own[i] = true
			}
			if n.Frames[i].FrameHead != h.Frames[i] {
				n.own(i, &own).reshape(h.Frames[i])
			}
		}
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		loc := Loc(c.Loc)
		if loc.Frame() >= len(n.Frames) {
			return nil, errChunk
		}
		f := n.own(loc.Frame(), &own)
		switch r, sl := loc.Reg(), loc.Slot(); {
		case r >= 0:
			f.Regs[r] = c.Reg
		case sl >= 0 && sl < len(f.Slots):
			f.Slots[sl] = Slot{unpackBytes(c.Bytes), c.Reg}
		case loc == refsLoc(loc.Frame()):
			f.Refs = c.Refs
		default:
			return nil, errChunk
		}
	}
	return n, nil
}

// own is a frame that may be written to.
func (s *State) own(i int, own *[maxFrames]bool) *Frame {
	if !own[i] {
		own[i] = true
		f := *s.Frames[i]
		f.Slots = slices.Clone(f.Slots)
		s.Frames[i] = &f
	}
	return s.Frames[i]
}

func (f *Frame) reshape(h FrameHead) {
	f.FrameHead = h
	for len(f.Slots) < int(h.Slots) {
		f.Slots = append(f.Slots, Slot{Reg: noReg})
	}
	f.Slots = f.Slots[:h.Slots]
}

func unpackBytes(v uint64) (b [8]SlotByte) {
	for i := 7; i >= 0; i-- {
		b[i] = SlotByte(v & 15)
		v >>= 4
	}
	return b
}

// withoutMarks is the state that goes on behind a checkpoint.
func (s *State) withoutMarks() *State {
	n := &State{Held: s.Held}
	for _, f := range s.Frames {
		c := *f
		c.Slots = slices.Clone(f.Slots)
		for i := range c.Regs[:numRegs-1] {
			c.Regs[i].Live = 0
		}
		for i := range c.Slots {
			c.Slots[i].Reg.Live = 0
		}
		n.Frames = append(n.Frames, &c)
	}
	return n
}

// RegAt is the register at a place, or the one spilled there; nil when the
// state has no such place.
func (s *State) RegAt(loc Loc) *Reg {
	if loc.Frame() >= len(s.Frames) {
		return nil
	}
	f := s.Frames[loc.Frame()]
	if r := loc.Reg(); r >= 0 {
		return &f.Regs[r]
	}
	if i := loc.Slot(); i >= 0 && i < len(f.Slots) {
		return &f.Slots[i].Reg
	}
	return nil
}

// Verifier is the register as the verifier has it.
func (r *Reg) Verifier() verifier.RegState {
	v := verifier.RegState{
		RegHead: verifier.RegHead{Type: verifier.RegType(r.Type), Off: r.Off, A: r.A, B: r.B, C: r.C},
		Bounds:  r.Bounds, ID: r.Id, RefObjID: r.RefObjId, FrameNo: r.FrameNo, Precise: r.Precise,
	}
	v.SetLive(uint8(r.Live))
	return v
}

// AppendFrame writes a frame of a state as the log does.
func (s *State) AppendFrame(dst []byte, p *verifier.Printer, frame int) []byte {
	f := s.Frames[frame]
	v := verifier.FuncState{FrameNo: uint32(frame)}
	for i := range f.Regs {
		v.Regs[i] = f.Regs[i].Verifier()
	}
	for i := range f.Slots {
		slot := verifier.StackSlot{Reg: f.Slots[i].Reg.Verifier()}
		for j, b := range f.Slots[i].Bytes {
			slot.Types[j] = verifier.SlotType(b)
		}
		v.Stack = append(v.Stack, slot)
	}
	for _, r := range f.Refs {
		v.Refs = append(v.Refs, verifier.Ref{ID: r.Id, Insn: int(r.Insn)})
	}
	return p.AppendFrame(dst, &v, f.Callback, f.Async)
}

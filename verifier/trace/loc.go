package trace

// Places of a state: frame<<7 | index. Index 0 to 10 is a register, slotBase+i
// the stack slot at fp-8*(i+1), refsIndex the references of the frame.
const (
	slotBase  = 11
	refsIndex = 75
	numRegs   = 11
	maxSlots  = refsIndex - slotBase
	maxFrames = 8
)

// Loc is a place of a state: frame<<7 | index. Index 0 to 10 is a register,
// 11+i the stack slot at fp-8*(i+1), 75 the references of the frame.
type Loc uint32

// RegLoc is a register of a frame.
func RegLoc(frame, reg int) Loc { return Loc(frame<<7 | reg) }

// SlotLoc is the stack slot at fp-8*(slot+1) of a frame.
func SlotLoc(frame, slot int) Loc { return Loc(frame<<7 | slotBase + slot) }

func refsLoc(frame int) Loc { return Loc(frame<<7 | refsIndex) }

// Frame is whose place it is.
func (l Loc) Frame() int { return int(l >> 7) }

// Reg is the register, -1 when it is none.
func (l Loc) Reg() int {
	if i := int(l & 127); i < slotBase {
		return i
	}
	return -1
}

// Slot is the stack slot, -1 when it is none.
func (l Loc) Slot() int {
	if i := int(l & 127); i >= slotBase && i < refsIndex {
		return i - slotBase
	}
	return -1
}

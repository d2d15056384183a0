package verifier

// EventKind says what happened.
type EventKind uint8

const (
	EventStep   EventKind = iota + 1 // Insn is about to be checked in State
	EventPush                        // State was queued, to go on at Insn
	EventPop                         // State is walked now, from Insn
	EventPrune                       // State at Insn is covered by Other: the path ends
	EventCover                       // State at Insn became a checkpoint
	EventMark                        // Reg of State (a parent) became precise
	EventNoFact                      // the comparison at Insn taught nothing; Reason says why
	EventLink                        // Reg got its range through an ID shared with another register
	EventExit                        // the path of State ended at Insn
)

// Event is a step of the verification. The states belong to the verifier:
// they are valid during the call and must not be changed.
type Event struct {
	Kind   EventKind
	Insn   int // instruction slot
	Prev   int // the one before on this path, -1 at an entry
	State  *State
	Other  *State
	Frame  int
	Reg    int // register, or -1-slot
	Reason string
}

// Tracer is told of each step of a verification, in order, on the goroutine of
// Verify. It decides what to keep.
type Tracer interface {
	Trace(*Event)
}

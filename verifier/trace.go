package verifier

// EventKind says what happened.
type EventKind uint8

const (
	EventEntry  EventKind = iota + 1 // the walk of a function begins with State
	EventStep                        // Insn is about to be checked in State
	EventSet                         // bounds in State are about to be replaced, see Config.Overrides
	EventPush                        // State was queued, to go on at Insn; Trace may look at it until the next step begins
	EventPop                         // State is walked now, from Insn
	EventPrune                       // State at Insn is covered by Other: the path ends
	EventCover                       // State, the current one without its marks, became a checkpoint at Insn
	EventMark                        // Reg of Frame in State (a checkpoint) became precise
	EventBack                        // going back for precision: before Insn the places in Regs and Slots of Frame matter
	EventCheck                       // Check says what was needed
	EventNoFact                      // the comparison at Insn taught nothing about Reg
	EventExit                        // the path of State ended at Insn
	EventEnd                         // the walk of the function ended: at State when it is Refused or Stopped
)

// Event is a step of the verification. It and the states belong to the
// verifier: they are valid during the call and must not be changed.
type Event struct {
	Kind  EventKind
	Insn  int // instruction slot
	State *State
	Other *State
	Frame int
	Reg   int // register, or -1-slot
	Regs  uint32
	Slots uint64
	Check CheckEvent // of EventEnd: what the message asks for, when no check said so before
	// NoFact is why, Way of which way of the comparison, and Num the number
	// that it is about.
	NoFact NoFactKind
	Way    NoFactWay
	Num    int64
	// Refused is a verdict, Stopped is none: cancelled, or not modelled.
	Refused, Stopped bool
	// Processed counts the instructions so far, as the kernel does.
	Processed int
}

// CheckEvent is what an access or operation needed. Lo, Hi and Limit are as
// its kind says.
type CheckEvent struct {
	Kind          CheckKind
	Failed        bool
	Reg           int // -1 for none
	Lo, Hi, Limit int64
	Text          string
}

// Tracer is told of each step of a verification, in order, on the goroutine of
// Verify. It decides what to keep.
type Tracer interface {
	Trace(*Event)
}

// trace tells the tracer. The event is the environment's own: one that
// escapes would cost an allocation for each instruction.
func (e *env) trace(ev Event) {
	if e.tracer == nil {
		return
	}
	e.event = ev
	e.event.Processed = e.insnProcessed
	if ev.Kind == EventEnd && ev.Refused {
		e.event.Check = e.refusedBy()
	}
	e.tracer.Trace(&e.event)
}

// traceCheck tells what was needed of a register, -1 for none.
func (e *env) traceCheck(kind CheckKind, regno int, lo, hi, limit int64, failed bool) {
	if e.tracer != nil {
		e.trace(Event{Kind: EventCheck, Insn: e.insnIdx, State: e.cur, Check: CheckEvent{Kind: kind, Failed: failed, Reg: regno, Lo: lo, Hi: hi, Limit: limit}})
	}
}

// traceRefused is traceCheck of something without numbers that was not there.
func (e *env) traceRefused(kind CheckKind, regno int, text string) {
	if e.tracer != nil {
		e.trace(Event{Kind: EventCheck, Insn: e.insnIdx, State: e.cur, Check: CheckEvent{Kind: kind, Failed: true, Reg: regno, Text: text}})
	}
}

// traceRegion tells of an access of size bytes at off of a pointer into limit
// bytes.
func (e *env) traceRegion(regno, off, size int, limit uint32, failed bool) {
	if e.tracer == nil {
		return
	}
	r := &e.regs()[regno]
	kind := CheckKindMem
	switch r.Type {
	case PtrToMapValue:
		kind = CheckKindMapValue
	case PtrToMapKey:
		kind = CheckKindMapKey
	}
	e.traceCheck(kind, regno, satAdd(r.SMin, int64(off)), satAdd(satU64(r.UMax), int64(off+size)), int64(limit), failed)
}

// satU64 and satAdd stay within int64.
func satU64(v uint64) int64 { return int64(min(v, 1<<63-1)) }

func satAdd(a, b int64) int64 {
	if c, ok := addS64(a, b); ok {
		return c
	}
	if b < 0 {
		return -1 << 63
	}
	return 1<<63 - 1
}

// traceNoPointer tells that memory was to be accessed through what is no
// pointer, or may be NULL.
func (e *env) traceNoPointer(regno int) {
	kind := CheckKindPointer
	if e.regs()[regno].Type.MayBeNull() {
		kind = CheckKindNotNull
	}
	e.traceRefused(kind, regno, "")
}

// traceArgType tells that an argument is none of the types wanted.
func (e *env) traceArgType(regno int, want []RegType) {
	if e.tracer == nil {
		return
	}
	var text []byte
	for i, w := range want {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = w.Append(text)
	}
	e.traceRefused(CheckKindArgType, regno, string(text))
}

// traceArgSize tells what a helper's size argument must be.
func (e *env) traceArgSize(r *RegState, regno int, zeroOK, failed bool) {
	lo := int64(1)
	if zeroOK {
		lo = 0
	}
	e.traceCheck(CheckKindArgSize, regno, lo, maxVarSize, satU64(r.UMax), failed)
}

// tracePrecise tells that Reg of a checkpoint's frame became precise.
func (e *env) tracePrecise(st *State, frame, reg int) {
	if e.tracer != nil {
		e.trace(Event{Kind: EventMark, Insn: e.insnIdx, State: st, Frame: frame, Reg: reg})
	}
}

// traceBack tells what matters before an instruction, while going back, when
// it is not what was told last: of a long way most instructions change nothing.
func (e *env) traceBack(insn int) {
	if e.tracer == nil {
		return
	}
	b, last := &e.bt, &e.event
	regs, slots := b.regs[b.frame], b.slots[b.frame]
	if last.Kind == EventBack && last.Frame == b.frame && last.Regs == regs && last.Slots == slots {
		return
	}
	e.trace(Event{Kind: EventBack, Insn: insn, State: e.cur, Frame: b.frame, Regs: regs, Slots: slots})
}

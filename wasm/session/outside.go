package session

import (
	"skep/vm"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/wasm/protocol"
)

// Outside is the events of a session, run by an engine outside of this package
// that wants results and no steps: compiled code. The session cannot be
// stepped until it is started again.
//
//	o, problems := e.Outside(id, span)
//	for {
//		at := o.Machine() // at the arrival of an event: run it to its end
//		if more, err := o.Next(); !more { break }
//	}
//	view := o.View()
type Outside struct {
	s     *Session
	m     *vm.Machine
	rings []int // maps that user space reads
}

// Outside begins the events of a session anew. The machine's memory is in span,
// whose bytes are zero. Without a Start before there is nothing to begin.
func (e *Engine) Outside(id uint32, span []byte) (*Outside, []protocol.Problem) {
	s := e.sessions[id]
	if s == nil || s.machine == nil {
		return nil, problems(protocol.WhereEngine, "nothing is running yet", "load a program and start it with an input first")
	}
	if p := s.build(span); p != nil {
		return nil, p
	}
	s.stride = 1 << 30 // nobody comes back to an event
	o := &Outside{s: s, m: s.machine}
	for i, mp := range s.machine.Maps().Maps() {
		if _, ok := mp.(maps.Ring); ok && mp.Spec().Type == maps.Ringbuf {
			o.rings = append(o.rings, i)
		}
	}
	return o, nil
}

// Forget drops a session whose state is of no use any more.
func (e *Engine) Forget(id uint32) { delete(e.sessions, id) }

// Memory is how many bytes the machine of a session has, 0 without one.
func (e *Engine) Memory(id uint32) int {
	if s := e.sessions[id]; s != nil && s.machine != nil {
		return len(s.machine.Arena().Buf)
	}
	return 0
}

// Machine is the machine of the run.
func (o *Outside) Machine() *vm.Machine { return o.m }

// Over says whether the session has gone on to something else.
func (o *Outside) Over() bool { return o.s.machine != o.m }

// Event is the number of the current event, Events how many are known of.
func (o *Outside) Event() int  { return o.s.at }
func (o *Outside) Events() int { return len(o.s.events) }

// Chosen is the machine's number of the program that the session is about.
func (o *Outside) Chosen() int { return o.s.numbers[o.s.prog] }

// Programs is how many programs the machine has.
func (o *Outside) Programs() int {
	n := 0
	for _, p := range o.s.numbers {
		n = max(n, p+1)
	}
	return n
}

// Reads says whether user space reads something between two runs.
func (o *Outside) Reads() bool { return len(o.rings) > 0 }

// Again reads the ring buffers, as user space does between two runs: the event
// is about to be run once more.
func (o *Outside) Again() {
	e, all := &o.s.events[o.s.at], o.m.Maps().Maps()
	if e.before == nil {
		e.before = make([]uint32, len(all))
	}
	for _, i := range o.rings {
		for {
			if _, ok := all[i].(maps.Ring).Consume(); !ok {
				break
			}
			e.before[i]++
		}
	}
}

// Next notes how the current event, which the machine has ended, ended, and
// goes to the next. False: it was the last.
func (o *Outside) Next() (bool, error) {
	o.s.finished()
	if o.s.last() {
		return false, nil
	}
	if err := o.s.arrive(o.s.at + 1); err != nil {
		return false, err
	}
	return true, nil
}

// nowhere is the step that is shown, and the instruction that ended a program:
// code does not tell which of its exits it took.
const nowhere = 1<<32 - 1

// View is what is left. No step in it has a number, and
// of functions that called the current one nothing is known. A run that has not ended is told of as fault,
// which is nil for one that has.
func (o *Outside) View(fault *protocol.Fault) *protocol.View {
	s := o.s
	s.known.n = -1 // nothing is known of what registers hold
	v := &protocol.View{
		Step: nowhere, Event: uint32(s.at), Events: uint32(len(s.events)), TotalKnown: true, Stop: protocol.StopReasonEnd, State: protocol.StateExited,
		Program: uint32(s.program(s.machine.Prog())), PC: uint32(s.machine.PC()), LastPC: -1,
		Regs: s.regs(), Clock: s.machine.Clock(),
	}
	if s.machine.Fault() != nil {
		v.Fault = s.fault()
	}
	if fault != nil {
		v.Fault = fault
	}
	switch {
	case v.Fault != nil:
		v.State, v.Stop = protocol.StateFaulted, protocol.StopReasonFault
	case !s.machine.Done():
		v.State, v.Stop = protocol.StateRunning, protocol.StopReasonCancelled
	default:
		v.PC = nowhere
	}
	frames := s.frames()
	v.Frames = frames[len(frames)-1:]
	v.Packet = s.packetView()
	s.ctxView(v)
	v.Maps = s.mapViews(nil)
	s.logs(v)
	s.regions(v)
	forgetSteps(v)
	return v
}

// forgetSteps takes out the numbers of steps: what was counted is no steps.
func forgetSteps(v *protocol.View) {
	for i := range v.Regs {
		v.Regs[i].Writer = -1
		v.Regs[i].Changed = false
	}
	for i := range v.Trace {
		v.Trace[i].Step = 0
	}
	for i := range v.Calls {
		v.Calls[i].Step = 0
	}
	for i := range v.Verdicts {
		v.Verdicts[i].Step = 0
	}
	for i := range v.Maps {
		m := &v.Maps[i]
		m.Changed = false
		for j := range m.Entries {
			m.Entries[j].Writer = -1
		}
		for j := range m.Records {
			m.Records[j].Step = 0
		}
	}
}

// Ended tells the machine that code has reached an exit of its first function,
// with these registers: it does that exit itself.
func (o *Outside) Ended(p vm.Point) {
	p.Depth = 0
	for slot, in := range o.s.machine.Program(p.Prog).Insns {
		if in.Class() == isa.ClassJMP && in.JmpOp() == isa.JmpExit {
			p.Slot = slot
			o.s.machine.Do(&p)
			return
		}
	}
}

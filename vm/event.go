package vm

import (
	"sort"

	"skep/vm/helper"
)

// Event is something the program did to the outside, with its place.
type Event struct {
	Step uint64 // state before the instruction
	Prog int
	PC   int // slot
	helper.Event
}

// Call is one call of a helper.
type Call struct {
	Step     uint64
	Prog     int
	PC       int       // slot of the call
	Helper   int       // number; a kfunc's is helper.KfuncID
	Args     [5]uint64 // r1 to r5
	Ret      uint64
	Rounds   uint64 // callbacks it made
	TailCall bool   // it did not return: a tail call went to another program, bpf_throw ended it
}

// maxEvents bounds what is kept of a run that prints in a loop.
const maxEvents = 1 << 16

// emit records what a helper did to the outside.
//
// Events are kept when the machine goes back, and not recorded again when it
// comes along once more: seen says up to where they are known.
func (m *Machine) emit(ev helper.Event) {
	if m.steps-1 < m.history.seen {
		return
	}
	if len(m.events) >= maxEvents {
		m.lost++
		return
	}
	m.events = append(m.events, Event{Step: m.steps - 1, Prog: int(m.cpu.prog), PC: m.PC(), Event: ev})
}

// noteCall records a helper call for the views, unless results are all that
// is wanted.
func (m *Machine) noteCall(c *helper.Call, prog int, pc uint64, tail bool) {
	if m.cfg.NoHistory || m.steps-1 < m.history.seen {
		return
	}
	if len(m.calls) >= maxEvents {
		m.lost++
		return
	}
	m.calls = append(m.calls, Call{
		Step: m.steps - 1, Prog: prog, PC: int(m.progs[prog].slot[pc]),
		Helper: c.ID, Args: c.Args, Ret: c.R0, Rounds: c.Round, TailCall: tail,
	})
}

// Events is what the program did to the outside before the current step, in
// order; Lost is how many more there were than are kept. The slice is the
// machine's own.
func (m *Machine) Events() []Event {
	n := sort.Search(len(m.events), func(i int) bool { return m.events[i].Step >= m.steps })
	return m.events[:n:n]
}

// Lost is how many events and calls were not kept.
func (m *Machine) Lost() int { return m.lost }

// Calls is the helper calls before the current step, in order. The slice is
// the machine's own.
func (m *Machine) Calls() []Call {
	n := sort.Search(len(m.calls), func(i int) bool { return m.calls[i].Step >= m.steps })
	return m.calls[:n:n]
}

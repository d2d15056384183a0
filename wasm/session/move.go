package session

import (
	"bytes"
	"runtime"

	"skep/vm"
	"skep/vm/arena"
	"skep/vm/isa"
	"skep/wasm/protocol"
)

// movement is a walk from one step to another, done in slices. run does about
// fuel instructions and reports whether the walk is over.
type movement struct {
	run  func(fuel int) bool
	stop protocol.StopReason // how it ended
}

// arrivalCost is what the arrival of a packet takes, in instructions: memory
// is cleared, compared and kept.
const arrivalCost = 1000

// maxSlice bounds what one request may do, whatever the page asks for.
const maxSlice = 4 << 20

// Move begins a movement and does its first slice. A movement under way is
// given up.
func (s *Session) Move(how protocol.Movement, n uint32, w protocol.WireWatch, slice uint32) *protocol.Moved {
	mv := &movement{stop: protocol.StopReasonMoved}
	now := s.step()
	switch how {
	case protocol.MovementStep:
		mv.run = s.to(mv, satAdd(now, n))
	case protocol.MovementBack:
		mv.run = s.to(mv, now-min(n, now))
		if n > now {
			mv.stop = protocol.StopReasonStart
		}
	case protocol.MovementSeek:
		mv.run = s.to(mv, n)
	case protocol.MovementReset:
		mv.run = s.to(mv, 0)
		mv.stop = protocol.StopReasonStart
	case protocol.MovementRunTo:
		mv.run = s.forward(mv, func() bool { return s.atSlot(n) }, true)
	case protocol.MovementRun:
		mv.run = s.forward(mv, nil, true)
	case protocol.MovementStepOver:
		depth, event := s.depth(), s.at
		mv.run = s.forward(mv, func() bool { return s.at != event || s.depth() <= depth }, true)
	case protocol.MovementStepOut:
		depth, event := s.depth(), s.at
		mv.run = s.forward(mv, func() bool { return s.at != event || s.depth() < depth || s.over() }, true)
	case protocol.MovementRunBack:
		mv.run = s.backward(mv, s.breakBefore)
	case protocol.MovementNextEvent:
		event := s.at
		mv.run = s.forward(mv, func() bool { return s.at != event }, false)
	case protocol.MovementPrevEvent:
		mv.run = s.to(mv, s.prevArrival())
	case protocol.MovementMeasure:
		mv.run = s.measure(mv, now)
	case protocol.MovementNextChange:
		mv.run = s.nextChange(mv, w)
	case protocol.MovementPrevChange:
		mv.run = s.prevChange(mv, w)
	}
	s.move = mv
	return s.Continue(slice)
}

// Continue does the next slice.
func (s *Session) Continue(slice uint32) *protocol.Moved {
	runtime.Gosched() // see advance
	if s.move == nil {
		return s.moved()
	}
	if s.move.run(int(min(max(slice, 1), maxSlice))) {
		s.stop = s.move.stop
		s.move = nil
		return s.moved()
	}
	return &protocol.Moved{Step: s.step(), Event: uint32(s.at), Events: uint32(len(s.events))}
}

// Cancel stays where the movement under way has got to.
func (s *Session) Cancel() *protocol.Moved {
	if s.move != nil {
		s.move, s.stop = nil, protocol.StopReasonCancelled
	}
	return s.moved()
}

func (s *Session) moved() *protocol.Moved {
	return &protocol.Moved{Step: s.step(), Event: uint32(s.at), Events: uint32(len(s.events)), View: s.view()}
}

func satAdd(a, b uint32) uint32 {
	if a+b < a {
		return 1<<32 - 1
	}
	return a + b
}

func (s *Session) prevArrival() uint32 {
	if s.machine.Steps() > 0 || s.at == 0 {
		return s.events[s.at].start
	}
	return s.events[s.at-1].start
}

// atSlot says whether the next instruction is slot pc of the chosen program.
func (s *Session) atSlot(pc uint32) bool {
	return s.machine.PC() == int(pc) && s.machine.Prog() == s.numbers[s.prog] && !s.over()
}

func (s *Session) atBreakpoint() bool {
	for _, pc := range s.breaks {
		if s.atSlot(pc) {
			return true
		}
	}
	return false
}

// to walks to a step number, in either direction.
func (s *Session) to(mv *movement, target uint32) func(int) bool {
	return func(fuel int) bool {
		for fuel > 0 {
			e := &s.events[s.at]
			switch {
			case target < e.start:
				s.rewind(s.eventOf(target))
				continue
			case s.over():
				s.finished()
				if end := e.start + e.steps; target <= end {
					break
				}
				if s.last() {
					mv.stop = s.ending()
					return true
				}
				if !s.next() {
					mv.stop = protocol.StopReasonFault
					return true
				}
				fuel -= arrivalCost
				continue
			}
			local := uint64(target - e.start)
			if local <= s.machine.Steps() {
				s.machine.Seek(local)
				return true
			}
			fuel -= s.advance(min(local-s.machine.Steps(), uint64(fuel)))
		}
		return s.step() == target
	}
}

// next goes to the arrival of the event after the current one.
func (s *Session) next() bool { return s.arrive(s.at+1) == nil }

// eventOf is the event that a step in the part that is known belongs to.
func (s *Session) eventOf(step uint32) int {
	k := 0
	for i := 1; i < s.reached && s.events[i].start <= step; i++ {
		k = i
	}
	return k
}

// ending is why the run cannot go on in the last state.
func (s *Session) ending() protocol.StopReason {
	switch {
	case s.machine.Fault() != nil:
		return protocol.StopReasonFault
	case !s.machine.Done():
		return protocol.StopReasonBudget
	}
	return protocol.StopReasonEnd
}

// advance executes up to n instructions of the current event, more than none
// unless it is over, and says how many. Breakpoints do not stop it.
func (s *Session) advance(n uint64) int {
	from := s.machine.Steps()
	end := min(from+n, uint64(s.opts.Budget))
	for s.machine.Steps() < end && !s.machine.Done() {
		switch at := s.machine.Steps(); {
		case at < uint64(len(s.trace.ticks)):
			s.machine.Seek(min(end, uint64(len(s.trace.ticks))))
		case at < maxTrace:
			s.tick()
			if at%1024 == 0 {
				runtime.Gosched() // the garbage collector's turn: nothing preempts under wasm
			}
		default:
			s.machine.Seek(end)
		}
	}
	return max(1, int(s.machine.Steps()-from))
}

// tick does one instruction and traces it.
func (s *Session) tick() {
	m := s.machine
	pc, prog := m.PC(), m.Prog()
	in := s.insn(prog, pc)
	t := tick{pc: uint32(pc), prog: uint8(prog)}
	addr, n, write := access(in, m)
	t.addr, t.n = uint32(addr), n
	if write {
		t.flags |= tickWrite
	}
	calls := len(m.Calls())
	m.Step()
	if m.Fault() != nil {
		t.n = 0
	}
	t.depth = uint8(s.depth())
	if m.Reg(isa.R0) == 0 {
		t.flags |= tickZero
	}
	if in.Class() == isa.ClassJMP && (in.JmpOp() == isa.JmpCall && in.Src != isa.PseudoCall || in.JmpOp() == isa.JmpExit) {
		if c := m.Calls(); len(c) > calls && c[len(c)-1].TailCall {
			t.flags |= tickTail
		}
		for _, ch := range m.LastChange().Mem {
			if r := m.Arena().Find(ch.Addr); r != nil && r.Kind != arena.State {
				s.trace.helped = append(s.trace.helped, span{uint32(m.Steps()), ch.Addr, ch.Len})
			}
		}
	}
	s.trace.ticks = append(s.trace.ticks, t)
}

// access is the memory that an instruction reads or writes, given the
// registers before it.
func access(in isa.Insn, m *vm.Machine) (addr uint64, n uint8, write bool) {
	switch in.Class() {
	case isa.ClassLDX:
		return m.Reg(int(in.Src)) + uint64(int64(in.Off)), uint8(in.Bytes()), false
	case isa.ClassST:
		return m.Reg(int(in.Dst)) + uint64(int64(in.Off)), uint8(in.Bytes()), true
	case isa.ClassSTX:
		if in.Mode() == isa.ModeAtomic && in.Imm == isa.AtomicLoadAcq {
			return m.Reg(int(in.Src)) + uint64(int64(in.Off)), uint8(in.Bytes()), false
		}
		return m.Reg(int(in.Dst)) + uint64(int64(in.Off)), uint8(in.Bytes()), true
	}
	return 0, 0, false
}

// forward walks on until stop says so in the state it has come to, or the end,
// or, if breaks is set, a breakpoint. Without stop the machine runs by itself
// where no trace is kept.
func (s *Session) forward(mv *movement, stop func() bool, breaks bool) func(int) bool {
	return func(fuel int) bool {
		for fuel > 0 {
			if s.over() {
				s.finished()
				if s.last() {
					mv.stop = s.ending()
					return true
				}
				if !s.next() {
					mv.stop = protocol.StopReasonFault
					return true
				}
				fuel -= arrivalCost
			} else if stop == nil && s.machine.Steps() >= maxTrace {
				from := s.machine.Steps()
				hit := s.machine.Run(int(min(uint64(fuel), uint64(s.opts.Budget)-from))) == vm.StopBreak
				if s.machine.Steps() > uint64(s.opts.Budget) {
					s.machine.Seek(uint64(s.opts.Budget))
				}
				fuel -= max(1, int(s.machine.Steps()-from))
				if !hit {
					continue
				}
			} else {
				fuel -= s.advance(1)
			}
			if stop != nil && stop() {
				mv.stop = protocol.StopReasonTarget
				return true
			}
			if breaks && s.atBreakpoint() {
				mv.stop = protocol.StopReasonBreakpoint
				return true
			}
		}
		return false
	}
}

// measure runs to the end to learn the total, then walks back to step now.
func (s *Session) measure(mv *movement, now uint32) func(int) bool {
	end := s.to(mv, 1<<32-1)
	back := s.to(mv, now)
	ended := false
	return func(fuel int) bool {
		if !ended {
			if _, known := s.total(); !known && !end(fuel) {
				return false
			}
			ended = true
		}
		if !back(fuel) {
			return false
		}
		mv.stop = protocol.StopReasonMoved
		return true
	}
}

// total is the number of the last step, or of the last that has been reached.
func (s *Session) total() (uint32, bool) {
	e := &s.events[s.reached-1]
	if !e.done {
		return max(e.start, s.step()), false
	}
	return e.start + e.steps, e.bad || s.reached == len(s.events)
}

// backward walks to the newest state before the current one that find
// accepts, event by event. find returns a step of the current event before
// the given one, in its own numbers.
func (s *Session) backward(mv *movement, find func(before uint64) (uint64, bool)) func(int) bool {
	before := s.machine.Steps()
	var walk func(int) bool // to the end of the event before
	return func(fuel int) bool {
		for {
			if walk != nil {
				if !walk(fuel) {
					return false
				}
				walk, before = nil, s.machine.Steps()+1
			}
			if n, ok := find(before); ok {
				s.machine.Seek(n)
				mv.stop = protocol.StopReasonTarget
				return true
			}
			if s.at == 0 {
				s.machine.Seek(0)
				mv.stop = protocol.StopReasonStart
				return true
			}
			walk = s.to(mv, s.events[s.at].start-1)
		}
	}
}

// breakBefore finds the newest state before step n of this event whose next
// instruction has a breakpoint.
func (s *Session) breakBefore(n uint64) (uint64, bool) {
	if n > uint64(len(s.trace.ticks)) {
		// Beyond the trace the machine has to run again.
		var found uint64
		ok := false
		s.machine.Seek(uint64(min(maxTrace, len(s.trace.ticks))))
		for s.machine.Run(int(min(n-min(n, s.machine.Steps()), 1<<20))) == vm.StopBreak && s.machine.Steps() < n {
			found, ok = s.machine.Steps(), true
		}
		if ok {
			return found, true
		}
		n = uint64(len(s.trace.ticks))
	}
	for i := int(n) - 1; i >= 0; i-- {
		t := &s.trace.ticks[i]
		if int(t.prog) != s.numbers[s.prog] {
			continue
		}
		for _, pc := range s.breaks {
			if t.pc == pc {
				return uint64(i), true
			}
		}
	}
	return 0, false
}

// watched reads the value that is watched.
func (s *Session) watched(w protocol.WireWatch) []byte {
	if w.Kind == protocol.WatchKindReg {
		v := s.machine.Reg(int(w.Reg) % isa.NumRegs)
		return le64(v)
	}
	addr, n := s.address(w.Range), min(w.Range.Length, 1<<16)
	if !s.machine.Arena().Valid(addr, n) {
		return nil
	}
	return append([]byte(nil), s.machine.Arena().Bytes(addr, n)...)
}

// lasts says whether what is watched outlives an event: map memory does.
func (s *Session) lasts(w protocol.WireWatch) bool {
	if w.Kind == protocol.WatchKindReg {
		return false
	}
	r := s.machine.Arena().Find(s.address(w.Range))
	return r != nil && (r.Kind == arena.Value || r.Kind == arena.Ringbuf)
}

// nextChange walks on until the watched value is another one.
func (s *Session) nextChange(mv *movement, w protocol.WireWatch) func(int) bool {
	event, lasts := s.at, s.lasts(w)
	was := s.watched(w)
	return s.forward(mv, func() bool {
		if s.at != event && !lasts {
			return true
		}
		return !bytes.Equal(was, s.watched(w))
	}, false)
}

// prevChange walks back to the state just after the newest write before the
// current state that was to what is watched.
func (s *Session) prevChange(mv *movement, w protocol.WireWatch) func(int) bool {
	event, lasts := s.at, s.lasts(w)
	return s.backward(mv, func(before uint64) (uint64, bool) {
		if s.at != event && !lasts {
			return 0, false
		}
		if before == 0 {
			return 0, false
		}
		n, ok := s.writeBefore(w, before-1)
		if !ok && !lasts {
			return 0, true // the arrival: where it got its first value
		}
		return n + 1, ok
	})
}

// writeBefore is the newest step before state number before of this event
// that wrote what is watched: the state before that step.
func (s *Session) writeBefore(w protocol.WireWatch, before uint64) (uint64, bool) {
	if w.Kind == protocol.WatchKindReg {
		return s.machine.LastRegWrite(int(w.Reg)%isa.NumRegs, before)
	}
	return s.machine.LastWrite(s.address(w.Range), max(1, w.Range.Length), before)
}

// address is where a range begins: a region's number is its address.
func (s *Session) address(r protocol.Range) uint32 { return r.Region + uint32(r.Offset) }

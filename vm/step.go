package vm

import (
	"unsafe"

	"skep/vm/arena"
	"skep/vm/isa"
)

// Stop is why a machine stopped.
type Stop uint8

const (
	StopStep   Stop = iota // what was asked for is done
	StopBudget             // the instruction budget is used up: call again to go on
	StopExit               // the program ended: r0 is its result
	StopFault              // a fault: see Machine.Fault
	StopBreak              // a breakpoint: the instruction at PC has not run
	StopWatch              // watched memory was written by the last step
	StopStart              // there is nothing before the first step
	StopWait               // the CPU waits for a spin lock that another one holds: nothing happened
)

var stopNames = [...]string{"step", "budget", "exit", "fault", "breakpoint", "watch", "start", "wait"}

func (s Stop) String() string { return stopNames[s] }

// ended is the stop of a run that is over.
func (m *Machine) ended() Stop {
	if m.cpu.status == faulted {
		return StopFault
	}
	return StopExit
}

// Step does one instruction and records how to undo it. A step that faults
// counts: stepping back from it leads to the state before the fault. With
// several runs in flight it is StepOn of the current one.
func (m *Machine) Step() Stop {
	if m.cpu.status != running || m.code == nil {
		return m.ended()
	}
	if len(m.lanes) > 1 {
		return m.StepOn(m.cpuNo)
	}
	if m.cfg.NoHistory {
		m.single(&m.code.ops[m.cpu.pc])
	} else {
		m.checkpointIfDue()
		m.stepRecorded()
	}
	if m.cpu.status != running {
		return m.ended()
	}
	return StopStep
}

// How a step must be recorded.
type shape uint8

const (
	shapePlain  shape = iota // at most one register
	shapeMemory              // and the memory it accesses
	shapeState               // anything: compare the whole state
)

// shapeOf says what instruction in may change: the register (arena.NoCell for
// none) and the rest.
func shapeOf(in *op) (uint16, shape) {
	dst, src := uint16(in.dst/8), uint16(in.src/8)
	switch in.own {
	case isa.KindCallHelper, isa.KindCallLocal, isa.KindCallKfunc, isa.KindCallReg, isa.KindExit, isa.KindMayGoto, opEnd, opFrame, opDead:
		return arena.NoCell, shapeState
	case isa.KindGotox:
		return arena.NoCell, shapePlain
	}
	switch in.own.Row().Form {
	case isa.FormDst, isa.FormDstImm, isa.FormDstSrc, isa.FormCast, isa.FormWide, isa.FormLoad:
		return dst, shapePlain
	case isa.FormAbs, isa.FormInd:
		return isa.R0, shapePlain
	case isa.FormStoreImm, isa.FormStore, isa.FormAtomic:
		return arena.NoCell, shapeMemory
	case isa.FormAtomicFetch:
		return src, shapeMemory
	case isa.FormAtomicCmpxchg:
		return isa.R0, shapeMemory
	}
	return arena.NoCell, shapePlain
}

// stepRecorded runs one instruction through exec, by way of an array that
// holds it and an opStop: what it does is written down only once.
func (m *Machine) stepRecorded() {
	in := &m.code.ops[m.cpu.pc]
	cell, shape := shapeOf(in)
	j := &m.journal
	if j.Next() != m.steps {
		j.Reset(m.steps)
	}
	m.arena.Journal = j
	var old uint64
	if cell != arena.NoCell {
		old = m.cpu.r[cell]
	}
	j.Step(uint32(m.cpu.pc), cell, old)
	if m.from >= 0 {
		j.Cell(laneCell, uint64(m.from))
	}
	switch shape {
	case shapePlain:
		m.single(in)
	case shapeMemory:
		addr, n, perm := m.cpu.access(in)
		if _, ok := m.window(addr, n, perm); ok {
			m.arena.Touch(uint32(addr), n)
		}
		m.single(in)
	case shapeState:
		before := m.cpu
		m.single(in)
		was, is := before.words(), m.cpu.words()
		for i := range was {
			if was[i] != is[i] && uint32(i) != statusCell && uint32(i) != pcCell {
				j.Cell(uint32(i), was[i])
			}
		}
	}
	if m.cpu.status != running {
		j.Cell(statusCell, running)
	}
	m.arena.Journal = nil
	m.sawSteps()
}

// single runs one instruction, which in is the decoded form of.
func (m *Machine) single(in *op) {
	pc, steps := m.cpu.pc, m.steps
	m.step1[0] = *in
	m.step1[0].kind = in.own
	ip := unsafe.Pointer(&m.step1[0])
	m.exec(ip, uintptr(ip)-uintptr(pc)*opSize, 1)
	if m.steps == steps { // it fell through to the opStop
		m.steps++
		m.cpu.pc = pc + 1
	}
}

// undo takes the last step back. It reports false when the journal does not
// hold it.
func (m *Machine) undo() bool {
	if m.journal.Next() != m.steps || m.journal.First() == m.steps {
		return false
	}
	back := m.lane // whose turn it was before
	for {
		e, ok := m.journal.Pop()
		if !ok {
			return false
		}
		switch e.Op {
		case arena.OpMem:
			m.arena.Undo(e)
		case arena.OpCell:
			switch e.Addr {
			case arena.BrkCell:
				m.arena.Shrink(uint32(e.Old))
			case laneCell:
				back = m.lanes[e.Old]
			default:
				m.cpu.words()[e.Addr] = e.Old
			}
		case arena.OpStep:
			if e.Cell != arena.NoCell {
				m.cpu.r[e.Cell] = e.Old
			}
			m.cpu.pc = uint64(e.Addr)
			m.steps--
			m.fault = nil
			m.setCode(int(m.cpu.prog))
			m.forgetWindows()
			m.use(back)
			return true
		}
	}
}

// fast runs without recording until about fuel instructions are done, the run
// ends, or a breakpoint is met (m.hit). It may overrun by a straight run.
func (m *Machine) fast(fuel int64) {
	m.hit = false
	for fuel > 0 && m.cpu.status == running && !m.hit {
		c := m.code
		fuel = m.exec(unsafe.Pointer(&c.ops[m.cpu.pc]), uintptr(unsafe.Pointer(unsafe.SliceData(c.ops))), fuel)
	}
	m.sawSteps()
}

// Run goes on until the program ends, a breakpoint or watch is met, or about
// budget instructions are done: it overruns by less than the length of the
// program. Call it in slices of 100,000 to 1,000,000 instructions.
func (m *Machine) Run(budget int) Stop {
	if m.cpu.status != running || m.code == nil {
		return m.ended()
	}
	end := m.steps + uint64(max(budget, 0))
	if m.watching() || len(m.lanes) > 1 {
		return m.runWatched(end)
	}
	if m.breakAt() != nil && m.steps < end {
		m.Step()
	}
	for m.steps < end {
		if m.cpu.status != running {
			return m.ended()
		}
		m.checkpointIfDue()
		m.fast(int64(min(end-m.steps, m.untilCheckpoint())))
		if m.hit && m.cpu.status == running {
			if b := m.breakAt(); b != nil && (b.Cond == nil || b.Cond(m)) {
				return StopBreak
			}
			m.Step()
		}
	}
	if m.cpu.status != running {
		return m.ended()
	}
	return StopBudget
}

// runWatched is Run with recorded steps, each looked at for watched memory;
// of several runs in flight only the current one goes on.
func (m *Machine) runWatched(end uint64) Stop {
	for first := true; m.steps < end; first = false {
		if m.cpu.status != running {
			return m.ended()
		}
		if b := m.breakAt(); !first && b != nil && (b.Cond == nil || b.Cond(m)) {
			return StopBreak
		}
		if m.Step() == StopWait {
			return StopWait
		}
		if m.watching() && m.watchHit() {
			return StopWatch
		}
	}
	if m.cpu.status != running {
		return m.ended()
	}
	return StopBudget
}

// RunTo runs until the instruction at slot pc of program prog is next.
func (m *Machine) RunTo(prog, pc, budget int) Stop {
	had := m.Breakpoints()
	m.SetBreakpoints(append(had[:len(had):len(had)], Breakpoint{Prog: prog, PC: pc}))
	defer m.SetBreakpoints(had)
	if s := m.Run(budget); s != StopBreak || m.Prog() != prog || m.PC() != pc {
		return s
	}
	return StopStep
}

// StepOver is Step, but runs a function that is called to its return. When
// the budget runs out before it is somewhere inside: StepOut goes on.
func (m *Machine) StepOver(budget int) Stop { return m.stepUntil(m.cpu.depth, budget) }

// StepOut runs until the current function has returned.
func (m *Machine) StepOut(budget int) Stop {
	if m.cpu.depth == 0 {
		return m.Run(budget)
	}
	return m.stepUntil(m.cpu.depth-1, budget)
}

// stepUntil does at least one recorded step and stops when at most depth
// frames lie above the first.
func (m *Machine) stepUntil(depth uint64, budget int) Stop {
	for n := 0; n < max(budget, 1); n++ {
		if n > 0 {
			if b := m.breakAt(); b != nil && (b.Cond == nil || b.Cond(m)) {
				return StopBreak
			}
		}
		if s := m.Step(); s != StopStep {
			return s
		}
		if m.watching() && m.watchHit() {
			return StopWatch
		}
		if m.cpu.depth <= depth {
			return StopStep
		}
	}
	return StopBudget
}

// Back takes the last step back; StopStart when there is none.
func (m *Machine) Back() Stop {
	if m.steps <= m.history.start() {
		return StopStart
	}
	if !m.undo() {
		return m.Seek(m.steps - 1)
	}
	return StopStep
}

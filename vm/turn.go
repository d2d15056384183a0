package vm

import (
	"unsafe"

	"skep/vm/arena"
)

// Turn says that from a step on a CPU makes the instructions.
type Turn struct {
	Step uint64
	CPU  uint32
}

// CPU is a run in flight.
type CPU struct {
	CPU   uint32
	Prog  int  // program that runs
	PC    int  // slot of the next instruction
	Ended bool // by exit or fault
	Fault *Fault
	// Waits: the next instruction takes a spin lock that another CPU holds,
	// Holder: that CPU cannot go on until it is given back.
	Waits  bool
	Holder uint32
	Lock   uint32 // address of that lock
	Steps  uint64 // instructions it has made
}

// CPUs is the runs in flight, in the order in which they were started.
func (m *Machine) CPUs() []CPU {
	out := make([]CPU, len(m.lanes))
	for i, l := range m.lanes {
		out[i] = m.cpuOf(l)
	}
	return out
}

// CPU is the run on a CPU; without one it is the zero CPU, ended.
func (m *Machine) CPU(cpu uint32) CPU {
	if l := m.laneOn(cpu); l != nil {
		return m.cpuOf(l)
	}
	return CPU{CPU: cpu, Ended: true}
}

func (m *Machine) cpuOf(l *lane) CPU {
	s := l.state()
	c := CPU{CPU: l.cpuNo, Prog: int(s.prog), Ended: s.status != running, Steps: m.steps}
	if m.code != nil {
		c.PC = int(m.progs[s.prog].slot[s.pc])
	}
	if s.status == faulted {
		c.Fault = l.savedFault
		if l == m.lane {
			c.Fault = m.fault
		}
	}
	if len(m.lanes) > 1 {
		c.Steps = m.stepsOf(l.cpuNo)
	}
	c.Lock, c.Holder, c.Waits = m.waits(l)
	return c
}

// stepsOf counts the instructions of a CPU up to the current step.
func (m *Machine) stepsOf(cpu uint32) (n uint64) {
	for i, t := range m.turns {
		if t.CPU != cpu || t.Step >= m.steps {
			continue
		}
		end := m.steps
		if i+1 < len(m.turns) {
			end = min(end, m.turns[i+1].Step)
		}
		n += end - t.Step
	}
	return n
}

// Look calls f with the run on a CPU as the current one, for Reg, PC, Frames,
// Packet and the like. f must not move the machine. Without a run there it
// does nothing.
func (m *Machine) Look(cpu uint32, f func()) {
	if l := m.laneOn(cpu); l != nil {
		was := m.lane
		m.use(l)
		f()
		m.use(was)
	}
}

// OnCPU is the CPU of the current run: the one that made the last step.
func (m *Machine) OnCPU() uint32 { return m.lane.cpuNo }

// Turns is the order in which the CPUs made their instructions, also that
// behind the current step as far as it was run. The slice is the machine's own.
func (m *Machine) Turns() []Turn { return m.turns }

// Reached is the number of the newest state that was reached by the present
// order of CPUs: Seek goes that far.
func (m *Machine) Reached() uint64 { return max(m.history.seen, m.steps) }

// StepOn has a CPU make its next instruction. StopWait: it waits for a spin
// lock, and nothing happened. What was done behind the current step by another
// order is forgotten.
func (m *Machine) StepOn(cpu uint32) Stop {
	l := m.laneOn(cpu)
	if l == nil {
		return StopStart
	}
	from := m.lane
	m.use(l)
	if m.cpu.status != running {
		stop := m.ended()
		m.use(from)
		return stop
	}
	if _, _, waits := m.waits(l); waits && m.anyCanGo() {
		m.use(from)
		return StopWait
	}
	if len(m.lanes) == 1 {
		return m.Step()
	}
	m.takeTurn(l)
	m.use(from)
	m.checkpointIfDue()
	m.laneStep(l)
	if m.cpu.status != running {
		return m.ended()
	}
	return StopStep
}

// laneStep records a step of a lane, and that the machine was at another one.
func (m *Machine) laneStep(l *lane) {
	m.from = m.laneIndex(m.lane)
	m.use(l)
	if m.laneIndex(l) == m.from {
		m.from = -1
	}
	if lock, holder, waits := m.waits(l); waits {
		m.stuck(lock, holder)
	} else if m.cfg.NoHistory {
		m.single(&m.code.ops[m.cpu.pc])
	} else {
		m.stepRecorded()
	}
	m.from = -1
}

// takeTurn notes that a lane makes the next step. When that differs from what
// was done from here before, that is forgotten.
func (m *Machine) takeTurn(l *lane) {
	at := len(m.turns) - 1
	for at > 0 && m.turns[at].Step > m.steps {
		at--
	}
	if m.turns[at].CPU == l.cpuNo {
		return
	}
	if m.turns[at].Step == m.steps {
		at--
	}
	m.turns = m.turns[:at+1]
	if at < 0 || m.turns[at].CPU != l.cpuNo {
		m.turns = append(m.turns, Turn{Step: m.steps, CPU: l.cpuNo})
	}
	m.diverge()
}

// turnAt is the lane that makes the step from the current state.
func (m *Machine) turnAt() *lane {
	for i := len(m.turns) - 1; i >= 0; i-- {
		if m.turns[i].Step <= m.steps {
			return m.laneOn(m.turns[i].CPU)
		}
	}
	return m.lane
}

// NextAccess is the memory that the next instruction of the run on a CPU
// reads or writes by itself; no bytes when it does not, or calls a helper.
func (m *Machine) NextAccess(cpu uint32) (addr uint64, n uint32, write bool) {
	l := m.laneOn(cpu)
	if l == nil || l.state().status != running {
		return 0, 0, false
	}
	s := l.state()
	addr, n, perm := s.access(&m.progs[s.prog].ops[s.pc])
	return addr, n, perm == arena.Write
}

// Fingerprint is a hash of the registers and the call stack of the run on a
// CPU: equal for equal ones.
func (m *Machine) Fingerprint(on uint32) uint64 {
	l := m.laneOn(on)
	if l == nil {
		return 0
	}
	const k = 0x9e3779b97f4a7c15
	s := l.state()
	used := unsafe.Offsetof(cpu{}.frames)/8 + uintptr(s.depth+1)*(unsafe.Sizeof(frame{})/8)
	h := uint64(used)
	for _, w := range s.words()[:used] {
		h = (h ^ w) * k
		h ^= h >> 29
	}
	return h
}

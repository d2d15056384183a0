package vm

import (
	"errors"
	"strconv"
	"unsafe"

	"skep/vm/arena"
	"skep/vm/isa"
)

// lane is one run on one CPU: the memory of its own, and its state while
// another lane is the machine's current one. A machine has one lane unless
// Start put more runs in flight.
//
// All lanes share the arena, the maps and the count of steps. What one
// instruction does is done at once, a helper call included: switches lie
// between instructions. RCU therefore needs nothing: a reader never waits, and
// as in the kernel an element that another CPU deleted can be reused while a
// pointer to it is held.
type lane struct {
	m     *Machine
	cpuNo uint32

	top     uint32       // stack top of frame 0
	scratch arena.Region // capacity; the region in the arena may be shorter
	ctx     arena.Region
	pkt     arena.Region

	saved      cpu // while it is not current
	savedFault *Fault
}

// Turn says that from a step on a CPU makes the instructions.
type Turn struct {
	Step uint64
	CPU  uint32
}

// MaxRuns is how many runs can be in flight at once.
const MaxRuns = 8

// laneCell is the cell number of the current lane in the journal.
const laneCell = arena.BrkCell - 1

var (
	errStarted = errors.New("machine: other CPUs must be started before the first step")
	errBusyCPU = errors.New("machine: that CPU has a run in flight already")
	errRuns    = errors.New("machine: at most 8 runs can be in flight")
)

// layOut allocates what a lane has: stack frames from the last to the first,
// so that a call moves down, then scratch, context and packet.
func (l *lane) layOut(a *arena.Arena) error {
	const rw = arena.Read | arena.Write
	for i := maxFrames - 1; i >= 0; i-- {
		r, err := a.Alloc(arena.Region{Kind: arena.Stack, Len: FrameSize, Perm: rw, Map: -1, Index: int32(i), Name: "stack", Windower: (*stackWindow)(l)}, FrameStride)
		if err != nil {
			return err
		}
		l.top = r.Base + FrameSize
	}
	for _, f := range []struct {
		at *arena.Region
		r  arena.Region
	}{
		{&l.scratch, arena.Region{Kind: arena.Object, Len: scratchCap, Perm: rw, Map: -1, Name: "helper scratch"}},
		{&l.ctx, arena.Region{Kind: arena.Ctx, Len: ctxCap, Perm: rw, Map: -1, Name: "ctx"}},
		{&l.pkt, arena.Region{Kind: arena.Packet, Len: Headroom + PacketCap, Perm: rw, Map: -1, Name: "packet", Windower: (*packetWindow)(l)}},
	} {
		r, err := a.Alloc(f.r, 64)
		if err != nil {
			return err
		}
		*f.at = *r
	}
	return nil
}

// state is the lane's registers and call stack as they are now.
func (l *lane) state() *cpu {
	if l.m.lane == l {
		return &l.m.cpu
	}
	return &l.saved
}

// packetWindow makes the window of the packet's region: the bytes between
// data_meta and data_end.
type packetWindow lane

func (p *packetWindow) Window(r *arena.Region, addr uint32) arena.Window {
	k := &(*lane)(p).state().packet
	if k.Limit == 0 {
		return arena.Window{Base: r.Base}
	}
	w := arena.Window{Base: uint32(k.Data), Len: uint32(k.Len()), Perm: r.Perm}
	if uint64(addr) < k.Data && uint64(addr) >= k.Meta {
		w = arena.Window{Base: uint32(k.Meta), Len: uint32(k.Data - k.Meta), Perm: r.Perm}
	}
	return w
}

// stackWindow makes the window of a frame's region: nothing while the frame
// is not in use.
type stackWindow lane

func (s *stackWindow) Window(r *arena.Region, addr uint32) arena.Window {
	w := arena.Window{Base: r.Base, Len: r.Len}
	if uint64(r.Index) <= (*lane)(s).state().depth {
		w.Perm = r.Perm
	}
	return w
}

// use makes a lane the current one.
func (m *Machine) use(l *lane) {
	if l == m.lane {
		return
	}
	m.lane.saved, m.lane.savedFault = m.cpu, m.fault
	m.lane = l
	m.cpu, m.fault = l.saved, l.savedFault
	m.setCode(int(m.cpu.prog))
	m.forgetWindows()
}

func (m *Machine) laneOn(cpu uint32) *lane {
	for _, l := range m.lanes {
		if l.cpuNo == cpu {
			return l
		}
	}
	return nil
}

func (m *Machine) laneIndex(l *lane) int {
	for i := range m.lanes {
		if m.lanes[i] == l {
			return i
		}
	}
	return 0
}

// Start puts one more run in flight, of the program that Entry chose, on CPU
// in.CPU, beside that of Reset and those started before it. All of them are
// at their first instruction. StepOn then says which CPU makes the next one.
func (m *Machine) Start(in Input) error {
	switch {
	case len(m.progs) == 0 || m.code == nil:
		return errNoProgram
	case m.steps != 0:
		return errStarted
	case len(m.lanes) == MaxRuns:
		return errRuns
	case m.laneOn(in.CPU) != nil:
		return errBusyCPU
	}
	if err := m.checkInput(in); err != nil {
		return err
	}
	l, err := m.spareLane()
	if err != nil {
		return err
	}
	first := m.lane
	m.use(l)
	err = m.begin(in)
	m.use(first)
	if err != nil {
		m.setCode(int(m.cpu.prog))
		return err
	}
	m.lanes = append(m.lanes, l)
	m.turns = append(m.turns[:0], Turn{CPU: first.cpuNo})
	m.beginHistory()
	return nil
}

// spareLane is a lane that was in flight before Reset, or a new one.
func (m *Machine) spareLane() (*lane, error) {
	n := len(m.lanes)
	if n < cap(m.lanes) {
		// A session may have gone back to an arena without its memory.
		if l := m.lanes[:n+1][n]; l != nil && l.pkt.Base+l.pkt.Len <= m.arena.Brk() && m.arena.Find(l.pkt.Base) != nil {
			return l, nil
		}
	}
	l := &lane{m: m}
	return l, l.layOut(m.arena)
}

// onlyFirst drops all lanes but the first.
func (m *Machine) onlyFirst() {
	m.use(m.lanes[0])
	m.lanes = m.lanes[:1]
	m.turns = m.turns[:0]
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

const bpfSpinLock, mapUpdateElem, bpfFLock = 93, 2, 4

// waits says whether the next instruction of a run takes a spin lock that
// another CPU holds: bpf_spin_lock, or an update with BPF_F_LOCK. The word of a
// lock that is held is the number of the CPU plus one.
func (m *Machine) waits(l *lane) (lock, holder uint32, ok bool) {
	s := l.state()
	if s.status != running || len(m.lanes) == 1 {
		return 0, 0, false
	}
	in := &m.progs[s.prog].ops[s.pc]
	if in.own != isa.KindCallHelper {
		return 0, 0, false
	}
	switch in.imm {
	case bpfSpinLock:
		lock = uint32(s.r[isa.R1])
	case mapUpdateElem:
		if s.r[isa.R4]&bpfFLock != 0 {
			lock = m.elemLock(l)
		}
	}
	if lock == 0 || !m.arena.Valid(lock, 4) {
		return 0, 0, false
	}
	word := m.arena.U32(lock)
	return lock, word - 1, word != 0 && word-1 != l.cpuNo && m.laneOn(word-1) != nil
}

// elemLock is the address of the lock in the element that an update is about
// to change, 0 when there is none.
func (m *Machine) elemLock(l *lane) uint32 {
	s := l.state()
	mp := m.maps.ByPtr(s.r[isa.R1])
	if mp == nil {
		return 0
	}
	key := s.r[isa.R2]
	if _, ok := m.window(key, mp.KeySize(), arena.Read); !ok {
		return 0
	}
	at := mp.Lookup(m.arena.Bytes(uint32(key), mp.KeySize()), l.cpuNo)
	if off, ok := mp.Spec().LockOffset(); ok && at != 0 {
		return uint32(at) + off
	}
	return 0
}

// anyCanGo says whether some run can make an instruction.
func (m *Machine) anyCanGo() bool {
	for _, l := range m.lanes {
		if _, _, waits := m.waits(l); !waits && l.state().status == running {
			return true
		}
	}
	return false
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
func (m *Machine) Fingerprint(cpu uint32) uint64 {
	l := m.laneOn(cpu)
	if l == nil {
		return 0
	}
	const k = 0x9e3779b97f4a7c15
	s := l.state()
	used := unsafe.Offsetof(cpu0.frames)/8 + uintptr(s.depth+1)*(unsafe.Sizeof(frame{})/8)
	h := uint64(used)
	for _, w := range s.words()[:used] {
		h = (h ^ w) * k
		h ^= h >> 29
	}
	return h
}

var cpu0 cpu // for offsets

// stuck is the fault of a run that waits for ever.
func (m *Machine) stuck(lock, holder uint32) {
	why := " has ended and not given it back"
	if l := m.laneOn(holder); l.state().status == running {
		why = " waits too: a deadlock"
	}
	name := "a spin lock"
	if r := m.arena.Find(lock); r != nil && r.Kind == arena.Value {
		name = "the spin lock in a value of map `" + r.Name + "`"
	}
	m.journal.Step(uint32(m.cpu.pc), arena.NoCell, 0)
	if m.from >= 0 {
		m.journal.Cell(laneCell, uint64(m.from))
	}
	m.journal.Cell(statusCell, running)
	m.steps++
	m.raiseMsg(CodeDeadlock, "CPU "+strconv.Itoa(int(m.cpuNo))+" waits for "+name+", and CPU "+strconv.Itoa(int(holder))+", which holds it,"+why)
	m.placeFault()
	m.sawSteps()
}

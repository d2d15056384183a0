package vm

import (
	"errors"

	"skep/vm/arena"
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
	m.lane, m.stackTop = l, l.top
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
		if l := m.lanes[:n+1][n]; l != nil {
			// Its memory is gone when somebody went back to an arena without it.
			if r := m.arena.Find(l.pkt.Base); r != nil && r.Windower == arena.Windower((*packetWindow)(l)) {
				return l, nil
			}
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

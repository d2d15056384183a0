package vm

import (
	"strconv"

	"skep/vm/arena"
	"skep/vm/isa"
)

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

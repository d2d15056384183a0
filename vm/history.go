package vm

import (
	"slices"

	"skep/vm/arena"
)

// history is the checkpoints of a run. The journal undoes recent steps one by
// one; what it does not reach (older than its bound, or run without recording)
// is reached by restoring a checkpoint and running forward again, which leads
// to the same states because everything is deterministic.
//
// A checkpoint holds the pages of the arena that are not zero, shared with the
// checkpoint before where equal. When there are too many, every other one is
// dropped and the distance between them doubles.
type history struct {
	points []checkpoint // by step; the first is where the history begins
	every  uint64       // steps between checkpoints
	seen   uint64       // steps up to which events are recorded
}

type checkpoint struct {
	step    uint64
	cpu     cpu
	fault   *Fault
	brk     uint32
	regions []arena.Region
	pages   []*page
	fresh   int // pages not shared with the checkpoint before

	// Of several runs in flight, the others.
	lane  int
	saved []laneState
}

type laneState struct {
	cpu   cpu
	fault *Fault
}

const pageSize = 4096

type page [pageSize]byte

const (
	firstEvery = 1 << 16 // steps
	maxPoints  = 64
	maxPages   = 8 << 10 // 32 MiB over all checkpoints

	// tail is how many steps Seek records before its target, so that going
	// back from there is quick.
	tail = 2048
)

func (h *history) start() uint64 {
	if len(h.points) == 0 {
		return 0
	}
	return h.points[0].step
}

// beginHistory makes the current state the first.
func (m *Machine) beginHistory() {
	m.history.points = m.history.points[:0]
	m.history.every = firstEvery
	m.history.seen = m.steps
	m.journal.Reset(m.steps)
	if !m.cfg.NoHistory {
		m.checkpoint()
	}
}

// restartHistory is called after a change from outside: states after this one
// are unknown and those before it cannot be recomputed.
func (m *Machine) restartHistory() {
	m.events, m.calls = m.Events(), m.Calls()
	m.forgetWindows()
	m.beginHistory()
}

// Touched tells the machine that its state was changed from outside (a map
// updated, memory written): history begins anew at the current step.
func (m *Machine) Touched() { m.restartHistory() }

// diverge forgets what lies behind the current step: another CPU goes on than
// did before.
func (m *Machine) diverge() {
	h := &m.history
	m.events, m.calls = m.Events(), m.Calls()
	h.seen = m.steps
	for n := len(h.points); n > 1 && h.points[n-1].step > m.steps; n-- {
		h.points = h.points[:n-1]
	}
}

// sawSteps notes up to where events are recorded.
func (m *Machine) sawSteps() { m.history.seen = max(m.history.seen, m.steps) }

// untilCheckpoint is the number of steps until the next one is due.
func (m *Machine) untilCheckpoint() uint64 {
	if m.cfg.NoHistory {
		return 1 << 62
	}
	next := m.lastPoint().step + m.history.every
	if next <= m.steps {
		return m.history.every
	}
	return next - m.steps
}

// lastPoint is the newest checkpoint that is not after the current step.
func (m *Machine) lastPoint() *checkpoint { return m.pointBefore(m.steps + 1) }

// pointBefore is the newest checkpoint before a step.
func (m *Machine) pointBefore(step uint64) *checkpoint {
	p := m.history.points
	for i := len(p) - 1; i > 0; i-- {
		if p[i].step < step {
			return &p[i]
		}
	}
	return &p[0]
}

func (m *Machine) checkpointIfDue() {
	if m.cfg.NoHistory || len(m.history.points) == 0 {
		return
	}
	h := &m.history
	last := h.points[len(h.points)-1].step
	if m.steps >= last+h.every {
		m.checkpoint()
	}
}

func (m *Machine) checkpoint() {
	h := &m.history
	var before []*page
	if n := len(h.points); n > 0 {
		before = h.points[n-1].pages
	}
	pages, fresh := m.pages(before)
	h.points = append(h.points, checkpoint{
		step: m.steps, cpu: m.cpu, fault: m.fault,
		brk: m.arena.Brk(), regions: slices.Clone(m.arena.Regions()), pages: pages, fresh: fresh,
	})
	if len(m.lanes) > 1 {
		p := &h.points[len(h.points)-1]
		p.lane = m.laneIndex(m.lane)
		for _, l := range m.lanes {
			p.saved = append(p.saved, laneState{*l.state(), l.savedFault})
		}
	}
	held := 0
	for i := range h.points {
		held += h.points[i].fresh
	}
	if len(h.points) > maxPoints || held > maxPages && len(h.points) > 2 {
		keep := h.points[:1]
		for i := 2; i < len(h.points); i += 2 {
			keep = append(keep, h.points[i])
		}
		clear(h.points[len(keep):])
		h.points = keep
		h.every *= 2
	}
}

// pages copies the arena, sharing what equals the pages before, and says how
// many it does not share.
func (m *Machine) pages(before []*page) (out []*page, fresh int) {
	buf := m.arena.Buf[arena.Base:]
	out = make([]*page, (len(buf)+pageSize-1)/pageSize)
	for i := range out {
		var now page
		copy(now[:], buf[i*pageSize:])
		switch {
		case i < len(before) && before[i] != nil && *before[i] == now:
			out[i] = before[i]
		case now != page{}:
			out[i] = &now
			fresh++
		}
	}
	return out, fresh
}

// HistorySize is about how many bytes the history takes.
func (m *Machine) HistorySize() int {
	n := m.journal.Size()
	for i := range m.history.points {
		p := &m.history.points[i]
		n += int(cpuWords)*8*(1+len(p.saved)) + 8*len(p.pages) + pageSize*p.fresh
	}
	return n + len(m.calls)*96 + len(m.events)*96
}

// restore goes to a checkpoint.
func (m *Machine) restore(p *checkpoint) {
	m.arena.Restore(p.brk, p.regions)
	buf := m.arena.Buf[arena.Base:]
	for i, pg := range p.pages {
		part := buf[i*pageSize : min(len(buf), (i+1)*pageSize)]
		if pg == nil {
			clear(part)
		} else {
			copy(part, pg[:])
		}
	}
	if len(p.saved) == len(m.lanes) {
		for i, l := range m.lanes {
			l.saved, l.savedFault = p.saved[i].cpu, p.saved[i].fault
		}
		m.lane = m.lanes[p.lane]
		m.stackTop = m.top
	}
	m.cpu, m.steps, m.fault = p.cpu, p.step, p.fault
	m.setCode(int(m.cpu.prog))
	m.forgetWindows()
	m.journal.Reset(m.steps)
}

// Seek goes to the state with that number, in either direction. Forward it
// stops early where the run ends, or where the order of several runs in flight
// is not known further. Breakpoints do not stop it.
func (m *Machine) Seek(step uint64) Stop {
	if m.cfg.NoHistory || m.code == nil {
		return StopStart
	}
	step = max(step, m.history.start())
	if len(m.lanes) > 1 {
		step = min(step, m.Reached())
	}
	if step < m.steps {
		if m.journal.Next() == m.steps && m.journal.First() <= step {
			for m.steps > step {
				m.undo()
			}
			return StopStep
		}
		m.restore(m.pointBefore(step + 1))
	} else if p := m.pointBefore(step + 1); p.step > m.steps+tail {
		m.restore(p)
	}
	return m.replay(step, tail)
}

// replay runs forward to a step, the last ones (more than record) recorded.
func (m *Machine) replay(step, record uint64) Stop {
	m.arm(false)
	defer m.arm(true)
	for m.steps < step && len(m.lanes) > 1 {
		m.checkpointIfDue()
		m.laneStep(m.turnAt())
	}
	for m.steps < step && m.cpu.status == running {
		m.checkpointIfDue()
		slack := record + uint64(len(m.code.ops))
		if m.steps+slack < step {
			m.fast(int64(min(step-slack-m.steps, m.untilCheckpoint())))
			continue
		}
		m.stepRecorded()
	}
	if m.steps < step {
		return m.ended()
	}
	return StopStep
}

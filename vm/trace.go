package vm

import (
	"slices"
	"sort"
	"unsafe"

	"skep/vm/arena"
	"skep/vm/isa"
)

// Change is what one step changed.
type Change struct {
	Step uint64 // state before the step
	Regs []RegChange
	Mem  []MemChange // by address, adjacent ranges joined; memory of the machine itself included
}

// RegChange is a register that a step wrote with another value than before.
type RegChange struct {
	Reg      int
	Old, New uint64
}

// MemChange is a range of memory that a step wrote.
type MemChange struct {
	Addr, Len uint32
	Old       []byte // what was there before
}

// LastChange is what the step before the current state changed. At the start
// of the history it is empty.
func (m *Machine) LastChange() Change {
	if m.steps <= m.history.start() || m.cfg.NoHistory {
		return Change{Step: m.steps}
	}
	if m.journal.Next() != m.steps || m.journal.First() == m.steps {
		// The last step was not recorded: do it again.
		step := m.steps
		m.Seek(step - 1)
		m.replay(step, 1)
	}
	ch := Change{Step: m.steps - 1}
	m.journal.Walk(func(step uint64, e arena.Entry) bool {
		if step != ch.Step {
			return false
		}
		switch {
		case e.Op == arena.OpMem:
			old := make([]byte, e.N)
			for i := range old {
				old[i] = byte(e.Old >> (8 * i))
			}
			ch.Mem = append(ch.Mem, MemChange{Addr: e.Addr, Len: uint32(e.N), Old: old})
		case e.Op == arena.OpCell && e.Addr < isa.NumRegs:
			ch.reg(int(e.Addr), e.Old, m.cpu.r[e.Addr])
		case e.Op == arena.OpStep && e.Cell != arena.NoCell:
			ch.reg(int(e.Cell), e.Old, m.cpu.r[e.Cell])
		}
		return true
	})
	ch.join()
	return ch
}

func (c *Change) reg(r int, old, now uint64) {
	if old != now {
		c.Regs = append(c.Regs, RegChange{r, old, now})
	}
}

// join sorts the ranges and joins those that touch. Where a step wrote a byte
// twice the older value stays.
func (c *Change) join() {
	slices.Reverse(c.Mem) // oldest first
	sort.Stable(byAddr(c.Mem))
	out := c.Mem[:0]
	for _, x := range c.Mem {
		if n := len(out); n > 0 && x.Addr <= out[n-1].Addr+out[n-1].Len {
			p := &out[n-1]
			if end := x.Addr + x.Len; end > p.Addr+p.Len {
				p.Old = append(p.Old, x.Old[p.Addr+p.Len-x.Addr:]...)
				p.Len = end - p.Addr
			}
			continue
		}
		out = append(out, x)
	}
	c.Mem = out
}

// LastWrite is the newest step before state number before that wrote any of n
// bytes at addr: the number of the state before that step. False when nothing
// in the history did: the memory is as the run found it.
func (m *Machine) LastWrite(addr, n uint32, before uint64) (uint64, bool) {
	return m.search(before, func(step uint64, e arena.Entry) bool {
		return e.Op == arena.OpMem && e.Addr < addr+n && addr < e.Addr+uint32(e.N)
	})
}

// LastRegWrite is the newest step before state number before that gave
// register r the value it has there. A return from a function that restores
// r6 to r9 is not a write; what a callee did to them is skipped.
func (m *Machine) LastRegWrite(r int, before uint64) (uint64, bool) {
	here := m.steps
	m.Seek(before)
	depth := m.cpu.depth // at the step looked at
	m.Seek(here)
	own := depth // of the function whose register it is
	saved := r >= isa.R6 && r <= isa.R9
	return m.search(before, func(step uint64, e arena.Entry) bool {
		if e.Op == arena.OpCell && e.Addr == depthCell {
			depth = e.Old
			own = min(own, depth)
		}
		if saved && depth > own {
			return false
		}
		return e.Op == arena.OpCell && int(e.Addr) == r || e.Op == arena.OpStep && int(e.Cell) == r
	})
}

const depthCell = uint32(unsafe.Offsetof(cpu{}.depth) / 8)

// search walks the history back from state number before to its start, first
// through the journal, then through replays between checkpoints, until match
// says yes. The machine is at the same step again afterwards.
func (m *Machine) search(before uint64, match func(step uint64, e arena.Entry) bool) (found uint64, ok bool) {
	if m.cfg.NoHistory || m.code == nil {
		return 0, false
	}
	here := m.steps
	defer m.Seek(here)
	if before > here {
		m.Seek(before)
	}
	end := min(before, m.steps) // steps from here on have been looked at
	for end > m.history.start() {
		if m.journal.Next() < end || m.journal.First() >= end || m.journal.Next() != m.steps {
			p := m.pointBefore(end)
			m.restore(p)
			m.replay(end, end-p.step)
		}
		m.journal.Walk(func(step uint64, e arena.Entry) bool {
			if step < end && match(step, e) {
				found, ok = step, true
			}
			return !ok
		})
		if ok {
			return found, true
		}
		end = m.journal.First()
	}
	return 0, false
}

type byAddr []MemChange

func (m byAddr) Len() int           { return len(m) }
func (m byAddr) Less(i, j int) bool { return m[i].Addr < m[j].Addr }
func (m byAddr) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }

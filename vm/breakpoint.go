package vm

// Breakpoint stops a run before an instruction.
type Breakpoint struct {
	Prog int // program
	PC   int // slot
	// Cond, when set, is asked each time; false goes on.
	Cond func(m *Machine) bool
}

// Watch stops a run after a step that wrote any of Len bytes at Addr.
type Watch struct {
	Addr, Len uint32
}

// Breakpoints is the breakpoints that are set.
func (m *Machine) Breakpoints() []Breakpoint { return m.breaks }

// SetBreakpoints replaces all breakpoints. Those at places that hold no
// instruction never stop anything.
func (m *Machine) SetBreakpoints(b []Breakpoint) {
	m.arm(false)
	m.breaks = append([]Breakpoint(nil), b...)
	m.arm(true)
}

// SetWatches replaces all watches. A machine with watches runs as slowly as it
// steps.
func (m *Machine) SetWatches(w []Watch) { m.watches = append([]Watch(nil), w...) }

func (m *Machine) watching() bool { return len(m.watches) > 0 }

// arm puts breakpoints into the code or takes them out.
func (m *Machine) arm(on bool) {
	for _, b := range m.breaks {
		if b.Prog < 0 || b.Prog >= len(m.progs) {
			continue
		}
		c := m.progs[b.Prog]
		if b.PC < 0 || b.PC >= len(c.dense) || c.dense[b.PC] < 0 {
			continue
		}
		i := int(c.dense[b.PC])
		c.ops[i].kind = c.ops[i].own
		if on {
			c.ops[i].kind = opBreak
		}
		c.fuse(i)
		c.fuse(i - 1)
	}
}

// breakAt is the breakpoint at the next instruction.
func (m *Machine) breakAt() *Breakpoint {
	for i := range m.breaks {
		if b := &m.breaks[i]; b.Prog == m.Prog() && b.PC == m.PC() {
			return b
		}
	}
	return nil
}

// watchHit says whether the last step wrote watched memory.
func (m *Machine) watchHit() bool {
	for _, w := range m.LastChange().Mem {
		for _, v := range m.watches {
			if w.Addr < v.Addr+v.Len && v.Addr < w.Addr+w.Len {
				return true
			}
		}
	}
	return false
}

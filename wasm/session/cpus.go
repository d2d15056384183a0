package session

import (
	"runtime"
	"strconv"

	"skep/vm"
	"skep/vm/isa"
	"skep/vm/race"
	"skep/wasm/protocol"
)

// cpus is runs in flight on several CPUs: a machine beside the one that the
// movements of the session move.
type cpus struct {
	s     Session // the machine, and what views of it ask: source, options, names
	runs  []protocol.CPURun
	ticks []cpuTick // a step each, of the present order

	from *source
	how  *protocol.StartCPUs

	explorer *race.Explorer
	switches uint32
}

// cpuTick is what is kept of a step.
type cpuTick struct {
	cpu, pc uint32
	access  *protocol.CPUAccess // nil: nothing that others can reach
}

const (
	maxRuns     = vm.MaxRuns
	maxCPUSteps = 100_000 // instructions of an order
	maxAccesses = 1000
)

// StartCPUs puts runs in flight; all are at their first instruction.
func (s *Session) StartCPUs(m *protocol.StartCPUs) *protocol.CPUsMoved {
	fail := func(p []protocol.Problem) *protocol.CPUsMoved { return &protocol.CPUsMoved{Problems: p} }
	option := func(msg, hint string) *protocol.CPUsMoved {
		return fail(problems(protocol.WhereOption, msg, hint))
	}
	if s.src == nil {
		return fail(problems(protocol.WhereSource, "no program is loaded", ""))
	}
	if len(m.Runs) < 2 || len(m.Runs) > maxRuns {
		return option("2 to 8 runs can be in flight, not "+strconv.Itoa(len(m.Runs)), "each on a CPU of its own")
	}
	for i, r := range m.Runs {
		if int(r.Program) >= len(s.src.programs) {
			return option("there is no such program in the source", "")
		}
		for _, other := range m.Runs[:i] {
			if other.CPU == r.CPU {
				return option("two runs are on CPU "+strconv.Itoa(int(r.CPU)), "a CPU runs one program at a time: give each another CPU")
			}
		}
		m.Options.CPUs = max(m.Options.CPUs, r.CPU+1)
	}
	n, p := launch(s.src, m)
	if p != nil {
		return fail(p)
	}
	s.cpus = &cpus{s: *n, from: s.src, how: m, runs: m.Runs}
	return s.cpus.moved()
}

// launch makes a session whose machine has the runs in flight.
func launch(src *source, m *protocol.StartCPUs) (*Session, []protocol.Problem) {
	n := &Session{src: src, prog: int(m.Runs[0].Program)}
	if st := n.Start(m.Input, m.Options, m.Maps); st.View == nil {
		return nil, st.Problems
	}
	for i, r := range m.Runs {
		in, p := n.inputOf(r)
		if p != nil {
			return nil, p
		}
		in.CPU = r.CPU
		n.machine.Entry(n.numbers[r.Program])
		begin := n.machine.Start
		if i == 0 {
			begin = n.machine.Reset
		}
		if err := begin(in); err != nil {
			return nil, problems(protocol.WhereOption, err.Error(), "")
		}
	}
	return n, nil
}

// inputOf is what a run starts with. Its program is loaded if it was not.
func (s *Session) inputOf(r protocol.CPURun) (vm.Input, []protocol.Problem) {
	if s.numbers[r.Program] < 0 {
		n, err := s.machine.Load(s.vmProgram(int(r.Program)))
		if err != nil {
			return vm.Input{}, []protocol.Problem{s.loadProblem(int(r.Program), err)}
		}
		s.numbers[r.Program] = n
	}
	if s.script == nil {
		if int(r.Event) >= len(s.packets) {
			return vm.Input{}, problems(protocol.WhereInput, "there is no packet "+strconv.Itoa(int(r.Event)+1)+" in the input", "")
		}
		return s.input(int(r.Event)), nil
	}
	if int(r.Event) >= len(s.script.events) {
		return vm.Input{}, problems(protocol.WhereInput, "there is no event "+strconv.Itoa(int(r.Event)+1)+" in the input", "")
	}
	w := s.script.world
	for w.Begin(s.script.events[r.Event]); ; {
		f, in, ok := w.Next()
		if !ok {
			return in, problems(protocol.WhereInput, "event "+strconv.Itoa(int(r.Event)+1)+" does not run program "+strconv.Quote(s.src.programs[r.Program].name), "")
		}
		if w.Machine(f) == s.numbers[r.Program] {
			return in, nil
		}
	}
}

// CPUStep does up to n instructions of a CPU.
func (c *cpus) CPUStep(cpu, n uint32) *protocol.CPUsMoved {
	c.walk(cpu, n)
	return c.moved()
}

// walk has a CPU make n instructions, or go on until it ends or waits.
func (c *cpus) walk(cpu, n uint32) {
	for i := uint32(0); (n == 0 || i < n) && c.s.machine.Steps() < maxCPUSteps; i++ {
		if i%1024 == 1023 {
			runtime.Gosched() // nothing preempts under wasm
		}
		if !c.step(cpu) {
			return
		}
	}
}

// step has a CPU make an instruction and keeps what it was.
func (c *cpus) step(cpu uint32) bool {
	m := c.s.machine
	before := m.CPU(cpu)
	t := cpuTick{cpu: cpu, pc: uint32(before.PC)}
	at := m.Steps()
	if race.Shared(m, before) {
		t.access = c.access(before)
	}
	m.StepOn(cpu)
	if m.Steps() == at {
		return false
	}
	if m.Steps() == m.Reached() { // not one that was done before
		c.ticks = append(c.ticks[:at], t)
		if t.access != nil {
			t.access.Step = uint32(m.Steps())
			c.helped(t.access)
		}
	}
	return true
}

// access is what the next instruction of a CPU is about to do to memory that
// others can reach.
func (c *cpus) access(at vm.CPU) *protocol.CPUAccess {
	a := &protocol.CPUAccess{CPU: at.CPU, PC: uint32(at.PC)}
	in := c.s.insn(at.Prog, at.PC)
	if in.Class() == isa.ClassJMP {
		a.Atomic, a.Text = true, c.s.helperName(in, at.Prog)
		return a
	}
	addr, n, write := c.s.machine.NextAccess(at.CPU)
	a.Atomic = in.Class() == isa.ClassSTX && in.Mode() == isa.ModeAtomic
	a.Write, a.Read = write, !write || a.Atomic
	if p, ok := c.s.place(addr); ok {
		a.Where, a.Text = protocol.Range{Region: p.region, Offset: p.off, Length: n}, c.s.text(&p)
	}
	return a
}

// helped adds what a helper wrote, once it has.
func (c *cpus) helped(a *protocol.CPUAccess) {
	if a.Where.Length > 0 {
		return
	}
	a.Read = true
	for _, r := range c.s.lastWrites() {
		p, ok := c.s.place(uint64(r.Region + uint32(r.Offset)))
		if ok && p.kind != protocol.RegionKindStack && p.kind != protocol.RegionKindCtx && p.kind != protocol.RegionKindPacket {
			a.Where, a.Write = r, true
			a.Text += ": " + p.name
			return
		}
	}
}

// CPUSeek goes to a step of the present order.
func (c *cpus) CPUSeek(step uint32) *protocol.CPUsMoved {
	c.s.machine.Seek(uint64(step))
	return c.moved()
}

// CPUOrder begins anew in an order.
func (c *cpus) CPUOrder(turns []protocol.CPUTurn) *protocol.CPUsMoved {
	c.s.machine.Seek(0)
	c.ticks = c.ticks[:0]
	for _, t := range turns {
		c.walk(t.CPU, t.Steps)
	}
	return c.moved()
}

// Explore looks for an order that comes to what no serial one comes to.
func (c *cpus) Explore(switches, budget uint32) *protocol.Explored {
	if switches > 8 {
		switches = 8
	}
	if c.explorer == nil || switches != c.switches {
		n, p := launch(c.from, c.how)
		if p != nil {
			return &protocol.Explored{Problems: p, Done: true}
		}
		c.explorer, c.switches = race.New(n.machine, race.Options{Switches: int(switches), Steps: maxCPUSteps}), switches
	}
	done := c.explorer.Run(int(min(max(budget, 1), maxSlice)))
	r := c.explorer.Result()
	out := &protocol.Explored{
		Done: done, Found: r.Found, Complete: r.Complete, Why: r.Why, Runs: uint32(r.Runs), States: uint32(r.States),
	}
	for _, t := range r.Turns {
		out.Turns = append(out.Turns, protocol.CPUTurn{CPU: t.CPU, Steps: uint32(t.Steps)})
	}
	if done {
		c.explorer = nil
	}
	return out
}

func (c *cpus) moved() *protocol.CPUsMoved { return &protocol.CPUsMoved{View: c.view()} }

// view is everything about the present step.
func (c *cpus) view() *protocol.CPUsView {
	m := c.s.machine
	last := c.s.lastWrites()
	v := &protocol.CPUsView{
		Step: uint32(m.Steps()), Total: uint32(len(c.ticks)), Ended: m.Done(), Writes: last, Maps: c.s.mapViews(last),
	}
	for i, t := range c.ticks {
		if n := len(v.Turns); n > 0 && v.Turns[n-1].CPU == t.cpu {
			v.Turns[n-1].Steps++
		} else {
			v.Turns = append(v.Turns, protocol.CPUTurn{CPU: t.cpu, Steps: 1})
		}
		if a := t.access; a != nil && len(v.Accesses) < maxAccesses {
			a.Step = uint32(i + 1)
			v.Accesses = append(v.Accesses, *a)
		}
	}
	seen := &protocol.View{Maps: v.Maps, Writes: v.Writes}
	for i, r := range c.runs {
		m.Look(r.CPU, func() {
			v.CPUs = append(v.CPUs, c.cpuView(m.CPU(r.CPU), &c.runs[i]))
		})
		seen.Regs = append(seen.Regs, v.CPUs[i].Regs...)
	}
	c.s.regions(seen)
	v.Regions = seen.Regions
	return v
}

// cpuView is one run; it is the machine's current one.
func (c *cpus) cpuView(at vm.CPU, r *protocol.CPURun) protocol.CPUView {
	s := &c.s
	v := protocol.CPUView{
		CPU: r.CPU, Program: uint32(s.program(at.Prog)), Event: r.Event, PC: uint32(at.PC), LastPC: -1,
		Steps: uint32(at.Steps), Waits: at.Waits,
	}
	for _, t := range c.ticks[:s.machine.Steps()] {
		if t.cpu == r.CPU {
			v.LastPC = int32(t.pc)
		}
	}
	for i := range isa.NumRegs {
		x := s.machine.Reg(i)
		reg := protocol.Reg{Index: uint8(i), Value: x, Kind: s.guess(x), Writer: -2}
		reg.Text = s.regText(reg.Kind, x)
		if p, ok := s.place(x); ok && isPointer(reg.Kind) {
			reg.Region, reg.Offset = p.region, p.off
		}
		v.Regs = append(v.Regs, reg)
	}
	switch {
	case at.Fault != nil:
		v.State, v.Fault, v.Text = protocol.StateFaulted, s.fault(), at.Fault.Detail()
	case at.Ended:
		v.State, v.Verdict = protocol.StateExited, s.verdictText(s.machine.Reg(isa.R0))
		v.Text = "ended with " + v.Verdict
	case at.Waits:
		v.State, v.Text = protocol.StateRunning, "waits for a lock that CPU "+strconv.Itoa(int(at.Holder))+" holds"
		if p, ok := s.place(uint64(at.Lock)); ok {
			v.Text = "waits for the lock in " + p.name + ", held by CPU " + strconv.Itoa(int(at.Holder))
		}
	case at.Steps > 0:
		v.State = protocol.StateRunning
	}
	return v
}

// answerCPUs answers the requests about runs in flight, nil for others.
func (s *Session) answerCPUs(m protocol.Message) protocol.Message {
	if m, ok := m.(*protocol.StartCPUs); ok {
		return s.StartCPUs(m)
	}
	if s.cpus == nil {
		return nil
	}
	switch m := m.(type) {
	case *protocol.CPUStep:
		return s.cpus.CPUStep(m.CPU, m.N)
	case *protocol.CPUSeek:
		return s.cpus.CPUSeek(m.Step)
	case *protocol.CPUOrder:
		return s.cpus.CPUOrder(m.Turns)
	case *protocol.Explore:
		return s.cpus.Explore(m.Switches, m.Budget)
	}
	return nil
}

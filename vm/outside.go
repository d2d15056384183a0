package vm

import "skep/vm/isa"

// Point is where a run is: what an engine outside of this package (native
// code) has in hand when it needs the machine for an instruction.
type Point struct {
	Regs  [isa.NumRegs]uint64
	Prog  int // program
	Slot  int // of the next instruction; one past the last is running off the end
	Depth int // functions above the first
}

// Do does one instruction at p for an engine that runs the rest itself, and
// moves p on: a helper call, a rare instruction, an access that the engine
// could not settle. The machine's own call stack holds only what Do pushed: a
// callback is entered by Do and left by Do at its exit. Memory, maps and
// events are the machine's; nothing is recorded for going back. p is not moved
// when the run ends.
func (m *Machine) Do(p *Point) Stop {
	c := &m.cpu
	copy(c.r[:isa.NumRegs], p.Regs[:])
	c.prog, c.depth, c.status, m.fault = uint64(p.Prog), uint64(p.Depth), running, nil
	m.setCode(p.Prog)
	c.pc = uint64(len(m.code.ops) - 1)
	if p.Slot < len(m.code.dense) {
		c.pc = uint64(max(m.code.dense[p.Slot], 0))
	}
	m.single(&m.code.ops[c.pc])
	copy(p.Regs[:], c.r[:])
	if c.status != running {
		return m.ended()
	}
	p.Prog, p.Slot, p.Depth = int(c.prog), m.PC(), int(c.depth)
	return StopStep
}

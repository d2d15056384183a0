package vm

import (
	"skep/vm/helper"
	"skep/vm/isa"
)

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
	for i, v := range &p.Regs { // word by word, as they were just stored
		c.r[i] = v
	}
	c.prog, c.depth, c.status, m.fault = uint64(p.Prog), uint64(p.Depth), running, nil
	m.setCode(p.Prog)
	c.pc = uint64(len(m.code.ops) - 1)
	if p.Slot < len(m.code.dense) {
		c.pc = uint64(max(m.code.dense[p.Slot], 0))
	}
	if in := &m.code.ops[c.pc]; in.kind == isa.KindCallHelper {
		m.steps++
		m.callHelper(in)
	} else {
		m.single(in)
	}
	for i := range &p.Regs {
		p.Regs[i] = c.r[i]
	}
	if c.status != running {
		return m.ended()
	}
	p.Prog, p.Slot, p.Depth = int(c.prog), m.PC(), int(c.depth)
	return StopStep
}

// CallHelper is Do for a call of helper id at a slot, for those helpers that programs
// call most and that neither fault nor call back: it sets r0. Of all others it
// reports false and has done nothing.
func CallHelper(m *Machine, id, slot, depth int, regs *[isa.NumRegs]uint64) bool {
	switch id {
	case mapLookupElem, 2, 3: // bpf_map_update_elem, bpf_map_delete_elem: a wrong argument is found first
	case 5, 7, 8, 14, 15: // bpf_ktime_get_ns, get_prandom_u32, get_smp_processor_id, get_current_pid_tgid, _uid_gid
	default:
		return false
	}
	m.cpu.depth = uint64(depth)
	call := &m.call
	call.ID, call.R0 = id, 0 // they look at nothing else
	for i := range call.Args {
		call.Args[i] = regs[1+i]
	}
	m.steps++
	if helper.Run((*env)(m), call) != nil {
		m.steps--
		return false
	}
	if regs[0] = call.R0; call.R0 == 0 {
		m.cpu.nullBy, m.cpu.nullPC = uint64(id), uint64(slot)
	}
	return true
}

// NoteNull has faults say of a NULL pointer that it came from the lookup at a
// slot, one that code did in place.
func NoteNull(m *Machine, slot int) { m.cpu.nullBy, m.cpu.nullPC = mapLookupElem, uint64(slot) }

package main

import (
	"fmt"

	"skep/jit"
	"skep/vm"
	"skep/wasm/fullspeed"
)

// budget is how many instructions a run may take. Runs that need more are not
// compared: the engines count differently.
const budget = 1 << 16

// Outcome is what a run leaves behind: in the memory are the packet, all maps
// and what was on the stack.
type Outcome struct {
	Status jit.Status
	R0     uint64
	Fault  string
	PC     int
	Memory uint64 // its hash
}

// differs says how a run differs from the interpreter's, "" for not at all.
func (o *Outcome) differs(want *Outcome) string {
	switch {
	case o.Status == jit.Running || want.Status == jit.Running:
		return ""
	case o.Status != want.Status || o.R0 != want.R0 || o.Fault != want.Fault || o.PC != want.PC:
		return fmt.Sprintf("status %d r0 %#x %q at %d, the interpreter has status %d r0 %#x %q at %d",
			o.Status, o.R0, o.Fault, o.PC, want.Status, want.R0, want.Fault, want.PC)
	case o.Memory != want.Memory:
		return fmt.Sprintf("status %d r0 %#x, but the memory differs", o.Status, o.R0)
	}
	return ""
}

func (o *Outcome) fault(f *vm.Fault) {
	c := *f
	c.Step = 0 // engines do not count steps
	o.Fault, o.PC = c.Error(), c.PC
}

// interpret runs the program in the interpreter.
func interpret(p *Program) (*Outcome, error) {
	m, err := p.machine(nil)
	if err != nil {
		return nil, errBroken
	}
	if err := m.Reset(p.input()); err != nil {
		return nil, err
	}
	o := new(Outcome)
	switch m.Run(budget) {
	case vm.StopExit:
		o.Status, o.R0 = jit.Exited, m.Reg(0)
	case vm.StopFault:
		o.Status = jit.Faulted
		o.fault(m.Fault())
	}
	o.Memory = fullspeed.Sum(m.Arena())
	return o, nil
}

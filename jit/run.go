package jit

import (
	"skep/vm/arena"
	"skep/vm/isa"
)

// Status is how a run stands.
type Status uint8

const (
	Running Status = iota // the fuel is used up: Run goes on
	Exited                // the program ended; register 0 is its result
	Faulted               // the host has the fault
)

// State is where a run is and what is in its registers: what a [Host] gets and
// changes.
type State struct {
	Regs  [isa.NumRegs]uint64
	Prog  int // number of the program
	Slot  int // of the next instruction; the number of slots is the end of the program
	Depth int // frames above the first
}

// Host is the machine that compiled code runs for: vm.Machine, by way of an
// adapter.
type Host interface {
	// Arena is the memory that the code was made for.
	Arena() *arena.Arena
	// OnCPU is the CPU that the run which begins is on: code finds the values
	// of that one in per-CPU maps. It stays the same until the run has ended.
	OnCPU() uint32
	// Do runs the instruction at s in the interpreter and leaves s where
	// control is then: behind it, in a callback (one frame deeper), at the
	// start of another program. It is called for each helper call and each
	// instruction that has no code.
	Do(s *State) Status
}

// Caller is a host that does the calls that programs make most often without
// the ceremony of Do. It reports false and has done nothing for all others and
// for those that fail: then Do is called.
type Caller interface {
	// Call calls helper id at a slot, depth frames above the first, and sets r0.
	Call(id, slot, depth int, regs *[isa.NumRegs]uint64) bool
	// Null notes that the lookup at a slot returned NULL, one that code did in
	// place: faults tell where a NULL pointer is from. It comes before anything
	// that the host is asked next.
	Null(slot int)
}

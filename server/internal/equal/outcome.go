package main

import (
	"encoding/binary"
	"fmt"

	"skep/jit"
	"skep/vm"
	"skep/vm/arena"
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
func interpret(p *Program, hash func(*arena.Arena) uint64) (*Outcome, error) {
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
	o.Memory = hash(m.Arena())
	return o, nil
}

// sum is a hash of all memory that is in use, the same on any machine: four
// lanes of FNV over words, which is some five times as fast as one over bytes.
func sum(a *arena.Arena) uint64 {
	const prime = 0x100000001b3
	h := [4]uint64{1, 2, 3, 4}
	b := a.Buf[arena.Base:]
	for ; len(b) >= 32; b = b[32:] {
		h[0] = (h[0] ^ binary.LittleEndian.Uint64(b)) * prime
		h[1] = (h[1] ^ binary.LittleEndian.Uint64(b[8:])) * prime
		h[2] = (h[2] ^ binary.LittleEndian.Uint64(b[16:])) * prime
		h[3] = (h[3] ^ binary.LittleEndian.Uint64(b[24:])) * prime
	}
	out := uint64(0xcbf29ce484222325)
	for _, lane := range h { // a multiplication carries up only: fold
		out = (out ^ lane ^ lane>>32) * prime
	}
	for _, c := range b {
		out = (out ^ uint64(c)) * prime
	}
	return out
}

// pageSum is the hash of wasm/fullspeed.
func pageSum(a *arena.Arena) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, b := range a.Buf[arena.Base:] {
		h = (h ^ uint64(b)) * 0x100000001b3
	}
	return h
}

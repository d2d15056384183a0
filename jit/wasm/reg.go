// Package wasm makes a WebAssembly module of a program.
//
// Memory is imported: the arena lies in it at Target.Base, so that an access
// is one instruction with the base in its constant offset; the context of the
// run (layout in context.go) at Target.Context.
//
// Functions: an entry loads the registers from the context and returns when
// its function ends; its result says whether it has. Functions of the program
// that are called are WebAssembly functions of their own with registers as
// parameters and results. Control flow is structured where the program's is
// reducible (graph.go), a loop around br_table elsewhere.
//
// What the code cannot do it asks of its two imports: "host" does one
// instruction, "reach" finds the memory of an access that the code does not
// know. When one of them, or the fuel, ends the run, every frame on the stack
// leaves what it holds in the context, so that the run can go on later at any
// op: by an entry made for it.
//
// Registers: r0 to r9 are 64-bit locals, each with a 32-bit one beside it that
// holds the value after 32-bit arithmetic until the block ends or someone
// wants all of it; r10 is a local too, and its lower half another one.
//
// Read next: lower.go, graph.go, then access.go for the checks.
package wasm

import (
	"skep/jit/ir"
	"skep/vm/isa"
)

// Locals of a body, behind its parameters.
type locals struct {
	wide  [isa.NumRegs]uint32     // r0 to r10
	half  [isa.NumRegs - 1]uint32 // their lower halves
	fp    uint32                  // i32: lower half of r10
	fuel  uint32                  // i32
	loops uint32                  // i32: passes of may_goto
	at    uint32                  // i32: block to go to
	n     uint32                  // i32: scratch
	ref   uint32                  // i32: scratch
	slot  uint32                  // i32: scratch
	addr  uint32                  // i64: scratch
	old   uint32                  // i64: scratch
	key   uint32                  // i64: scratch

	windows windows // i64
}

// The state of a register within a block: where its value is.
const (
	inWide uint8 = 1 << iota
	inHalf       // and the upper half is zero
)

// wide pushes a register.
func (b *body) get64(r uint8) {
	if r == isa.R10 || b.state[r]&inWide != 0 {
		b.get(b.l.wide[r])
		return
	}
	b.get(b.l.half[r])
	b.op(opI64ExtendI32U)
}

// get32 pushes the lower half of a register.
func (b *body) get32(r uint8) {
	if r == isa.R10 {
		b.get(b.l.fp)
		return
	}
	if b.state[r]&inHalf != 0 {
		b.get(b.l.half[r])
		return
	}
	b.get(b.l.wide[r])
	b.op(opI32WrapI64)
}

// set64 pops a register's value.
func (b *body) set64(r uint8) {
	b.set(b.l.wide[r])
	b.state[r] = inWide
}

// set32 pops its lower half; the upper one is zero.
func (b *body) set32(r uint8) {
	b.set(b.l.half[r])
	b.state[r] = inHalf
}

// settle brings those registers of a set to where the next block expects them.
// A function that a helper calls might look at the others too.
func (b *body) settle(regs uint16) {
	if b.u.Callbacks && !b.u.Facts.Accepted {
		regs = 1<<isa.R10 - 1
	}
	for r := uint8(0); r < isa.R10; r++ {
		if b.state[r]&inWide == 0 && regs&ir.Bit(r) != 0 {
			b.get(b.l.half[r])
			b.op(opI64ExtendI32U)
			b.set(b.l.wide[r])
			b.state[r] |= inWide
		}
	}
}

func (b *body) fresh() {
	for r := range b.state {
		b.state[r] = inWide
	}
}

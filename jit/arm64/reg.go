// Package arm64 makes machine code for arm64 of a program.
//
// Registers: r0 to r10 are x0 to x10. x11 is where the current frame begins in
// the address space of the process, x12 the JIT's own stack pointer, x13 the
// context of the run (layout in package contract), x14 the instructions it may
// still do, x15 the base of the arena; x16, x17, x19 and x20 are scratch; x21 to
// x24 are anchors, see below. Go's stack pointer, frame pointer, g (x28) and the system's x18 are left alone.
// There is no C code to be called from here, hence no register that must be
// kept for it.
//
// Memory of the program is addressed as [x15, w, uxtw]: a base and a 32-bit
// sum, so that no access can leave the 4 GiB span whatever is in the
// registers. The frame is also reached by x11 and an offset that is inside of
// it by its own numbers: r10 cannot be written. And an anchor is always the
// base plus 32 bits: what is at most 32 KiB behind one lies in the span's
// reservation, which is that much longer.
//
// Read next: lower.go, then access.go for the checks.
package arm64

import "skep/vm/isa"

// reg is a hardware register: its number in instructions.
type reg uint8

const (
	frame    reg = 11 + iota // host address of the lowest byte of r10's frame
	stack                    // the JIT's stack pointer
	context                  // what package contract lays out
	fuel                     // instructions left
	base                     // address of arena offset 0
	scratch                  // the address of an access, and what else is wanted
	scratch2                 // constants
	_                        // x18 is the system's
	scratch3
	scratch4
	anchor0          // the first anchor
	link    reg = 30 // return address
	zero    reg = 31 // zero, or nowhere
)

// hw is where r0 to r10 are.
func hw(r uint8) reg { return reg(r) }

const r10 = reg(isa.R10)

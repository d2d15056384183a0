// Package amd64 makes machine code for amd64 of a program.
//
// Registers: r0 to r10 are rax rdi rsi rdx rcx r8 rbx r9 r10 r11 rbp. r13 is
// the context of the run (layout in package contract), r14 the instructions it may
// still do, r15 the base of the arena, r12 is scratch, rsp the JIT's own
// stack. There is no C code to be called from here, hence no register that
// must be kept for it.
//
// Memory of the program is addressed as gs:[32-bit sum]: the address-size
// prefix cuts the sum to 32 bits and the segment base adds the arena, so that
// no access can leave the 4 GiB span whatever is in the registers, and no
// instruction is spent on it.
//
// Read next: lower.go, then access.go for the checks.
package amd64

// reg is a hardware register.
type reg uint8

const (
	rax reg = iota
	rcx
	rdx
	rbx
	rsp
	rbp
	rsi
	rdi
	r8
	r9
	r10
	r11
	r12
	r13
	r14
	r15
)

const (
	scratch = r12
	context = r13
	fuel    = r14
	base    = r15
)

// regs is where r0 to r10 are.
var regs = [11]reg{rax, rdi, rsi, rdx, rcx, r8, rbx, r9, r10, r11, rbp}

// Package native runs compiled programs in this process: executable memory,
// a stack for it, the way in and out. It is the only unsafe part of the JIT.
//
//	span, err := native.NewSpan(64 << 20)          // memory for the arena
//	m, err := vm.New(vm.Config{Span: span.Bytes()})
//	p, err := native.Load(code)                    // code of jit.Compile
//	r, err := native.NewRunner(span, host, []*native.Program{p})
//	r.Start(0, regs)
//	status := r.Run(1_000_000)
//
// Native code never calls Go. What it cannot do itself (a helper, an access
// outside of the windows it knows, the end of the fuel) makes it leave with
// all registers in the context and a number that says why; the [Runner] has
// the [Host] do that one instruction and enters again behind it. Go's
// scheduler and collector therefore see an ordinary function that takes a
// while; the fuel bounds how long.
//
// Why a stack of its own: Go moves and scans goroutine stacks; return
// addresses of native code on one would be found by its unwinder.
//
// Read next: runner_linux_amd64.go, enter_linux_amd64.s.
package native

import (
	"errors"

	"skep/vm/arena"
)

// ErrUnavailable is returned where native code cannot be run: another
// processor or operating system. Everything else works there.
var ErrUnavailable = errors.New("native code is not available on this system: it needs linux on amd64")

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
	Regs  [11]uint64
	Prog  int // number of the program
	Slot  int // of the next instruction; the number of slots is the end of the program
	Depth int // frames above the first
}

// Host is the machine that native code runs for: vm.Machine, by way of an
// adapter.
type Host interface {
	// Arena is the memory, which must lie in the runner's span.
	Arena() *arena.Arena
	// Do runs the instruction at s in the interpreter and leaves s where
	// control is then: behind it, in a callback (one frame deeper), at the
	// start of another program. It is called for each helper call and each
	// instruction that has no code.
	Do(s *State) Status
}

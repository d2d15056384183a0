// Package native runs compiled programs in this process: executable memory,
// a stack for it, the way in and out. It is the only unsafe part of the JIT.
//
//	span, err := native.NewSpan(64 << 20)          // memory for the arena
//	m, err := vm.New(vm.Config{Span: span.Bytes()})
//	p, err := native.Load(code)                    // code of jit.Compile
//	r, err := native.NewRunner(span, host, []*native.Program{p})
//	r.Start(0, &regs)
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
// Read next: package contract, runner_linux.go, then cpu_linux_amd64.go
// and enter_linux_amd64.s, or those of arm64.
package native

import (
	"errors"

	"skep/jit"
)

// ErrUnavailable is returned where native code cannot be run: another
// processor or operating system. Everything else works there.
var ErrUnavailable = errors.New("native code is not available on this system: it needs linux on amd64 or arm64")

// The words of a run are those of package jit.
type (
	Status = jit.Status
	State  = jit.State
	Host   = jit.Host
)

const (
	Running = jit.Running
	Exited  = jit.Exited
	Faulted = jit.Faulted
)

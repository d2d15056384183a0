// Package portable runs programs that were compiled to WebAssembly, on any
// engine for it: the browser's, or wazero on the server.
//
//	r, err := portable.NewRunner(linker, ctx, host, []*wasm.Code{code.Portable})
//	r.Start(0, &regs)
//	status := r.Run(1_000_000)
//
// The code calls back for each instruction that it leaves to the [jit.Host]
// and returns when its function ends, or when something ended or suspended the
// run: then the frames that were on WebAssembly's stack are in the context,
// and the runner goes on frame by frame, each by an entry that is made for the
// op where it was left. Those are kept, so that a loop that is left again and
// again has its entry made once.
//
// Why runs are suspended at all: V8 compiles a function to its best tier only
// between calls of it, and nothing else happens in a page meanwhile.
//
// Read next: runner.go, then package wazero.
package portable

import (
	"skep/jit"
	"skep/jit/wasm"
	"skep/jit/window"
	"skep/vm/isa"
)

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

// Context is what code and runner share, in the memory that both see: the
// layout of jit/wasm/context.go, held by a test. Its numbers are those of a
// little-endian machine.
type Context struct {
	regs    [isa.NumRegs]uint64
	fuel    int32
	exit    int32
	reason  uint32
	loops   uint32
	addr    uint64
	floor   uint64
	top     uint64
	null    uint32
	cpu     uint32
	frames  [wasm.MaxFrames]frame
	windows [window.Count]window.Window
	begin   [isa.NumRegs]uint64 // what repeated runs begin with
}

// frame is a function that was left with others above it.
type frame struct {
	saved [4]uint64 // r6 to r9
	op    int32
	loops uint32
	_     uint64
}

// Linker makes modules callable: a WebAssembly engine.
type Linker interface {
	// Link compiles and instantiates a module with r behind its imports.
	Link(m *wasm.Module, r *Runner) (Instance, error)
}

// Instance is a module that is linked.
type Instance interface {
	// Call calls an entry and returns its result. An error is a trap: code
	// that had its checks dropped and went wrong. Calls nest.
	Call(entry int) (uint32, error)
	Close()
}

// Again makes the context that of a program's start.
func (c *Context) Again(regs *[isa.NumRegs]uint64) { c.regs, c.loops, c.null = *regs, 0, 0 }

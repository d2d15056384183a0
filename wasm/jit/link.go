//go:build wasip1

package main

import (
	"errors"
	"unsafe"

	"skep/jit/portable"
	"skep/jit/wasm"
)

// link compiles and instantiates the module of n bytes at p, with this
// module's memory and exports behind its imports. It returns its number, 0
// when the page cannot.
//
//go:wasmimport skep link
func link(p unsafe.Pointer, n uint32) uint32

// call calls an entry of a module. The result is its, or trapped.
//
//go:wasmimport skep call
func call(module, entry uint32) uint32

// unlink forgets a module.
//
//go:wasmimport skep unlink
func unlink(module uint32)

const trapped = 1<<32 - 1

var (
	errLink = errors.New("the browser does not compile the code that was made of the program")
	errTrap = errors.New("the code that was made of the program touched memory outside of the page")
)

// linker is the page's WebAssembly.
type linker struct{}

func (linker) Link(m *wasm.Module, _ *portable.Runner) (portable.Instance, error) {
	n := link(unsafe.Pointer(unsafe.SliceData(m.Text)), uint32(len(m.Text)))
	if n == 0 {
		return nil, errLink
	}
	return instance(n), nil
}

type instance uint32

func (in instance) Call(entry int) (uint32, error) {
	res := call(uint32(in), uint32(entry))
	if res == trapped {
		return 0, errTrap
	}
	return res, nil
}

func (in instance) Close() { unlink(uint32(in)) }

// skepHost and skepReach are what code calls.
//
//go:wasmexport skep_host
func skepHost(op int32) uint32 { return engine.Runner().Host(op) }

//go:wasmexport skep_reach
func skepReach(op, info int32) uint32 { return engine.Runner().Reach(op, info) }

//go:build wasip1

package link

import (
	"errors"
	"unsafe"

	"skep/jit/portable"
	"skep/jit/wasm"
	"skep/vm/isa"
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

// repeat calls an entry until it does not return wasm.Done, at most n times, each
// time with the registers at regs in the context. The result is how many of the
// n were not done, or trapped.
//
//go:wasmimport skep repeat
func repeat(module, entry, n uint32, context, regs unsafe.Pointer) uint32

// unlink forgets a module.
//
//go:wasmimport skep unlink
func unlink(module uint32)

// now is the page's clock, in ms.
//
//go:wasmimport skep now
func now() float64

const trapped = 1<<32 - 1

var (
	errLink = errors.New("the browser does not compile the code that was made of the program")
	errTrap = errors.New("the code that was made of the program touched memory outside of the page")
)

// Linker is the page's WebAssembly.
type Linker struct{}

// Link implements [portable.Linker].
func (Linker) Link(m *wasm.Module, r *portable.Runner) (portable.Instance, error) {
	n := link(unsafe.Pointer(unsafe.SliceData(m.Text)), uint32(len(m.Text)))
	if n == 0 {
		return nil, errLink
	}
	return &instance{n, r}, nil
}

// Now is the page's clock in ns; how fine it is the browser decides.
func (Linker) Now() uint64 { return uint64(now() * 1e6) }

type instance struct {
	module uint32
	runner *portable.Runner
}

// running is whose code runs.
var running *portable.Runner

func (in *instance) Call(entry int) (uint32, error) {
	before := running
	running = in.runner
	res := call(in.module, uint32(entry))
	running = before
	if res == trapped {
		return 0, errTrap
	}
	return res, nil
}

// Repeat implements [portable.Repeater].
func (in *instance) Repeat(entry, n int, c *portable.Context, regs *[isa.NumRegs]uint64) (int, error) {
	before := running
	running = in.runner
	rest := repeat(in.module, uint32(entry), uint32(n), unsafe.Pointer(c), unsafe.Pointer(regs))
	running = before
	if rest == trapped {
		return n, errTrap
	}
	return int(rest), nil
}

func (in *instance) Close() { unlink(in.module) }

// skepHost and skepReach are what code calls.
//
//go:wasmexport skep_host
func skepHost(op int32) uint32 { return running.Host(op) }

//go:wasmexport skep_reach
func skepReach(op, info int32) uint32 { return running.Reach(op, info) }

package vm

import (
	"unsafe"

	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
)

const (
	maxFrames = isa.MaxCallFrames

	// FrameSize is the stack of one function, FrameStride the distance of the
	// frames: each call moves r10 down by it. The bytes between two frames
	// are not mapped, so that running off a frame faults.
	FrameSize   = isa.StackSize
	FrameStride = 2 * FrameSize
)

// cpu is all state of a run that is not in the arena: plain words, so that a
// checkpoint is a copy and the undo of a step a list of (word, old value).
type cpu struct {
	r       [16]uint64 // r0 to r10, the rest unused
	pc      uint64     // op number in the code of prog
	prog    uint64     // number of the program that runs
	depth   uint64     // frames above the first
	status  uint64     // a status
	tail    uint64     // tail calls made
	scratch uint64     // bytes of the scratch region in use
	nullBy  uint64     // helper that returned NULL last, and the slot of its call
	nullPC  uint64
	random  uint64 // state of the generator
	clock   uint64 // ns since the run began, moved by those who ask
	ctx     uint64 // address of the context
	packet  hook.Packet
	vars    [helper.NumVars]uint64
	frames  [maxFrames]frame
}

// frame is what is kept of a caller while frame i+1 runs.
type frame struct {
	ret     uint64    // prog<<32 | op to continue at
	saved   [4]uint64 // its r6 to r9
	kind    uint64    // how frame i+1 was entered: a frameKind
	scratch uint64    // scratch in use before the helper that called back
	loops   uint64    // of this frame itself: how often may_goto fell through
	call    helper.Call
}

const (
	frameCall     = 1 + iota // by a call of a local function
	frameCallback            // by a helper, suspended in call
)

const (
	running = iota
	exited
	faulted
)

const cpuWords = unsafe.Sizeof(cpu{}) / 8

// words is the state as words, for undo.
func (c *cpu) words() *[cpuWords]uint64 { return (*[cpuWords]uint64)(unsafe.Pointer(c)) }

const (
	statusCell = uint32(unsafe.Offsetof(cpu{}.status) / 8)
	pcCell     = uint32(unsafe.Offsetof(cpu{}.pc) / 8)
)

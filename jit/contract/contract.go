// Package contract is what the code generators for processors and package
// native agree on: the context of a run, why code is left, and what is known
// of code beside its bytes.
//
// Read next: amd64/lower.go or arm64/lower.go for one side,
// native/runner_linux.go for the other.
package contract

import (
	"skep/jit/ir"
	"skep/jit/window"
	"skep/vm/isa"
)

// Offsets into the context that a register of the code points to. It begins
// with a jit.State, so that nothing is copied for the host.
const (
	CtxRegs   = 0   // r0 to r10
	CtxState  = 88  // program, slot and depth, for the host
	CtxSP     = 112 // Go's stack pointer; on arm64, where it stays, Go's return address
	CtxBP     = 120 // Go's frame pointer (amd64)
	CtxStack  = 128 // the JIT's stack pointer
	CtxResume = 136 // address to go on at
	CtxFuel   = 144 // instructions left, signed
	CtxExit   = 152 // op that was left at, 32 bits
	CtxReason = 156 // an Exit with details, 32 bits
	CtxBase   = 160 // address of arena offset 0
	CtxFloor  = 168 // r10 of the deepest frame
	CtxAddr   = 176 // address of an access that missed
	CtxCode   = 184 // start of the code that was left
	CtxTop    = 192 // r10 of the first frame
	CtxLoops  = 200 // passes of may_goto, a word a frame, 8 of them
	CtxBottom = 264 // the JIT's stack pointer when the program was entered
	CtxLink   = 272 // the return address of the function that was left; on amd64, whether the base of gs must be the arena
	CtxNull   = 280 // one more than the slot of the last lookup in place that returned NULL

	CtxWindows = 288                                   // those of package window
	CtxCPU     = CtxWindows + window.Count*window.Size // the CPU that the run is on, 32 bits
	CtxSize    = CtxCPU + 8
)

// Exit is why native code was left: the low byte of CtxReason.
type Exit uint32

const (
	ExitDone   Exit = iota + 1 // the program ended
	ExitReturn                 // a function that a helper called has ended
	ExitHost                   // the op at CtxExit is for the interpreter
	ExitFuel                   // the fuel is used up; CtxResume says where to go on
	ExitMiss                   // the access at CtxAddr is in no known window: size, window and write in the next bytes
)

// MissReason packs the details of an ExitMiss.
func MissReason(size, n int) uint32 {
	return uint32(ExitMiss) | uint32(size)<<8 | uint32(n)<<16
}

// MaxLoops is how often may_goto falls through in a frame: BPF_MAX_LOOPS.
const MaxLoops = 8 << 20

const (
	FrameStride = 1024 // distance of two frames, as the interpreter's
	FrameSize   = 512
)

// Code is the result of a code generator: position independent, to be loaded
// at the start of a page.
type Code struct {
	Text []byte
	// Offset is where each op begins in Text, -1 for those inside of a group;
	// KindEnd included.
	Offset   []int32
	Slot     []int32 // of each op
	Dense    []int32 // op of each slot
	Helper   []int32 // by op: the helper that it calls, 0 for none
	In       uint16  // registers that the program begins with
	Accepted bool    // accesses are not checked
	InPlace  bool    // lookups set the windows of r0
	CPU      bool    // lookups look at CtxCPU
	Return   int32   // where a function that a helper calls returns to
	Exit     int32   // op of an exit instruction, -1 when there is none
	Segment  bool    // the base of gs must be the arena (amd64)
}

// New is the code of a unit, but for its bytes.
func New(u *ir.Unit) *Code {
	n := len(u.Ops)
	lists := make([]int32, 3*n)
	c := &Code{
		Offset: lists[:n:n], Slot: lists[n : 2*n : 2*n], Helper: lists[2*n:], Dense: u.Dense,
		In: u.Ops[0].In, Accepted: u.Facts.Accepted, Exit: -1,
	}
	for i := range u.Ops {
		o := &u.Ops[i]
		c.Slot[i], c.Helper[i] = o.Slot, o.Helper()
		c.InPlace = c.InPlace || o.Flags&ir.Loose != 0 && !c.Accepted
		c.CPU = c.CPU || u.CPUStride(o) > 0
		if o.Own == isa.KindExit {
			c.Exit = int32(i)
		}
	}
	return c
}

// Keys are the numbers that constant blinding hides constants behind, from a
// seed (splitmix64).
type Keys uint64

// Next is the next key.
func (k *Keys) Next() uint64 {
	*k += 0x9e3779b97f4a7c15
	z := uint64(*k)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

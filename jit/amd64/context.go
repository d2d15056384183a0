package amd64

import "skep/jit/window"

// Offsets into the context that r13 points to. Package native fills it.
const (
	CtxRegs   = 0   // r0 to r10
	CtxSP     = 88  // Go's stack pointer
	CtxBP     = 96  // Go's frame pointer
	CtxStack  = 104 // the JIT's stack pointer
	CtxResume = 112 // address to go on at
	CtxFuel   = 120 // instructions left, signed
	CtxExit   = 128 // op that was left at, 32 bits
	CtxReason = 132 // an Exit with details, 32 bits
	CtxBase   = 136 // address of arena offset 0
	CtxFloor  = 144 // r10 of the deepest frame
	CtxAddr   = 152 // address of an access that missed
	CtxCode   = 160 // start of the code that was left
	CtxTop    = 168 // r10 of the first frame
	CtxLoops  = 176 // passes of may_goto, a word a frame, 8 of them
	CtxBottom = 240 // the JIT's stack pointer when the program was entered

	CtxWindows = 256 // those of package window
	CtxSize    = CtxWindows + window.Count*window.Size
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
	frameStride = 1024 // distance of two frames, as the interpreter's
	frameSize   = 512
)

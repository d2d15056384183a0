package wasm

import "skep/jit/window"

// Offsets into the context, whose place in linear memory is in the [Target].
// Package portable fills it.
const (
	CtxRegs   = 0   // r0 to r10
	CtxFuel   = 88  // instructions left, 32 bits, signed
	CtxExit   = 92  // op that was left at, 32 bits
	CtxReason = 96  // a Reason, 32 bits
	CtxLoops  = 100 // passes of may_goto in the frame that runs, 32 bits
	CtxAddr   = 104 // address of an access that missed
	CtxFloor  = 112 // r10 of the deepest frame
	CtxTop    = 120 // r10 of the first frame
	CtxNull   = 128 // one more than the slot of the last lookup in place that returned NULL, 32 bits
	CtxCPU    = 132 // the CPU that the run is on, 32 bits

	// CtxFrames is the frames that were left with others above them,
	// FrameSize bytes each: r6 to r9, the op to go on at, the passes of
	// may_goto.
	CtxFrames  = 136
	FrameOp    = 32
	FrameLoops = 36
	FrameSize  = 48
	MaxFrames  = 8

	CtxWindows = CtxFrames + MaxFrames*FrameSize       // those of package window
	CtxBegin   = CtxWindows + window.Count*window.Size // r0 to r10 that repeated runs begin with
	CtxSize    = CtxBegin + 88
)

// Reason is why an entry was left before its function ended.
type Reason uint32

const (
	ReasonHost Reason = iota // an import said so: its side knows where control is
	ReasonFuel               // the fuel is used up; CtxExit is the op to go on at
)

// What the import "host" returns, and "reach" beside [Near].
const (
	Next  = 0 // go on behind the op; the registers that it writes are in the context
	Leave = 1 // leave the code: control is elsewhere
	Near  = 2 // (reach) the access may be done at the address
)

// What an entry returns.
const (
	Done = 0 // its function has ended
	Left = 1 // see CtxReason
)

// MaxLoops is how often may_goto falls through in a frame: BPF_MAX_LOOPS.
const MaxLoops = 8 << 20

const (
	frameStride = 1024 // distance of two frames, as the interpreter's
	stackSize   = 512
)

// missInfo packs what the import "reach" is told of an access beside the op:
// its size and the window that it missed.
func missInfo(size, n int) int32 { return int32(size | n<<8) }

// Miss unpacks it.
func Miss(info int32) (size uint32, n int) { return uint32(info & 0xff), int(uint32(info) >> 8) }

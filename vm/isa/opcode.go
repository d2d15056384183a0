package isa

// Instruction classes, the low three bits of an opcode (RFC 9669 section 3.2).
const (
	ClassLD    = 0x00
	ClassLDX   = 0x01
	ClassST    = 0x02
	ClassSTX   = 0x03
	ClassALU   = 0x04 // 32-bit arithmetic
	ClassJMP   = 0x05 // 64-bit compares
	ClassJMP32 = 0x06 // 32-bit compares
	ClassALU64 = 0x07
)

// Sizes of loads and stores (RFC 9669 section 5).
const (
	SizeW  = 0x00
	SizeH  = 0x08
	SizeB  = 0x10
	SizeDW = 0x18
)

// Modes of loads and stores (RFC 9669 section 5).
const (
	ModeImm    = 0x00
	ModeAbs    = 0x20
	ModeInd    = 0x40
	ModeMem    = 0x60
	ModeMemSX  = 0x80
	ModeAtomic = 0xc0
)

// Operand source of arithmetic and jumps: the immediate or a register.
const (
	SrcK = 0x00
	SrcX = 0x08
)

// Arithmetic operations (RFC 9669 section 4.1).
const (
	OpAdd  = 0x00
	OpSub  = 0x10
	OpMul  = 0x20
	OpDiv  = 0x30
	OpOr   = 0x40
	OpAnd  = 0x50
	OpLsh  = 0x60
	OpRsh  = 0x70
	OpNeg  = 0x80
	OpMod  = 0x90
	OpXor  = 0xa0
	OpMov  = 0xb0
	OpArsh = 0xc0
	OpEnd  = 0xd0 // byte swap
)

// Jump operations (RFC 9669 section 4.3). JmpCond is Linux's may_goto.
const (
	JmpA    = 0x00
	JmpEq   = 0x10
	JmpGt   = 0x20
	JmpGe   = 0x30
	JmpSet  = 0x40
	JmpNe   = 0x50
	JmpSgt  = 0x60
	JmpSge  = 0x70
	JmpCall = 0x80
	JmpExit = 0x90
	JmpLt   = 0xa0
	JmpLe   = 0xb0
	JmpSlt  = 0xc0
	JmpSle  = 0xd0
	JmpCond = 0xe0
)

// Source field of lddw: what its immediate means (RFC 9669 section 5.4).
const (
	PseudoMapFD       = 1
	PseudoMapValue    = 2
	PseudoBTFID       = 3
	PseudoFunc        = 4
	PseudoMapIdx      = 5
	PseudoMapIdxValue = 6
)

// Source field of call (RFC 9669 section 4.3.1). Zero is a helper by number.
const (
	PseudoCall      = 1 // program-local function, imm is relative to the next slot
	PseudoKfuncCall = 2 // kernel function by BTF id
)

// Immediates of atomic operations (RFC 9669 section 5.3). The arithmetic ones
// are the OpAdd, OpOr, OpAnd and OpXor codes, with AtomicFetch or without.
const (
	AtomicFetch    = 0x01
	AtomicXchg     = 0xe0 | AtomicFetch
	AtomicCmpxchg  = 0xf0 | AtomicFetch
	AtomicLoadAcq  = 0x100
	AtomicStoreRel = 0x110
)

// Offsets that turn mov into another instruction.
const (
	OffSigned        = 1 // div and mod: signed
	OffAddrSpaceCast = 1 // 64-bit mov: cast between address spaces
)

// Limits of Linux that programs meet.
const (
	MaxCallFrames = 8       // MAX_CALL_FRAMES
	StackSize     = 512     // MAX_BPF_STACK, bytes for all frames of a call chain
	MaxTailCalls  = 33      // MAX_TAIL_CALL_CNT
	MaxInsns      = 1000000 // BPF_COMPLEXITY_LIMIT_INSNS, also the longest program
)

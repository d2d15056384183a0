// Package ir is a program as the code generators see it: dense operations with
// resolved targets and constants, its blocks, which registers live, and what
// the fusions made of it. The passes that compute all this are a list, run in
// order by [Build]; the back ends only read a finished [Unit].
//
// Read next: pass.go for the list, fuse.go for the fusions.
package ir

import "skep/vm/isa"

// Kind is an isa.Kind or one of the fused operations below.
type Kind uint16

// Operations that only exist here.
const (
	KindEnd     = Kind(isa.NumKinds) + iota // behind the last instruction, or one that the verifier never came to: running into it is a fault
	KindRotl64                              // dst = rotate left of src by imm
	KindRotl32                              // the same on 32 bits, upper half zero
	KindLea                                 // dst = src + index + imm; index NoReg is none
	KindZext32                              // dst = lower half of src
	KindSext32                              // dst = sign-extended lower half of src
	KindArray                               // a lookup in an array map, done in place: the key is at Src + Off
	KindHash                                // the same in a hash
	KindElement                             // a lookup in a per-CPU array whose key is known: Imm is the result on CPU 0
	KindNop                                 // a jump that is never taken, code that is never reached
)

// NoReg is no register.
const NoReg = 0xff

// Op is one operation. A fused group is its first op with Len above one; the
// ops that it covers follow unchanged and have Len zero: they are what an
// interpreter runs when the group cannot go on natively.
type Op struct {
	Imm uint64
	Off int32
	// Target is the op that a jump or call leads to, the function of a
	// KindLdFunc, the number of the map of a KindArray, KindHash or
	// KindElement; else -1.
	Target int32
	Slot   int32
	Kind   Kind
	Own    isa.Kind // the instruction, KindInvalid for KindEnd
	Dst    uint8
	Src    uint8
	Index  uint8 // second register of an address, or NoReg
	Len    uint8 // ops of the group that begins here, 0 inside of one
	Flags  Flags
	In     uint16 // registers that are live before it
	Out    uint16 // registers that are live behind it
	use    uint16
	def    uint16
}

// Flags are marks of an op.
type Flags uint16

const (
	Leader  Flags = 1 << iota // control may come from elsewhere than the op before
	Entry                     // a function begins here
	Proved                    // the access is inside its memory: no check
	NonZero                   // the divisor is not zero: no check
	Back                      // a jump that may close a loop
	Head                      // a jump back leads here
	Narrow                    // a division of numbers below 1<<32
	Main                      // the program itself reaches it, not only functions that are called
	Shallow                   // a call that cannot pass the limit of depth: no check
	Loose                     // a lookup whose result is used in ways that are checked
)

// Row is the row of the op's own instruction, nil for KindEnd.
func (o *Op) Row() *isa.Row { return o.Own.Row() }

// Helper is the helper that the op calls, 0 when it calls none.
func (o *Op) Helper() int32 {
	if o.Own != isa.KindCallHelper || o.Kind == Kind(isa.KindLdImm64) || o.Kind == KindElement {
		return 0
	}
	return int32(o.Imm)
}

// IsLookup reports a call of bpf_map_lookup_elem.
func (o *Op) IsLookup() bool { return o.Own == isa.KindCallHelper && o.Imm == helperLookup }

// Bit is the set of one register.
func Bit(r uint8) uint16 { return 1 << r }

const (
	args   = 1<<isa.R1 | 1<<isa.R2 | 1<<isa.R3 | 1<<isa.R4 | 1<<isa.R5
	saved  = 1<<isa.R6 | 1<<isa.R7 | 1<<isa.R8 | 1<<isa.R9
	all    = 1<<isa.NumRegs - 1
	result = 1 << isa.R0
)

// Saved is r6 to r9.
const Saved uint16 = saved

// Access is the size in bytes of the op's memory access, and whether it
// writes; 0 when it makes none.
func (o *Op) Access() (size int, write bool) {
	t := &traitsOf[o.Own]
	return int(t.access), t.kind&writes != 0
}

// UseDef is what the op reads and writes of the registers. Where it leaves
// the native code for a helper, it reads what the helper may.
func (o *Op) UseDef() (use, def uint16) { return o.use, o.def }

// setUseDef computes it.
func (o *Op) setUseDef(t *traits) {
	d, s := Bit(o.Dst), Bit(o.Src)
	o.use = t.use | t.useDst&d | t.useSrc&s
	o.def = t.def | t.defDst&d | t.defSrc&s
	if o.Own == isa.KindCallHelper {
		o.use = helperArgs(o.Imm)
	}
}

// jumps reports whether control may go elsewhere than to the next op.
func (o *Op) jumps() bool { return traitsOf[o.Own].kind&jumps != 0 }

// LeadsOn says whether control may go on at the next op, and at Target, within
// the function.
func (o *Op) LeadsOn() (next, jump bool) {
	k := traitsOf[o.Own].kind
	return k&through != 0, k&branch != 0 && o.Target >= 0
}

// IsDiv reports a division or remainder of any kind.
func IsDiv(k isa.Kind) bool { return traitsOf[k].kind&divides != 0 }

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
	KindEnd    = Kind(isa.NumKinds) + iota // behind the last instruction: running into it is a fault
	KindRotl64                             // dst = rotate left of src by imm
	KindRotl32                             // the same on 32 bits, upper half zero
	KindLea                                // dst = src + index + imm; index NoReg is none
	KindZext32                             // dst = lower half of src
	KindSext32                             // dst = sign-extended lower half of src
	KindArray                              // a lookup in an array map, done in place: the key is at Src + Off
	KindHash                               // the same in a hash
	KindNop                                // a jump that is never taken, code that is never reached
)

// NoReg is no register.
const NoReg = 0xff

// Op is one operation. A fused group is its first op with Len above one; the
// ops that it covers follow unchanged and have Len zero: they are what an
// interpreter runs when the group cannot go on natively.
type Op struct {
	Kind  Kind
	Own   isa.Kind // the instruction, KindInvalid for KindEnd
	Dst   uint8
	Src   uint8
	Index uint8 // second register of an address, or NoReg
	Len   uint8 // ops of the group that begins here, 0 inside of one
	Off   int32
	Imm   uint64
	// Target is the op that a jump or call leads to, the function of a
	// KindLdFunc, the number of the map of a KindArray or KindHash; else -1.
	Target int32
	Slot   int32
	In     uint16 // registers that are live before it
	Out    uint16 // registers that are live behind it
	use    uint16
	def    uint16
	Flags  Flags
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
	if o.Own != isa.KindCallHelper || o.Kind == Kind(isa.KindLdImm64) {
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
	k := o.Own
	switch {
	case k >= isa.KindLdxB && k <= isa.KindLdxDW:
		return 1 << (k - isa.KindLdxB), false
	case k >= isa.KindLdxSXB && k <= isa.KindLdxSXW:
		return 1 << (k - isa.KindLdxSXB), false
	case k >= isa.KindLoadAcqB && k <= isa.KindLoadAcqDW:
		return 1 << (k - isa.KindLoadAcqB), false
	case k >= isa.KindStB && k <= isa.KindStDW:
		return 1 << (k - isa.KindStB), true
	case k >= isa.KindStxB && k <= isa.KindStxDW:
		return 1 << (k - isa.KindStxB), true
	case k >= isa.KindStoreRelB && k <= isa.KindStoreRelDW:
		return 1 << (k - isa.KindStoreRelB), true
	case k >= isa.KindAtomicAdd64 && k <= isa.KindAtomicCmpxchg64:
		return 8, true
	case k >= isa.KindAtomicAdd32 && k <= isa.KindAtomicCmpxchg32:
		return 4, true
	}
	return 0, false
}

// UseDef is what the op reads and writes of the registers. Where it leaves
// the native code for a helper, it reads what the helper may.
func (o *Op) UseDef() (use, def uint16) { return o.use, o.def }

// useDef computes it.
func (o *Op) useDef() (use, def uint16) {
	if o.Own == isa.KindInvalid {
		return all, 0
	}
	switch o.Own {
	case isa.KindGotox:
		return all, 0
	case isa.KindCallLocal, isa.KindCallReg, isa.KindCallKfunc:
		return all, result
	case isa.KindExit:
		return result, 0
	}
	row := o.Row()
	d, s := Bit(o.Dst), Bit(o.Src)
	switch row.Form {
	case isa.FormDst:
		return d, d
	case isa.FormDstImm:
		if row.Op&0xf0 == isa.OpMov {
			return 0, d
		}
		return d, d
	case isa.FormDstSrc:
		if row.Op&0xf0 == isa.OpMov && row.Op&7 >= isa.ClassALU {
			return s, d
		}
		return d | s, d
	case isa.FormCast, isa.FormLoad:
		return s, d
	case isa.FormJmpImm:
		return d, 0
	case isa.FormJmpReg:
		return d | s, 0
	case isa.FormJa, isa.FormGotol:
		return 0, 0
	case isa.FormWide:
		return 0, d
	case isa.FormStoreImm:
		return d, 0
	case isa.FormStore, isa.FormAtomic:
		return d | s, 0
	case isa.FormAtomicFetch:
		return d | s, s
	case isa.FormAtomicCmpxchg:
		return d | s | result, result
	case isa.FormCall:
		if o.Own == isa.KindCallHelper && o.Imm != helperTailCall {
			return helperArgs(o.Imm), result
		}
		return all, result
	}
	return all, result // packet loads
}

// helperArgs is the registers that a helper reads: of those that programs call
// most, of the others all that might be arguments.
func helperArgs(id uint64) uint16 {
	n := uint8(5)
	switch id {
	case helperLookup, 3: // bpf_map_delete_elem
		n = 2
	case 2: // bpf_map_update_elem
		n = 4
	case 5, 7, 8, 14, 15: // bpf_ktime_get_ns, get_prandom_u32, get_smp_processor_id, get_current_pid_tgid, _uid_gid
		n = 0
	}
	return 1<<(n+1) - 2
}

const (
	helperLookup   = 1
	helperTailCall = 12
)

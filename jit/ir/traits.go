package ir

import "skep/vm/isa"

// traits is what all ops of a kind of instruction have in common: every pass
// wants some of it of every op.
type traits struct {
	form   isa.Form
	access uint8 // bytes of memory that it reads or writes, 0 for none
	kind   class

	// The registers that it reads and writes: these, and those of the op's Dst
	// and Src where the mask is not zero but all ones.
	use, useDst, useSrc uint16
	def, defDst, defSrc uint16
}

// class is what kind of operation it is.
type class uint8

const (
	writes  class = 1 << iota // its access is a write
	divides                   // a division or remainder
	jumps                     // control may go elsewhere than to the next op
	through                   // control may come to the next op within the function
	branch                    // and to Target
)

// traitsOf has those of each kind; it is as long as a Kind can count.
var traitsOf [1 << 8]traits

func init() {
	traitsOf[isa.KindInvalid].use = all
	for i := range isa.Table {
		traitsOf[isa.Table[i].Kind] = newTraits(&isa.Table[i])
	}
}

func newTraits(row *isa.Row) traits {
	t := traits{form: row.Form}
	size, write := access(row.Kind)
	t.access = uint8(size)
	if write {
		t.kind |= writes
	}
	switch op := row.Op & 0xf0; row.Op & 7 {
	case isa.ClassALU, isa.ClassALU64:
		if op == isa.OpDiv || op == isa.OpMod {
			t.kind |= divides
		}
	case isa.ClassJMP, isa.ClassJMP32:
		t.kind |= jumps
	}
	switch row.Kind {
	case isa.KindExit, isa.KindGotox:
	case isa.KindJa, isa.KindGotol:
		t.kind |= branch
	case isa.KindCallLocal, isa.KindCallHelper, isa.KindLdFunc:
		t.kind |= through
	default:
		t.kind |= through | branch
	}
	t.use, t.def = useDef(row)
	mask := func(set *uint16, r uint8) uint16 {
		if *set&Bit(r) == 0 {
			return 0
		}
		*set &^= Bit(r)
		return 1<<16 - 1
	}
	t.useDst, t.useSrc = mask(&t.use, anyDst), mask(&t.use, anySrc)
	t.defDst, t.defSrc = mask(&t.def, anyDst), mask(&t.def, anySrc)
	return t
}

// access is the size of a kind's memory access, 0 for none, and whether it
// writes.
func access(k isa.Kind) (size int, write bool) {
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

// anyDst and anySrc stand for an op's own registers in the sets of useDef.
const (
	anyDst = isa.NumRegs + iota
	anySrc
)

// useDef is what instructions of a row read and write of the registers.
func useDef(row *isa.Row) (use, def uint16) {
	switch row.Kind {
	case isa.KindGotox:
		return all, 0
	case isa.KindCallLocal, isa.KindCallReg, isa.KindCallKfunc:
		return all, result
	case isa.KindExit:
		return result, 0
	}
	d, s := Bit(anyDst), Bit(anySrc)
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
	}
	return all, result // packet loads and helpers
}

// helperArgs is the registers that a helper reads: of those that programs call
// most, of the others all that might be arguments.
func helperArgs(id uint64) uint16 {
	n := uint8(5)
	switch id {
	case helperTailCall:
		return all
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

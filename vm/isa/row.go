package isa

// Row is what is known of one instruction form.
//
// Src, Off and Imm are the values a field must have for the row to match,
// unless Use says that the field is an operand. A field that is neither an
// operand nor fixed must be zero; the kernel refuses anything else as a
// reserved field.
type Row struct {
	Kind  Kind
	Op    uint8
	Name  string // mnemonic, without operands
	Form  Form   // which operands, and how an assembler writes them
	Src   uint8
	Off   int16
	Imm   int32
	Use   Use
	Text  string // template, see Table; vm/asm prints the exact words of the kernel's log
	Since string // first Linux version that accepts it; empty: none does
	Group Group
	Doc   string // one sentence: what it does
}

// Use is the set of fields that are operands.
type Use uint8

const (
	useDst Use = 1 << iota
	useSrc
	useOff
	useImm
)

func (u Use) Dst() bool { return u&useDst != 0 } // a register in Dst
func (u Use) Src() bool { return u&useSrc != 0 } // a register in Src
func (u Use) Off() bool { return u&useOff != 0 } // a number in Off
func (u Use) Imm() bool { return u&useImm != 0 } // a number in Imm

// Form is the shape of an instruction's operands.
type Form uint8

const (
	FormNone          Form = iota // exit
	FormDst                       // r1 = -r1
	FormDstImm                    // r1 += 5
	FormDstSrc                    // r1 += r2
	FormCast                      // r1 = addr_space_cast(r2, 0, 1)
	FormJmpImm                    // if r1 == 5 goto +2
	FormJmpReg                    // if r1 == r2 goto +2
	FormJa                        // goto +2
	FormGotol                     // gotol +70000
	FormCall                      // call 5
	FormCallLocal                 // call pc+5
	FormCallKfunc                 // call bpf_iter_num_new#123
	FormWide                      // r1 = 0x1122334455667788 ll
	FormLoad                      // r1 = *(u8 *)(r2 +4)
	FormAbs                       // r0 = *(u8 *)skb[4]
	FormInd                       // r0 = *(u8 *)skb[r7 + 4]
	FormStoreImm                  // *(u8 *)(r1 +4) = 5
	FormStore                     // *(u8 *)(r1 +4) = r2
	FormAtomic                    // lock *(u64 *)(r1 +4) += r2
	FormAtomicFetch               // r2 = atomic64_fetch_add((u64 *)(r1 +4), r2)
	FormAtomicCmpxchg             // r0 = cmpxchg_64(r1 +4, r0, r2)
)

// Group is the conformance group of RFC 9669 section 2.4, or GroupLinux for
// what only Linux has.
type Group uint8

const (
	Base32 Group = iota
	Base64
	Atomic32
	Atomic64
	Divmul32
	Divmul64
	Packet
	Callx
	GroupLinux
)

var groupNames = [...]string{"base32", "base64", "atomic32", "atomic64", "divmul32", "divmul64", "packet", "callx", "linux"}

func (g Group) String() string {
	if int(g) < len(groupNames) {
		return groupNames[g]
	}
	return "unknown"
}

// span is where the rows of an opcode are in byOp.
type span struct{ start, end uint8 }

var (
	byOp  [len(Table)]Kind // kinds sorted by opcode
	spans [256]span
)

func init() {
	n := 0
	for op := range spans {
		start := n
		for i := range Table {
			if int(Table[i].Op) == op {
				byOp[n] = Table[i].Kind
				n++
			}
		}
		spans[op] = span{uint8(start), uint8(n)}
	}
}

// Row is the table's row of a kind, nil for KindInvalid.
func (k Kind) Row() *Row {
	if k == KindInvalid || int(k) > len(Table) {
		return nil
	}
	return &Table[k-1]
}

// Lookup finds the row that i is an encoding of, or nil. It looks at the
// fixed fields and demands zero in unused ones, but not at the second slot of
// a wide instruction nor at whether registers exist: see [Insn.Check].
func Lookup(i Insn) *Row {
	s := spans[i.Op]
	for _, k := range byOp[s.start:s.end] {
		if r := &Table[k-1]; r.matches(i) {
			return r
		}
	}
	return nil
}

func (r *Row) matches(i Insn) bool {
	return (r.Use&useDst != 0 || i.Dst == 0) &&
		(r.Use&useSrc != 0 || i.Src == r.Src) &&
		(r.Use&useOff != 0 || i.Off == r.Off) &&
		(r.Use&useImm != 0 || i.Imm == r.Imm)
}

// Closest finds the row of i's opcode whose discriminating fields match i,
// reserved fields aside: the instruction that was meant. Nil when no row has
// the opcode.
func Closest(i Insn) *Row {
	s := spans[i.Op]
	var best *Row
	score := -1
	for _, k := range byOp[s.start:s.end] {
		r := &Table[k-1]
		n := 0
		if r.Use&useSrc != 0 || i.Src == r.Src {
			n++
		}
		if r.Use&useOff != 0 || i.Off == r.Off {
			n++
		}
		if r.Use&useImm != 0 || i.Imm == r.Imm {
			n++
		}
		if n > score {
			best, score = r, n
		}
	}
	return best
}

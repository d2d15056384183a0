package narrate

import (
	"strconv"

	"skep/vm/isa"
)

// arithWord joins two operands of an arithmetic instruction.
func arithWord(row *isa.Row) string {
	signed := row.Off == isa.OffSigned && !row.Use.Off()
	switch row.Op & 0xf0 {
	case isa.OpAdd:
		return "plus"
	case isa.OpSub:
		return "minus"
	case isa.OpMul:
		return "times"
	case isa.OpDiv:
		if signed {
			return "divided (signed) by"
		}
		return "divided by"
	case isa.OpMod:
		if signed {
			return "modulo (signed)"
		}
		return "modulo"
	case isa.OpOr:
		return "or"
	case isa.OpAnd:
		return "and"
	case isa.OpXor:
		return "xor"
	case isa.OpLsh:
		return "shifted left by"
	case isa.OpRsh:
		return "shifted right by"
	case isa.OpArsh:
		return "shifted right, keeping the sign, by"
	}
	return row.Name
}

// relation is what a conditional jump asks: "greater than". When the second
// word is not empty both are whole predicates, yes and no.
func relation(row *isa.Row) (yes, no string) {
	switch row.Op & 0xf0 {
	case isa.JmpEq:
		return "equal to", ""
	case isa.JmpNe:
		return "differs from", "equals"
	case isa.JmpGt:
		return "greater than", ""
	case isa.JmpGe:
		return "at least", ""
	case isa.JmpLt:
		return "less than", ""
	case isa.JmpLe:
		return "at most", ""
	case isa.JmpSgt:
		return "greater (signed) than", ""
	case isa.JmpSge:
		return "at least (signed)", ""
	case isa.JmpSlt:
		return "less (signed) than", ""
	case isa.JmpSle:
		return "at most (signed)", ""
	case isa.JmpSet:
		return "has a bit in common with", "has no bit in common with"
	}
	return row.Name, ""
}

// unaryDone says what an instruction with one operand made of it, unaryTodo
// what it is about to do with it.
func unaryDone(row *isa.Row, before string) string {
	if row.Kind == isa.KindNeg32 || row.Kind == isa.KindNeg64 {
		return "the negative of " + before
	}
	return "the low " + strconv.Itoa(int(row.Imm)) + " bits of " + before + order(row)
}

func unaryTodo(row *isa.Row, operand string) string {
	if row.Kind == isa.KindNeg32 || row.Kind == isa.KindNeg64 {
		return "negate " + operand
	}
	return "make " + operand + " its low " + strconv.Itoa(int(row.Imm)) + " bits" + order(row)
}

// order tells a byte order instruction: to little or big endian, or a swap.
func order(row *isa.Row) string {
	switch row.Kind {
	case isa.KindLE16, isa.KindLE32, isa.KindLE64:
		return " in little-endian order"
	case isa.KindBE16, isa.KindBE32, isa.KindBE64:
		return " in network byte order"
	}
	return " with the bytes reversed"
}

func atomicWord(op int32) string {
	switch op &^ isa.AtomicFetch {
	case isa.OpAdd:
		return "plus"
	case isa.OpOr:
		return "or"
	case isa.OpAnd:
		return "and"
	case isa.OpXor:
		return "xor"
	}
	return "replaced by"
}

func atomicVerb(op int32) string {
	switch op &^ isa.AtomicFetch {
	case isa.OpAdd:
		return "add"
	case isa.OpOr:
		return "or"
	case isa.OpAnd:
		return "and"
	case isa.OpXor:
		return "xor"
	}
	return "write"
}

package trace

import (
	"strconv"
	"strings"

	"skep/verifier"
)

// String is the place as messages write it: "r1", "fp-8", of an outer frame
// "fp[1]-8".
func (l Loc) String() string {
	frame := ""
	if l.Frame() > 0 {
		frame = "[" + strconv.Itoa(l.Frame()) + "]"
	}
	switch r, i := l.Reg(), l.Slot(); {
	case r >= 0:
		return "r" + strconv.Itoa(r) + frame
	case i >= 0:
		return "fp" + frame + strconv.Itoa(-8*(i+1))
	}
	return "refs" + frame
}

func count(n int64) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

// Words says what was needed, and what there was, in a sentence without its
// end. web/src/trace/text.ts has the same.
func (c *Check) Words() string {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	r := ""
	if c.Reg > 0 {
		r = "r" + strconv.Itoa(int(c.Reg)-1)
	}
	span := "bytes " + n(c.Lo) + " to " + n(c.Hi-1)
	switch c.Kind {
	case verifier.CheckKindPacket:
		have := n(c.Limit) + " are"
		switch {
		case c.Limit < 0:
			have = "none are"
		case c.Limit == 1:
			have = "1 is"
		}
		return "needs " + count(c.Hi) + " of the packet from where " + r + " was made; " + have + " proved"
	case verifier.CheckKindMapValue:
		return "needs " + span + " of a map value of " + count(c.Limit)
	case verifier.CheckKindMapKey:
		return "needs " + span + " of a map key of " + count(c.Limit)
	case verifier.CheckKindMem:
		return "needs " + span + " of memory of " + count(c.Limit)
	case verifier.CheckKindStack:
		return "needs stack from fp" + n(c.Lo) + " to fp" + n(c.Hi-1) + "; there is fp-" + n(c.Limit) + " to fp-1"
	case verifier.CheckKindStackInit:
		return "needs " + count(c.Hi-c.Lo) + " of stack from fp" + n(c.Lo) + " on, each written before; fp" + n(c.Limit) + " was not"
	case verifier.CheckKindCtx:
		return "needs a context field at " + n(c.Lo) + " of " + count(c.Hi-c.Lo) + "; there is none that may be used so"
	case verifier.CheckKindNotNull:
		return "needs " + r + " not to be NULL; it may be"
	case verifier.CheckKindReadable:
		return "needs " + r + " to have been written; it was not"
	case verifier.CheckKindPointer:
		return "needs " + r + " to be a pointer to memory; it is not"
	case verifier.CheckKindArgType:
		return "needs " + r + " to be " + strings.ReplaceAll(c.Text, ", ", " or ")
	case verifier.CheckKindArgSize:
		return "needs " + r + " to be at least " + n(c.Lo) + " and below " + n(c.Hi) + "; it may be " + n(c.Limit)
	case verifier.CheckKindReturn:
		return "needs " + r + " to be within " + n(c.Lo) + " to " + n(c.Hi)
	case verifier.CheckKindReleased:
		return "needs every reference to be released; number " + n(c.Lo) + ", taken at instruction " + n(c.Hi) + ", is not"
	case verifier.CheckKindUnlocked:
		return "needs no critical section to be open (" + c.Text + ")"
	case verifier.CheckKindPtrOffset:
		return "needs the number that is added to the pointer to be at least " + n(c.Lo) + " and below " + n(c.Hi)
	case verifier.CheckKindHelper:
		return "needs a function that this program may call; " + c.Text + " is none"
	case verifier.CheckKindNoLeak:
		return "needs " + r + " to be a number: addresses must not get into " + c.Text
	case verifier.CheckKindRule:
		return "needs " + c.Text
	case verifier.CheckKindBudget:
		return "needs at most " + n(c.Limit) + " instructions on all paths together"
	}
	return ""
}

// Advice says what would satisfy a check that failed, "" when the need itself
// says it.
func (c *Check) Advice() string {
	n := func(v int64) string { return strconv.FormatInt(v, 10) }
	switch c.Kind {
	case verifier.CheckKindPacket:
		return "Before it, compare a packet pointer plus " + n(c.Hi) + " with the end of the packet, and leave when it is beyond."
	case verifier.CheckKindMapValue, verifier.CheckKindMapKey, verifier.CheckKindMem:
		return "Keep the offset within the " + count(c.Limit) + ": compare it with a limit before the access, as an unsigned number, or cut it with &=."
	case verifier.CheckKindStack:
		return "A frame has 512 bytes below r10: use a smaller offset, and a map for large data."
	case verifier.CheckKindStackInit:
		return "Write all of these bytes on every path that leads here, the padding of a struct too."
	case verifier.CheckKindNotNull:
		return "Compare the pointer with NULL right after it was made, and leave when it is."
	case verifier.CheckKindReadable:
		return "Set the register on every path that leads here; a call takes r1 to r5, so keep what must outlive it in r6 to r9 or on the stack."
	case verifier.CheckKindPointer:
		return "Take the pointer from where the verifier knows it: the context, a lookup, the stack it was spilled to. After a helper that moves the packet, read data and data_end again."
	case verifier.CheckKindArgSize, verifier.CheckKindPtrOffset:
		return "Compare the number with a limit before, as an unsigned number, or cut it with &=."
	case verifier.CheckKindReturn:
		return "Set r0 to a value within these limits before exit."
	case verifier.CheckKindReleased:
		return "Release it on this path too."
	case verifier.CheckKindUnlocked:
		return "End the section on every path before this."
	case verifier.CheckKindBudget:
		return "Give loops a smaller limit, make fewer branches in them, or move their bodies into a callback of bpf_loop."
	}
	return ""
}

// Words says how limits followed, "" when the instruction says them itself.
func (d Deduction) Words() string {
	switch d {
	case DeductionUnsignedFromSigned:
		return "the unsigned limits follow from the signed ones"
	case DeductionSignedFromUnsigned:
		return "the signed limits follow from the unsigned ones"
	case DeductionWholeFromLow:
		return "the low half was compared, and the rest follows from it"
	case DeductionBitsFromLimits:
		return "the first bits follow from the limits"
	case DeductionLimitsFromBits:
		return "the limits follow from the bits that are known"
	case DeductionWraps:
		return "the result may pass the end of its width, so that it has no limits"
	case DeductionNotFollowed:
		return "the verifier does not compute limits of this operation"
	case DeductionCut:
		return "the upper half is cleared"
	}
	return ""
}

// Words says why a comparison taught nothing, and on which way when it did on
// the other.
func (n *NoFact) Words() string {
	switch n.Way {
	case verifier.NoFactWayTaken:
		return "where it holds, " + n.why()
	case verifier.NoFactWayNotTaken:
		return "where it does not hold, " + n.why()
	}
	return n.why()
}

func (n *NoFact) why() string {
	r := "r" + strconv.Itoa(int(n.Reg))
	switch n.Kind {
	case verifier.NoFactKindOffsetTooLarge:
		return "the offset of " + r + " may be " + strconv.FormatInt(n.Num, 10) + ", and no range is recorded past 65535"
	case verifier.NoFactKindNothingProved:
		return r + " points to the first byte, and no byte is proved by that"
	case verifier.NoFactKindKnownBefore:
		return count(n.Num) + " were proved before"
	case verifier.NoFactKindNarrow:
		return "only the low half of the pointers is compared"
	case verifier.NoFactKindTwoUnknowns:
		return "neither side is a constant, and their ranges do not limit each other"
	case verifier.NoFactKindMiddle:
		return "the number is inside of the range of " + r + ", not at its end"
	case verifier.NoFactKindManyBits:
		return "one of several bits is set, and which is not known"
	}
	return "such values are not compared by the verifier"
}

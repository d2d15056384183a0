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
	case verifier.CheckKindBudget:
		return "needs at most " + n(c.Limit) + " instructions on all paths together"
	}
	return ""
}

// Words says why a comparison taught nothing.
func (n *NoFact) Words() string {
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

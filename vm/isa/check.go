package isa

import "strconv"

// Error is a slot that is no instruction.
type Error struct {
	PC   int // slot index in the program
	Insn Insn
	Msg  string
}

func (e *Error) Error() string {
	return "instruction " + strconv.Itoa(e.PC) + " (opcode 0x" + hex8(e.Insn.Op) + "): " + e.Msg
}

func hex8(b uint8) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}

// Check says why the slot at pc of a program is not an instruction that RFC
// 9669 or Linux knows: unknown opcode, a reserved field that is not zero, a
// register above r10, half a wide instruction. It returns the row and nil when
// it is one. Where an instruction may go is for a loader to check.
func Check(prog []Insn, pc int) (*Row, *Error) {
	i := prog[pc]
	fail := func(msg string) (*Row, *Error) { return nil, &Error{PC: pc, Insn: i, Msg: msg} }
	r := Lookup(i)
	if r == nil {
		c := Closest(i)
		if c == nil {
			return fail("unknown opcode")
		}
		switch {
		case c.Use&useDst == 0 && i.Dst != 0:
			return fail(c.Name + " does not use dst: it must be 0, not " + strconv.Itoa(int(i.Dst)))
		case c.Use&useSrc == 0 && i.Src != c.Src:
			return fail(c.Name + ": src " + strconv.Itoa(int(i.Src)) + " is reserved")
		case c.Use&useOff == 0 && i.Off != c.Off:
			return fail(c.Name + ": off " + strconv.Itoa(int(i.Off)) + " is reserved")
		default:
			return fail(c.Name + ": imm " + strconv.Itoa(int(i.Imm)) + " is reserved")
		}
	}
	if r.Use&useDst != 0 && i.Dst > R10 {
		return fail("there is no register r" + strconv.Itoa(int(i.Dst)))
	}
	if r.Use&useSrc != 0 && i.Src > R10 {
		return fail("there is no register r" + strconv.Itoa(int(i.Src)))
	}
	if r.Form == FormWide {
		if i.Off != 0 {
			return fail("lddw: off " + strconv.Itoa(int(i.Off)) + " is reserved")
		}
		if pc+1 >= len(prog) {
			return fail("lddw takes two slots and the program ends after the first")
		}
		if n := prog[pc+1]; n.Op != 0 || n.Dst != 0 || n.Src != 0 || n.Off != 0 {
			return fail("lddw: the second slot must be zero but for its immediate")
		}
	}
	return r, nil
}

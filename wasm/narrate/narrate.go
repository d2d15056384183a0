// Package narrate says in plain words what a step did and what the next one
// will do: one sentence each, for the line below the panes and for screen
// readers. It knows instructions and English, not machines: whoever calls it
// has put every value into words already ("packet + 14", "fp-8", "6").
//
//	s := narrate.Scene{Insn: insn, Before: texts, After: texts2}
//	println(narrate.Did(&s)) // r3 became packet + 14 (packet + 0 plus 14).
//
// Read next: words.go for the vocabulary, then wasm/session, which sets scenes.
package narrate

import (
	"strconv"

	"skep/vm/isa"
)

// Scene is one instruction with the values around it. Did wants all of it
// that applies, Next only what is known before: Before, Place, Args, Func.
type Scene struct {
	Insn isa.Insn
	Hi   isa.Insn // second slot of a wide load
	PC   int

	Before [isa.NumRegs]string // registers before, in words
	After  [isa.NumRegs]string // registers after

	Place  string // memory operand, "packet + 12"; "" when not known
	OldMem string // its content before a store or atomic
	NewMem string // and after
	Const  string // what a wide load loads: "map counts", "0x1234"

	Taken  bool // a jump was taken
	Target int  // slot a jump or call goes to

	Func   string // function called, or returned from
	Caller string // function returned to; "" when the program ends
	Helper string // helper or kfunc called
	Args   string // its arguments in words, comma separated
	Result string // what it returned, or what the program returned
}

// Did is what executing the instruction did: a sentence.
func Did(s *Scene) string {
	row := isa.Lookup(s.Insn)
	if row == nil {
		return "This is no legal instruction."
	}
	dst := reg(row, s.Insn.Dst)
	before, after := s.Before[s.Insn.Dst%isa.NumRegs], s.After[s.Insn.Dst%isa.NumRegs]
	switch row.Form {
	case isa.FormDst:
		switch row.Kind {
		case isa.KindGotox:
			return "Jumped to " + strconv.Itoa(s.Target) + ", the place in " + dst + "."
		case isa.KindCallReg:
			return "Called the function whose number is in " + dst + "."
		}
		return dst + " became " + after + ": " + unaryDone(row, before) + "."
	case isa.FormDstImm, isa.FormDstSrc:
		return did2(s, row, dst, before, after)
	case isa.FormCast:
		return dst + " became " + after + ": the address was moved to another address space."
	case isa.FormJmpImm, isa.FormJmpReg:
		return compared(s, row)
	case isa.FormJa, isa.FormGotol:
		if row.Kind == isa.KindMayGoto && !s.Taken {
			return "The loop may go on: no jump."
		}
		return "Jumped to " + strconv.Itoa(s.Target) + "."
	case isa.FormCall, isa.FormCallKfunc:
		if s.Result == "" {
			return "Called " + s.Helper + "."
		}
		return s.Helper + " returned " + s.Result + "."
	case isa.FormCallLocal:
		return "Called " + s.Func + ": a new stack frame, r6 to r9 are kept for the caller."
	case isa.FormNone:
		if s.Caller != "" {
			return s.Func + " returned " + s.Result + " to " + s.Caller + "."
		}
		return "The program returned " + s.Result + "."
	case isa.FormWide:
		return dst + " became " + s.Const + "."
	case isa.FormLoad, isa.FormAbs, isa.FormInd:
		if row.Form != isa.FormLoad {
			dst, after = "r0", s.After[0]
		}
		return dst + " became " + after + ", read from " + place(s) + " (" + bytes(s.Insn.Bytes()) + ")."
	case isa.FormStore, isa.FormStoreImm:
		return bytes(s.Insn.Bytes()) + " at " + place(s) + " became " + s.NewMem + "."
	case isa.FormAtomic:
		return bytes(s.Insn.Bytes()) + " at " + place(s) + " became " + s.NewMem + " (" + s.OldMem + " " +
			atomicWord(s.Insn.Imm) + " " + s.Before[s.Insn.Src%isa.NumRegs] + "), in one indivisible step."
	case isa.FormAtomicFetch:
		return bytes(s.Insn.Bytes()) + " at " + place(s) + " became " + s.NewMem + ", and r" +
			strconv.Itoa(int(s.Insn.Src)) + " got the old content, " + s.OldMem + "."
	case isa.FormAtomicCmpxchg:
		if s.OldMem == s.NewMem {
			return bytes(s.Insn.Bytes()) + " at " + place(s) + " stayed " + s.OldMem + ", which r0 now holds."
		}
		return bytes(s.Insn.Bytes()) + " at " + place(s) + " equalled r0 and became " + s.NewMem + "."
	}
	return row.Doc + "."
}

func did2(s *Scene, row *isa.Row, dst, before, after string) string {
	src := operand(s, row)
	word := arithWord(row)
	switch {
	case s.Insn.ALUOp() == isa.OpMov && row.Use.Imm():
		return dst + " became " + after + "."
	case s.Insn.ALUOp() == isa.OpMov && row.Off == 0:
		if dst[0] == 'w' {
			return dst + " became " + after + ": the lower half of r" + strconv.Itoa(int(s.Insn.Src)) + "; its upper half is zero."
		}
		return dst + " is now a copy of r" + strconv.Itoa(int(s.Insn.Src)) + ": " + after + "."
	case s.Insn.ALUOp() == isa.OpMov:
		return dst + " became " + after + ": the low " + strconv.Itoa(int(row.Off)) + " bits of r" +
			strconv.Itoa(int(s.Insn.Src)) + ", sign-extended."
	}
	return dst + " became " + after + " (" + before + " " + word + " " + src + ")."
}

// compared tells a conditional jump with the outcome.
func compared(s *Scene, row *isa.Row) string {
	is := " is "
	if !s.Taken {
		is = " is not "
	}
	yes, no := relation(row)
	what := reg(row, s.Insn.Dst) + " (" + s.Before[s.Insn.Dst%isa.NumRegs] + ")"
	if no != "" {
		// "has a bit in common with" and the like have their own negation.
		is = " " + yes + " "
		if !s.Taken {
			is = " " + no + " "
		}
	} else {
		is += yes + " "
	}
	end := ": no jump."
	if s.Taken {
		end = ": jumped to " + strconv.Itoa(s.Target) + "."
	}
	return what + is + namedOperand(s, row) + end
}

// Next is what the instruction is about to do: a sentence that begins with
// "Next".
func Next(s *Scene) string {
	row := isa.Lookup(s.Insn)
	if row == nil {
		return "Next: this is no legal instruction, the machine will stop."
	}
	return "Next: " + next(s, row) + "."
}

func next(s *Scene, row *isa.Row) string {
	dst := reg(row, s.Insn.Dst)
	before := s.Before[s.Insn.Dst%isa.NumRegs]
	switch row.Form {
	case isa.FormDst:
		switch row.Kind {
		case isa.KindGotox:
			return "go to the place in " + dst + " (" + before + ")"
		case isa.KindCallReg:
			return "call the function whose number is in " + dst + " (" + before + ")"
		}
		return unaryTodo(row, dst+" ("+before+")")
	case isa.FormDstImm, isa.FormDstSrc:
		if s.Insn.ALUOp() == isa.OpMov {
			if row.Use.Imm() {
				return "set " + dst + " to " + strconv.Itoa(int(s.Insn.Imm))
			}
			if row.Off != 0 {
				return "copy the low " + strconv.Itoa(int(row.Off)) + " bits of " + namedOperand(s, row) + " to " + dst + ", sign-extended"
			}
			return "copy " + namedOperand(s, row) + " to " + dst
		}
		return "make " + dst + " " + before + " " + arithWord(row) + " " + namedOperand(s, row)
	case isa.FormCast:
		return "move the address in r" + strconv.Itoa(int(s.Insn.Src)) + " to another address space"
	case isa.FormJmpImm, isa.FormJmpReg:
		yes, no := relation(row)
		if no == "" {
			yes = "is " + yes
		}
		return "go to " + strconv.Itoa(s.Target) + " if " + dst + " (" + before + ") " + yes + " " + namedOperand(s, row)
	case isa.FormJa, isa.FormGotol:
		if row.Kind == isa.KindMayGoto {
			return "go to " + strconv.Itoa(s.Target) + " if the loop has run too often"
		}
		return "go to " + strconv.Itoa(s.Target)
	case isa.FormCall, isa.FormCallKfunc:
		return "call " + s.Helper + "(" + s.Args + ")"
	case isa.FormCallLocal:
		return "call the function " + s.Func + " at " + strconv.Itoa(s.Target)
	case isa.FormNone:
		if s.Caller != "" {
			return "return " + s.Before[0] + " from " + s.Func + " to " + s.Caller
		}
		return "end the program with " + s.Result
	case isa.FormWide:
		return "set " + dst + " to " + s.Const
	case isa.FormLoad:
		return "read " + bytes(s.Insn.Bytes()) + " at " + place(s) + " into " + dst
	case isa.FormAbs, isa.FormInd:
		return "read " + bytes(s.Insn.Bytes()) + " of the packet into r0, or end the program with 0 when they are not there"
	case isa.FormStoreImm:
		return "write " + strconv.Itoa(int(s.Insn.Imm)) + " to " + bytes(s.Insn.Bytes()) + " at " + place(s)
	case isa.FormStore:
		return "write r" + strconv.Itoa(int(s.Insn.Src)) + " (" + s.Before[s.Insn.Src%isa.NumRegs] + ") to " + bytes(s.Insn.Bytes()) + " at " + place(s)
	case isa.FormAtomic, isa.FormAtomicFetch, isa.FormAtomicCmpxchg:
		return atomicTodo(s) + " " + bytes(s.Insn.Bytes()) + " at " + place(s) + ", in one indivisible step"
	}
	return row.Doc
}

func atomicTodo(s *Scene) string {
	src := "r" + strconv.Itoa(int(s.Insn.Src)) + " (" + s.Before[s.Insn.Src%isa.NumRegs] + ")"
	switch s.Insn.Imm {
	case isa.AtomicXchg:
		return "exchange " + src + " with"
	case isa.AtomicCmpxchg:
		return "compare r0 (" + s.Before[0] + ") and, if equal, write " + src + " to"
	}
	return atomicVerb(s.Insn.Imm) + " " + src + " to"
}

// reg is the register as the kernel's log writes it: r for 64 bits, w for 32.
func reg(row *isa.Row, n uint8) string {
	c := "r"
	switch row.Op & 7 {
	case isa.ClassALU, isa.ClassJMP32:
		if row.Op&0xf0 != isa.OpEnd || row.Op&7 == isa.ClassJMP32 {
			c = "w"
		}
	}
	return c + strconv.Itoa(int(n))
}

func place(s *Scene) string {
	if s.Place == "" {
		return "an unknown address"
	}
	return s.Place
}

// operand is the second operand's value, namedOperand the same with the
// register it is in.
func operand(s *Scene, row *isa.Row) string {
	if row.Use.Src() {
		return s.Before[s.Insn.Src%isa.NumRegs]
	}
	return strconv.Itoa(int(s.Insn.Imm))
}

func namedOperand(s *Scene, row *isa.Row) string {
	if row.Use.Src() {
		return reg(row, s.Insn.Src) + " (" + operand(s, row) + ")"
	}
	return operand(s, row)
}

func bytes(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.Itoa(n) + " bytes"
}

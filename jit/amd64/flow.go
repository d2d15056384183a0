package amd64

import (
	"skep/jit/contract"
	"skep/jit/ir"
	"skep/vm/isa"
)

// cond is the condition code of each jump, by the operation's number.
func cond(op uint8) (byte, bool) {
	switch op {
	case isa.JmpEq:
		return ccE, true
	case isa.JmpNe, isa.JmpSet:
		return ccNE, true
	case isa.JmpGt:
		return ccA, true
	case isa.JmpGe:
		return ccAE, true
	case isa.JmpLt:
		return ccB, true
	case isa.JmpLe:
		return ccBE, true
	case isa.JmpSgt:
		return ccG, true
	case isa.JmpSge:
		return ccGE, true
	case isa.JmpSlt:
		return ccL, true
	case isa.JmpSle:
		return ccLE, true
	}
	return 0, false
}

// condition compares and jumps.
func (l *lower) condition(o *ir.Op, row *isa.Row) bool {
	op := row.Op & 0xf0
	cc, ok := cond(op)
	if !ok {
		return false
	}
	l.back(o)
	f := width(row.Op & 7)
	d := regs[o.Dst]
	v := int32(uint32(o.Imm))
	switch {
	case op == isa.JmpSet && row.Form == isa.FormJmpReg:
		l.rr(f, 0x85, regs[o.Src], d)
	case op == isa.JmpSet:
		l.rr(f, 0xf7, 0, d)
		l.imm32(v)
	case row.Form == isa.FormJmpReg:
		l.alu(f, aluCmp, d, regs[o.Src])
	case v == 0: // sets the flags that a comparison with zero does
		l.rr(f, 0x85, d, d)
	default:
		l.aluImm(f, aluCmp, d, v)
	}
	l.jcc(cc, o.Target)
	return true
}

// back burns fuel where a loop may close: about the length of the loop.
func (l *lower) back(o *ir.Op) {
	if o.Flags&ir.Back != 0 {
		l.burn(l.op - o.Target + 1)
	}
}

func (l *lower) goTo(o *ir.Op) {
	l.back(o)
	if o.Own == isa.KindMayGoto {
		l.loops()
		at := mem{base: scratch, disp: contract.CtxLoops}
		l.rm(0, 0x81, 7, at) // cmp dword
		l.imm32(contract.MaxLoops)
		l.jcc(ccAE, o.Target)
		l.rm(0, 0xff, 0, at) // inc dword
		return
	}
	l.jmp(o.Target)
}

// end returns from a function or ends the program. Which of the two it is in
// the program itself only the stack knows: a tail call may have entered it in
// a function's frame. The end is no return, so that the processor's prediction
// of returns stays right.
func (l *lower) end(o *ir.Op) {
	if o.Flags&ir.Main != 0 {
		l.rm(w64, 0x3b, rsp, ctx(contract.CtxBottom))
		l.ends = append(l.ends, l.far(ccE))
	}
	l.byte(0xc3)
}

// call calls a function of the program. What it needs of r6 to r9 behind the
// call, and what the callee writes of them, is kept on the JIT's stack.
func (l *lower) call(o *ir.Op) {
	l.burn(8)
	if o.Flags&ir.Shallow == 0 {
		l.rm(w64, 0x3b, rbp, ctx(contract.CtxFloor))
		l.stubs = append(l.stubs, stub{op: l.op, reason: uint32(contract.ExitHost), at: l.far(ccBE), back: -1})
	}
	keep := o.Out & ir.Saved
	f := l.u.FuncAt(o.Target)
	keep &= f.Clobber
	for r := uint8(isa.R6); r <= isa.R9; r++ {
		if keep&ir.Bit(r) != 0 {
			l.push(regs[r])
		}
	}
	l.aluImm(w64, aluSub, rbp, contract.FrameStride)
	if f.MayGoto {
		l.loops()
		l.rm(w64, 0xc7, 0, mem{base: scratch, disp: contract.CtxLoops})
		l.imm32(0)
	}
	l.byte(0xe8)
	l.imm32(0)
	l.jumps = append(l.jumps, jump{at: l.pos() - 4, target: o.Target})
	l.aluImm(w64, aluAdd, rbp, contract.FrameStride)
	for r := uint8(isa.R9); r >= isa.R6; r-- {
		if keep&ir.Bit(r) != 0 {
			l.pop(regs[r])
		}
	}
}

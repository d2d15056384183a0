package arm64

import (
	"skep/jit/contract"
	"skep/jit/ir"
	"skep/vm/isa"
)

// conditions is the branch of each jump that compares, by number.
var conditions = [16]uint32{
	isa.JmpEq >> 4: opBcond | ccEQ, isa.JmpNe >> 4: opBcond | ccNE, isa.JmpSet >> 4: opBcond | ccNE,
	isa.JmpGt >> 4: opBcond | ccHI, isa.JmpGe >> 4: opBcond | ccHS, isa.JmpLt >> 4: opBcond | ccLO, isa.JmpLe >> 4: opBcond | ccLS,
	isa.JmpSgt >> 4: opBcond | ccGT, isa.JmpSge >> 4: opBcond | ccGE, isa.JmpSlt >> 4: opBcond | ccLT, isa.JmpSle >> 4: opBcond | ccLE,
}

// compare compares and jumps.
func (l *lower) compare(o *ir.Op, row *isa.Row) bool {
	op := row.Op & 0xf0
	branch := conditions[op>>4]
	if branch == 0 {
		return false
	}
	l.back(o)
	w := widthOf(row.Op & 7)
	d := hw(o.Dst)
	var s reg
	done := false
	if row.Form == isa.FormJmpReg {
		s = hw(o.Src)
	} else {
		s = scratch2
		if l.u.Options.Blind == 0 {
			switch {
			case op == isa.JmpSet:
				done = l.immLogical(w, opAndsImm, zero, d, o.Imm)
			case o.Imm == 0 && op == isa.JmpEq:
				branch, done = compareZero(w, opCbz, d), true
			case o.Imm == 0 && op == isa.JmpNe:
				branch, done = compareZero(w, opCbnz, d), true
			default:
				done = l.immArith(w, opSubsImm, opAddsImm, zero, d, int64(o.Imm))
			}
		}
		if !done {
			l.constant(s, o.Imm)
		}
	}
	switch {
	case done:
	case op == isa.JmpSet:
		l.rrr(w, opAnds, zero, d, s)
	default:
		l.rrr(w, opSubs, zero, d, s)
	}
	l.jump(branch, o.Target)
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
		l.offset(opLdr, 4, scratch2, scratch, contract.CtxLoops)
		l.immArith(w32, opSubsImm, opAddsImm, zero, scratch2, contract.MaxLoops)
		l.jump(cond(ccHS), o.Target)
		l.addImm(w32, scratch2, scratch2, 1)
		l.offset(opStr, 4, scratch2, scratch, contract.CtxLoops)
		return
	}
	l.jump(opB, o.Target)
}

// end returns from a function or ends the program. Which of the two it is in
// the program itself only the stack knows: a tail call may have entered it in
// a function's frame. The end is no return, so that the processor's prediction
// of returns stays right.
func (l *lower) end(o *ir.Op) {
	if o.Flags&ir.Main != 0 {
		l.ctx(opLdr, 8, scratch, contract.CtxBottom)
		l.rrr(w64, opSubs, zero, scratch, stack)
		l.ends = append(l.ends, l.branch(cond(ccEQ)))
	}
	l.word(opRet)
}

// call calls a function of the program. The return address, and what is needed
// of r6 to r9 behind the call and the callee writes, is kept on the JIT's
// stack.
func (l *lower) call(o *ir.Op) {
	l.burn(8)
	if o.Flags&ir.Shallow == 0 {
		l.ctx(opLdr, 8, scratch, contract.CtxFloor)
		l.rrr(w64, opSubs, zero, r10, scratch)
		l.hostIf(cond(ccLS))
	}
	f := l.u.FuncAt(o.Target)
	kept := [6]reg{link, zero, zero, zero, zero, zero}
	n := 1
	for r := uint8(isa.R6); r <= isa.R9; r++ {
		if o.Out&ir.Saved&f.Clobber&ir.Bit(r) != 0 {
			kept[n] = hw(r)
			n++
		}
	}
	for i := 0; i < n; i += 2 {
		l.push(kept[i], kept[i+1])
	}
	l.enterFrame(-contract.FrameStride)
	if f.MayGoto {
		l.loops()
		l.offset(opStr, 8, zero, scratch, contract.CtxLoops)
	}
	l.jump(opBl, o.Target)
	l.enterFrame(contract.FrameStride)
	for i := (n - 1) &^ 1; i >= 0; i -= 2 {
		l.pop(kept[i], kept[i+1])
	}
}

// enterFrame moves r10 and what is derived from it.
func (l *lower) enterFrame(by int64) {
	l.addImm(w64, r10, r10, by)
	l.addImm(w64, frame, frame, by)
}

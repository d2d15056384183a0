package verifier

import "skep/vm/isa"

// argKind is what an instruction does to a register.
type argKind uint8

const (
	srcOp       argKind = iota // reads it
	dstOp                      // writes something unknown to it
	dstOpNoMark                // writes it; the caller says what
)

// noteRead notes that r is read: up the chain of checkpoints to the one on
// whose path it was written (mark_reg_read).
func (e *env) noteRead(r *RegState, flag uint8) errno {
	if r.live&liveWritten != 0 {
		return 0
	}
	return e.markParents(r.parent, flag)
}

// markParents notes a read of parent and of what it stems from. The kernel
// tells a read on this path from one behind a checkpoint that covers it by
// comparing addresses of registers; here states are reused, so that an address
// of a forgotten one proves nothing, and callers say which it is.
func (e *env) markParents(parent *RegState, flag uint8) errno {
	n := 0
	for parent != nil {
		if parent.live&liveDone != 0 {
			e.logf("verifier BUG type %s var_off %lld off %d\n", parent.Type, int64(parent.VarOff.Value), parent.Off)
			return efault
		}
		if parent.live&liveRead == flag || parent.live&liveRead64 != 0 {
			break
		}
		parent.live |= flag
		if flag == liveRead64 {
			parent.live &^= liveRead32
		}
		n++
		if parent.live&liveWritten != 0 {
			break
		}
		parent = parent.parent
	}
	e.markRead = max(e.markRead, n)
	return 0
}

// Bits of reg64: what an instruction of an opcode uses all 64 bits of.
const (
	wideScalar  = 1 << iota // a register that it reads, when that holds a number
	widePointer             // a register that it reads, when that holds anything else
	wideDst                 // the register that it writes
	wideAsk                 // it hangs on other fields: ask isReg64
)

// reg64 is isReg64 by opcode.
var reg64 = func() (t [256]uint8) {
	for op := range t {
		in := isa.Insn{Op: uint8(op)}
		switch class := in.Class(); {
		case (class == isa.ClassALU || class == isa.ClassALU64) && in.ALUOp() == isa.OpEnd,
			class == isa.ClassJMP && in.JmpOp() == isa.JmpCall:
			t[op] = wideAsk
			continue
		}
		if isReg64(in, true, srcOp) {
			t[op] |= wideScalar
		}
		if isReg64(in, false, srcOp) {
			t[op] |= widePointer
		}
		if isReg64(in, false, dstOp) {
			t[op] |= wideDst
		}
	}
	return t
}()

// isReg64 reports whether the instruction uses all 64 bits of the register
// (is_reg64). scalar is about a register read by a store.
func isReg64(in isa.Insn, scalar bool, k argKind) bool {
	switch in.Class() {
	case isa.ClassJMP:
		if in.JmpOp() == isa.JmpCall {
			return in.Src != isa.PseudoCall && k == srcOp
		}
		return true
	case isa.ClassALU64:
		return !(in.ALUOp() == isa.OpEnd && (in.Imm == 16 || in.Imm == 32))
	case isa.ClassALU:
		return in.ALUOp() == isa.OpEnd && in.Imm == 64
	case isa.ClassJMP32:
		return false
	case isa.ClassLDX:
		return k == srcOp || in.Width() == isa.SizeDW || in.Mode() == isa.ModeMemSX
	case isa.ClassSTX:
		return k == srcOp && !scalar || in.Width() == isa.SizeDW
	case isa.ClassLD:
		return in.Mode() == isa.ModeImm || k == srcOp
	}
	return true
}

// checkReg checks that the instruction may use a register so, and notes it
// (check_reg_arg).
func (e *env) checkReg(regno int, k argKind) errno {
	return e.checkRegOf(e.regs(), regno, k)
}

func (e *env) checkRegOf(regs *[numRegs]RegState, regno int, k argKind) errno {
	if regno >= numRegs {
		e.logf("R%d is invalid\n", regno)
		return einval
	}
	e.scratchReg(regno)
	r := &regs[regno]
	in := &e.insns[e.insnIdx]
	wide := reg64[in.Op]
	if k == srcOp {
		if r.Type == NotInit {
			e.logf("R%d !read_ok\n", regno)
			e.traceRefused(CheckKindReadable, regno, "")
			return eacces
		}
		if regno == fpReg {
			return 0
		}
		bit := uint8(widePointer)
		if r.Type == ScalarValue {
			bit = wideScalar
		}
		flag := uint8(liveRead32)
		if wide&bit != 0 || wide == wideAsk && isReg64(*in, r.Type == ScalarValue, k) {
			r.subregDef = notSubreg
			flag = liveRead64
		}
		return e.noteRead(r, flag)
	}
	if regno == fpReg {
		e.logs("frame pointer is read only\n")
		return eacces
	}
	r.live |= liveWritten
	r.subregDef = int32(e.insnIdx) + 1
	if wide&wideDst != 0 || wide == wideAsk && isReg64(*in, false, k) {
		r.subregDef = notSubreg
	}
	if k == dstOp {
		e.setUnknown(r)
	}
	return 0
}

// clearCallerSaved forgets r0 to r5, as a call does.
func (e *env) clearCallerSaved(regs *[numRegs]RegState) {
	for i := 0; i <= 5; i++ {
		e.setNotInit(&regs[i])
		e.checkRegOf(regs, i, dstOpNoMark)
	}
}

// propagateLiveness gives the path of cur the reads that will follow, as they
// did behind the state that covers it (propagate_liveness).
func (e *env) propagateLiveness(old, cur *State) errno {
	one := func(r, parent *RegState) errno {
		pf, f := parent.live&liveRead, r.live&liveRead
		if pf == liveRead64 || f == 0 || pf == f {
			return 0
		}
		return e.markParents(parent, f)
	}
	if old.curframe != cur.curframe {
		return efault
	}
	for i := 0; i <= old.curframe; i++ {
		s, p := old.frame[i], cur.frame[i]
		first := 0
		if i < old.curframe {
			first = 6
		}
		for j := first; j < fpReg; j++ {
			if err := one(&s.Regs[j], &p.Regs[j]); err != 0 {
				return err
			}
		}
		for j := 0; j < len(s.Stack) && j < len(p.Stack); j++ {
			if err := one(&s.Stack[j].Reg, &p.Stack[j].Reg); err != 0 {
				return err
			}
		}
	}
	return 0
}

// cleanLive forgets, in fully explored states at insn, what was never read:
// later comparisons need not look at it (clean_live_states).
func (e *env) cleanLive(insn int, cur *State) {
	for sl := *e.exploredAt(insn); sl != nil; sl = sl.next {
		if sl.state.branches != 0 {
			continue
		}
		if le := loopEntryOf(sl.state); le != nil && le.branches != 0 {
			continue
		}
		if sl.state.insnIdx != insn || !sameCallsites(sl.state, cur) {
			continue
		}
		e.cleanState(sl.state)
	}
}

func (e *env) cleanState(st *State) {
	if st.frame[0].Regs[0].live&liveDone != 0 {
		return
	}
	for _, f := range st.Frames() {
		for i := 0; i < fpReg; i++ {
			e.cleanReg(&f.Regs[i])
		}
		for i := range f.Stack {
			s := &f.Stack[i]
			if !e.cleanReg(&s.Reg) {
				s.Types = [regSize]SlotType{}
			}
		}
	}
}

func (e *env) cleanReg(r *RegState) (live bool) {
	live = r.live&liveRead != 0
	r.live |= liveDone
	if !live {
		e.setNotInit(r)
	}
	return live
}

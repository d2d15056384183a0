package verifier

import (
	"math/bits"
	"strconv"

	"skep/vm/isa"
)

// argRegs are r1 to r5.
const argRegs = 0b111110

// backtrack is the set of registers and slots whose exact value matters, while
// going back over the path (struct backtrack_state).
type backtrack struct {
	frame int
	regs  [maxFrames]uint32
	slots [maxFrames]uint64
}

func (b *backtrack) empty() bool {
	var m uint64
	for i := 0; i <= b.frame; i++ {
		m |= uint64(b.regs[i]) | b.slots[i]
	}
	return m == 0
}

func (b *backtrack) reg(i uint8) bool { return b.regs[b.frame]>>i&1 != 0 }

func (b *backtrack) setReg(i uint8) { b.regs[b.frame] |= 1 << i }

func (b *backtrack) clearReg(i uint8) { b.regs[b.frame] &^= 1 << i }

func (b *backtrack) linked(l linkedReg) bool {
	if l.isReg {
		return b.regs[l.frame]>>l.index&1 != 0
	}
	return b.slots[l.frame]>>l.index&1 != 0
}

// syncLinked adds what is tied to a member of the set (bt_sync_linked_regs).
func (b *backtrack) syncLinked(h *histEntry) {
	if h == nil || h.linked.n == 0 {
		return
	}
	all := h.linked.reg[:h.linked.n]
	for _, l := range all {
		if b.linked(l) {
			for _, l := range all {
				if l.isReg {
					b.regs[l.frame] |= 1 << l.index
				} else {
					b.slots[l.frame] |= 1 << l.index
				}
			}
			return
		}
	}
}

func appendRegMask(dst []byte, m uint32) []byte {
	for sep := false; m != 0; m &= m - 1 {
		dst = appendSep(dst, &sep)
		dst = strconv.AppendInt(append(dst, 'r'), int64(bits.TrailingZeros32(m)), 10)
	}
	return dst
}

func appendSlotMask(dst []byte, m uint64) []byte {
	for sep := false; m != 0; m &= m - 1 {
		dst = appendSep(dst, &sep)
		dst = strconv.AppendInt(dst, int64(-(bits.TrailingZeros64(m)+1)*regSize), 10)
	}
	return dst
}

// logMasks logs "mark_precise: frame0: regs=r1 stack=-8" with words between.
func (e *env) logMasks(frame int, words string) {
	b := appendf(e.log.buf, "mark_precise: frame%d: %sregs=", frame, words)
	b = append(appendRegMask(b, e.bt.regs[frame]), " stack="...)
	e.log.buf = appendSlotMask(b, e.bt.slots[frame])
}

// errGiveUp is backtrackInsn's word for: what made the value is not tracked.
const errGiveUp = enotsupp

func (e *env) btBug(format string, v any) errno {
	e.logf(format, v)
	return efault
}

// backtrackInsn turns the set after an instruction into the one before it
// (backtrack_insn). next is the instruction that followed on the path.
func (e *env) backtrackInsn(pc, next int, h *histEntry) errno {
	b := &e.bt
	in := e.insns[pc]
	if in.Op == 0 {
		return 0
	}
	if e.log.level&LogLevel2 != 0 {
		e.logMasks(b.frame, "")
		e.logf(" before %d: ", pc)
		e.logInsn(pc)
		e.log.trim()
	}
	b.syncLinked(h)
	done, err := e.backtrackClass(in, pc, next, h)
	if err != 0 || done {
		return err
	}
	b.syncLinked(h)
	return 0
}

// plainDst are the opcodes that change nothing but their destination, so that
// they change the set only when that is in it: unless the history says more,
// going back need not look at them.
var plainDst = func() (t [256]bool) {
	for op := range t {
		switch in := (isa.Insn{Op: uint8(op)}); in.Class() {
		case isa.ClassALU, isa.ClassALU64, isa.ClassLDX:
			t[op] = true
		case isa.ClassLD:
			t[op] = in.Mode() == isa.ModeImm
		}
	}
	return t
}()

// backtrackClass is backtrackInsn by class; done skips the second look at
// tied registers.
func (e *env) backtrackClass(in isa.Insn, pc, next int, h *histEntry) (done bool, err errno) {
	b := &e.bt
	class := in.Class()
	fetch := class == isa.ClassSTX && in.Mode() == isa.ModeAtomic && in.Imm&isa.AtomicFetch != 0
	switch {
	case class == isa.ClassALU || class == isa.ClassALU64:
		if !b.reg(in.Dst) {
			return true, 0
		}
		switch in.ALUOp() {
		case isa.OpEnd, isa.OpNeg:
			return true, 0
		case isa.OpMov:
			b.clearReg(in.Dst)
		}
		if in.Source() == isa.SrcX && in.Src != fpReg {
			b.setReg(in.Src)
		}
	case class == isa.ClassLDX || fetch:
		r := in.Dst
		if fetch {
			r = in.Src
			if in.Imm == isa.AtomicCmpxchg {
				r = 0
			}
		}
		if !b.reg(r) {
			return true, 0
		}
		b.clearReg(r)
		// Only values from the stack can be followed.
		if h == nil || h.flags&histStackAccess == 0 {
			return true, 0
		}
		b.slots[h.frame] |= 1 << h.slot
	case class == isa.ClassSTX || class == isa.ClassST:
		if b.reg(in.Dst) {
			return true, errGiveUp
		}
		if h == nil || h.flags&histStackAccess == 0 || b.slots[h.frame]>>h.slot&1 == 0 {
			return true, 0
		}
		b.slots[h.frame] &^= 1 << h.slot
		if class == isa.ClassSTX {
			b.setReg(in.Src)
		}
	case class == isa.ClassJMP || class == isa.ClassJMP32:
		return e.backtrackJmp(in, pc, next, h)
	case class == isa.ClassLD:
		switch in.Mode() {
		case isa.ModeImm:
			b.clearReg(in.Dst)
			return true, 0
		case isa.ModeInd, isa.ModeAbs:
			if b.reg(in.Dst) {
				return true, errGiveUp
			}
			// The load left the function: its packet was too short.
			if next != pc+1 {
				return true, e.btEnter()
			}
			return true, 0
		}
	}
	return false, 0
}

func (e *env) btEnter() errno {
	if e.bt.frame == maxFrames-1 {
		return e.btBug("BUG subprog enter from frame %d\n", e.bt.frame)
	}
	e.bt.frame++
	return 0
}

func (e *env) btLeave() errno {
	if e.bt.frame == 0 {
		return e.btBug("BUG subprog exit from frame 0\n", 0)
	}
	e.bt.frame--
	return 0
}

func (e *env) backtrackJmp(in isa.Insn, pc, next int, h *histEntry) (done bool, err errno) {
	b := &e.bt
	switch {
	case isPseudoCall(in):
		sub := e.findSubprog(pc + int(in.Imm) + 1)
		if sub < 0 {
			return true, efault
		}
		if e.subprogGlobal(sub) {
			if b.regs[b.frame]&argRegs != 0 {
				return true, e.btBug("BUG regs %x\n", b.regs[b.frame])
			}
			b.clearReg(0)
			return true, 0
		}
		// Into a static function: its arguments are the caller's.
		if b.regs[b.frame]&^argRegs != 0 {
			return true, e.btBug("BUG regs %x\n", b.regs[b.frame])
		}
		if b.slots[b.frame] != 0 {
			return true, e.btBug("BUG stack slots %llx\n", b.slots[b.frame])
		}
		args := b.regs[b.frame] & argRegs
		b.regs[b.frame] &^= argRegs
		if b.frame > 0 {
			b.regs[b.frame-1] |= args
		}
		return true, e.btLeave()
	case e.syncCallbackAt(pc) && pc != next-1:
		// Into a callback: its arguments come from the helper.
		if b.regs[b.frame]&^argRegs != 0 {
			return true, e.btBug("BUG regs %x\n", b.regs[b.frame])
		}
		if b.slots[b.frame] != 0 {
			return true, e.btBug("BUG stack slots %llx\n", b.slots[b.frame])
		}
		b.regs[b.frame] &^= argRegs
		return true, e.btLeave()
	case in.JmpOp() == isa.JmpCall:
		if in.Src == isa.PseudoKfuncCall && in.Imm == 0 {
			return true, errGiveUp
		}
		b.clearReg(0)
		if b.regs[b.frame]&argRegs != 0 {
			return true, e.btBug("BUG regs %x\n", b.regs[b.frame])
		}
	case in.JmpOp() == isa.JmpExit:
		fromCall := next-1 >= 0 && isPseudoCall(e.insns[next-1])
		r0 := fromCall && b.reg(0)
		if fromCall && b.regs[b.frame]&argRegs != 0 {
			return true, e.btBug("BUG regs %x\n", b.regs[b.frame])
		}
		b.clearReg(0)
		if err := e.btEnter(); err != 0 {
			return true, err
		}
		if r0 {
			b.setReg(0)
		}
		return true, 0
	case in.Source() == isa.SrcX:
		if !b.reg(in.Dst) && !b.reg(in.Src) {
			return true, 0
		}
		// A comparison tells of both: both must be exact.
		if h == nil || h.flags&histSrcStack == 0 {
			b.setReg(in.Src)
		}
		if h == nil || h.flags&histDstStack == 0 {
			b.setReg(in.Dst)
		}
	}
	return false, 0
}

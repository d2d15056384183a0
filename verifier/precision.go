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
func (b *backtrack) setReg(i uint8)   { b.regs[b.frame] |= 1 << i }
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

// markPrecise notes that the exact value of a scalar register decides what
// follows: checkpoints on the path must be compared by it (mark_chain_precision).
func (e *env) markPrecise(regno int) errno {
	if !e.bpfCapable {
		return 0
	}
	e.bt.frame = e.cur.curframe
	if regno >= 0 {
		if e.cur.cur().Regs[regno].Type != ScalarValue {
			return efault
		}
		e.bt.regs[e.bt.frame] |= 1 << regno
	}
	return e.markPreciseSet()
}

// markPreciseSet goes back over the path with the set in bt.
func (e *env) markPreciseSet() errno {
	b := &e.bt
	if b.empty() {
		return 0
	}
	st := e.cur
	first, last, next := st.firstInsn, e.insnIdx, -1
	skip := true
	for {
		start, end := st.histStart, st.histEnd
		if e.log.level&LogLevel2 != 0 {
			e.logf("mark_precise: frame%d: last_idx %d first_idx %d subseq_idx %d \n", b.frame, last, first, next)
		}
		if last < 0 {
			return e.preciseEntry(st)
		}
		for i := last; ; {
			var err errno
			if skip {
				skip = false
			} else {
				err = e.backtrackInsn(i, next, e.histAt(start, end, i))
			}
			if err == errGiveUp {
				e.allPrecise(e.cur)
				*b = backtrack{}
				return 0
			}
			if err != 0 {
				return err
			}
			if b.empty() {
				return 0
			}
			next = i
			p, ok := e.prevOnPath(st, i, start, &end)
			if !ok {
				break
			}
			if p >= len(e.insns) || p < 0 {
				return e.btBug("BUG backtracking idx %d\n", p)
			}
			i = p
		}
		st = st.parent
		if st == nil {
			break
		}
		if err := e.preciseParent(st); err != 0 {
			return err
		}
		if b.empty() {
			return 0
		}
		next, last, first = first, st.lastInsn, st.firstInsn
	}
	if !b.empty() {
		e.allPrecise(e.cur)
		*b = backtrack{}
	}
	return 0
}

// preciseEntry ends at the entry of a global function, whose arguments are
// precise then.
func (e *env) preciseEntry(st *State) errno {
	b := &e.bt
	f := st.frame[0]
	if st.curframe == 0 && f.Subprog > 0 && f.Callsite == mainCallsite &&
		b.slots[b.frame] == 0 && b.regs[b.frame]&^argRegs == 0 {
		for m := b.regs[b.frame]; m != 0; m &= m - 1 {
			if r := &f.Regs[bits.TrailingZeros32(m)]; r.Type == ScalarValue {
				r.Precise = true
			}
		}
		b.regs[b.frame] = 0
		return 0
	}
	e.logf("BUG backtracking func entry subprog %d reg_mask %x stack_mask %llx\n", f.Subprog, b.regs[b.frame], b.slots[b.frame])
	return efault
}

// preciseParent marks the set in a checkpoint; what is precise there already
// leaves the set.
func (e *env) preciseParent(st *State) errno {
	b := &e.bt
	for fr := b.frame; fr >= 0; fr-- {
		f := st.frame[fr]
		for m := b.regs[fr]; m != 0; m &= m - 1 {
			i := bits.TrailingZeros32(m)
			r := &f.Regs[i]
			if r.Type != ScalarValue || r.Precise {
				b.regs[fr] &^= 1 << i
				continue
			}
			r.Precise = true
			if e.tracer != nil {
				e.tracer.Trace(&Event{Kind: EventMark, Insn: e.insnIdx, Prev: e.prevInsn, State: st, Frame: fr, Reg: i})
			}
		}
		for m := b.slots[fr]; m != 0; m &= m - 1 {
			i := bits.TrailingZeros64(m)
			if i >= len(f.Stack) {
				e.logf("BUG backtracking (stack slot %d, total slots %d)\n", i, len(f.Stack))
				return efault
			}
			s := &f.Stack[i]
			if !s.isSpilledScalar() || s.Reg.Precise {
				b.slots[fr] &^= 1 << i
				continue
			}
			s.Reg.Precise = true
			if e.tracer != nil {
				e.tracer.Trace(&Event{Kind: EventMark, Insn: e.insnIdx, Prev: e.prevInsn, State: st, Frame: fr, Reg: -1 - i})
			}
		}
		if e.log.level&LogLevel2 != 0 {
			e.logMasks(fr, "parent state ")
			e.logs(": ")
			e.printState(f)
		}
	}
	return 0
}

// allPrecise gives up: everything on the path is precise
// (mark_all_scalars_precise).
func (e *env) allPrecise(st *State) {
	log := e.log.level&LogLevel2 != 0
	if log {
		e.logf("mark_precise: frame%d: falling back to forcing all scalars precise\n", st.curframe)
	}
	for st = st.parent; st != nil; st = st.parent {
		for i, f := range st.Frames() {
			for j := 0; j < fpReg; j++ {
				if r := &f.Regs[j]; r.Type == ScalarValue && !r.Precise {
					r.Precise = true
					if log {
						e.logf("force_precise: frame%d: forcing r%d to be precise\n", i, j)
					}
				}
			}
			for j := range f.Stack {
				if s := &f.Stack[j]; s.isSpilledScalar() && !s.Reg.Precise {
					s.Reg.Precise = true
					if log {
						e.logf("force_precise: frame%d: forcing fp%d to be precise\n", i, -(j+1)*regSize)
					}
				}
			}
		}
	}
}

// forgetPrecise makes the scalars of a new checkpoint imprecise: what follows
// decides again (mark_all_scalars_imprecise).
func forgetPrecise(st *State) {
	for _, f := range st.Frames() {
		for j := 0; j < fpReg; j++ {
			if r := &f.Regs[j]; r.Type == ScalarValue {
				r.Precise = false
			}
		}
		for j := range f.Stack {
			if s := &f.Stack[j]; s.isSpilledScalar() {
				s.Reg.Precise = false
			}
		}
	}
}

// propagatePrecise makes precise on the current path what is in old, which
// covers it (propagate_precision).
func (e *env) propagatePrecise(old *State) errno {
	log := e.log.level&LogLevel2 != 0
	for fr := old.curframe; fr >= 0; fr-- {
		f := old.frame[fr]
		first := true
		note := func(format string, n int) {
			if log {
				if first {
					e.logf("frame %d: propagating ", fr)
				} else {
					e.logs(",")
				}
				e.logf(format, n)
			}
			first = false
		}
		for i := 0; i < fpReg; i++ {
			if r := &f.Regs[i]; r.Type == ScalarValue && r.Precise && r.live&liveRead != 0 {
				note("r%d", i)
				e.bt.regs[fr] |= 1 << i
			}
		}
		for i := range f.Stack {
			if s := &f.Stack[i]; s.isSpilledScalar() && s.Reg.Precise && s.Reg.live&liveRead != 0 {
				note("fp%d", -(i+1)*regSize)
				e.bt.slots[fr] |= 1 << i
			}
		}
		if !first {
			e.logs("\n")
		}
	}
	if !e.bpfCapable {
		return 0
	}
	e.bt.frame = e.cur.curframe
	return e.markPreciseSet()
}

package verifier

import (
	"math"

	"skep/vm/isa"
	"skep/vm/maps"
)

// Facts is what a verification has proved of an accepted program beyond that it
// is safe: what a compiler may rely on. Each fact is about an instruction slot
// and holds every time that the instruction runs, on paths that were walked and
// on those that a checkpoint covered. Lists are in ascending order.
//
// They hold for programs run as the kernel runs them, with the maps as they were
// verified (the contents of frozen ones) and not more CPUs than Config.CPUs.
type Facts struct {
	// Checked are the loads, stores and atomic operations that are not proved to
	// stay in memory of the program's own: stack, context, packet, map values,
	// reserved records. Those reach kernel objects, of which a simulator may
	// have less, or were never walked.
	Checked []int
	// NonZero are the divisions and remainders by a register whose divisor is not
	// zero: of 32-bit ones the lower half.
	NonZero []int
	// Narrow are the unsigned 64-bit divisions and remainders of which both
	// operands fit 32 bits.
	Narrow []int
	// Always and Never are the conditional jumps that are always taken, and
	// never.
	Always, Never []int
	// Dead are the slots of instructions that nothing leads to, jumps that are
	// never taken left out.
	Dead []int
	// Keys are the lookups in arrays by a key that is always the same, Index
	// those by one that is always below the number of elements: they do not give
	// NULL. Arrays are maps of type array and percpu_array.
	Keys  []ConstKey
	Index []int
	// Alone: functions of the program make no tail call, so that none begins in
	// another than the first frame by it. Of programs that call each other it
	// must hold for all.
	Alone bool
}

// ConstKey is a call of bpf_map_lookup_elem in an array by the index Key.
type ConstKey struct {
	Slot int
	Key  uint32
}

// learnt is what the walks so far say of an instruction.
type learnt uint16

const (
	learntAccess   learnt = 1 << iota // it accessed memory
	learntForeign                     // not always of the program's own
	learntFell                        // the way behind a comparison was walked
	learntJumped                      // the other one was
	learntDivision                    // it divided
	learntZero                        // perhaps by zero
	learntWide                        // perhaps by, or of, more than 32 bits
	learntLookup                      // it looked up an element of an array
	learntKeys                        // perhaps by several keys
	learntBeyond                      // perhaps behind the last
)

// learner collects facts during a verification.
//
// A verification compares numbers only where they matter for safety: a path
// ends at a checkpoint although a number differs that no access depends on.
// What is learnt of accesses and comparisons is true of such paths too, since
// the verifier has marked what decides them as precise. What is learnt of
// divisors and keys is not. It is learnt twice: the first walk says which of
// them could be facts, the second marks precise what these depend on and
// confirms them.
type learner struct {
	insns   []learnt
	keys    []uint32
	tail    bool     // a function makes a tail call
	confirm []learnt // of the first walk; nil in that
}

func newLearner(n int, first *learner) *learner {
	l := &learner{insns: make([]learnt, n), keys: make([]uint32, n)}
	if first != nil {
		l.confirm = first.insns
	}
	return l
}

// may reports whether something can still be a fact of an instruction.
func (l *learner) may(pc int, against learnt) bool {
	return l.insns[pc]&against == 0 && (l.confirm == nil || l.confirm[pc]&against == 0)
}

// doubtful reports whether there is anything for a second walk to confirm.
func (l *learner) doubtful() bool {
	for pc, k := range l.insns {
		if k&learntDivision != 0 && !l.all(pc, learntZero|learntWide) || k&learntLookup != 0 && !l.all(pc, learntKeys|learntBeyond) {
			return true
		}
	}
	return false
}

// all reports whether all of these doubts have come true.
func (l *learner) all(pc int, doubts learnt) bool { return l.insns[pc]&doubts == doubts }

// learning is the learner while a path is walked that a processor may take.
func (e *env) learning() *learner {
	if e.learner == nil || e.cur.speculative {
		return nil
	}
	return e.learner
}

// learnAccess notes an access through a pointer of type t.
func (e *env) learnAccess(t RegType) {
	if l := e.learning(); l != nil {
		l.insns[e.insnIdx] |= learntAccess
		if !e.ownMemory(t) {
			l.insns[e.insnIdx] |= learntForeign
		}
	}
}

// ownMemory reports whether memory is the program's own: any machine that runs
// it has all of what the verifier thinks is there.
func (e *env) ownMemory(t RegType) bool {
	switch t {
	case PtrToStack, PtrToMapValue, PtrToMapKey, PtrToPacket, PtrToPacketMeta:
		return true
	case PtrToCtx: // of a fixed layout
		return e.prog.Type.Layout(false) != nil
	}
	return t.Base() == PtrToMem && t&MemRdonly == 0 // those that may only be read can be variables of the kernel
}

// learnBranch notes the ways that a comparison went. That a kernel object is
// there is not told: it may be one that a simulator does not have.
func (e *env) learnBranch(dst, src *RegState, taken outcome) {
	l := e.learning()
	if l == nil {
		return
	}
	if dst.Type.Base() == PtrToBTFID || src.Type.Base() == PtrToBTFID {
		taken = unknownBranch
	}
	if taken != alwaysTaken {
		l.insns[e.insnIdx] |= learntFell
	}
	if taken != neverTaken {
		l.insns[e.insnIdx] |= learntJumped
	}
}

// learnDivision notes the operands of a division or remainder, whose registers
// have been checked.
func (e *env) learnDivision(in isa.Insn) errno {
	l := e.learning()
	if l == nil {
		return 0
	}
	pc := e.insnIdx
	alu32, srcX := in.Class() == isa.ClassALU, in.Source() == isa.SrcX
	dst, src := &e.regs()[in.Dst], &e.fake[0]
	*src = RegState{RegHead: RegHead{Type: ScalarValue}}
	src.Bounds.setConst(uint64(int64(in.Imm)))
	if srcX {
		src = &e.regs()[in.Src]
	}
	l.insns[pc] |= learntDivision
	if !srcX || src.Type != ScalarValue || src.mayBeZero(alu32) {
		l.insns[pc] |= learntZero
	}
	if alu32 || in.Off != 0 || dst.Type != ScalarValue || src.Type != ScalarValue || dst.UMax > math.MaxUint32 || src.UMax > math.MaxUint32 {
		l.insns[pc] |= learntWide
	}
	if l.confirm == nil {
		return 0
	}
	narrow := l.may(pc, learntWide)
	if narrow {
		if err := e.markPrecise(int(in.Dst)); err != 0 {
			return err
		}
	}
	if srcX && (narrow || l.may(pc, learntZero)) {
		return e.markPrecise(int(in.Src))
	}
	return 0
}

// mayBeZero reports whether zero is among the values, of the lower half.
func (b *Bounds) mayBeZero(lower bool) bool {
	v := b.view(lower)
	return v.umin == 0 && v.smin <= 0 && v.smax >= 0 && v.bits.Value == 0
}

// learnKey notes the key of a lookup: what keyOf has said before the check of
// the arguments, which makes plain bytes of it.
func (e *env) learnKey(m *callMeta, k key) errno {
	l := e.learning()
	mp := e.mapOf(m.mapHandle)
	if l == nil || m.fn != fnMapLookupElem || mp == nil || mp.Type != maps.Array && mp.Type != maps.PerCPUArray {
		return 0
	}
	pc := e.insnIdx
	if k.lo != k.hi || l.insns[pc]&learntLookup != 0 && l.keys[pc] != k.lo {
		l.insns[pc] |= learntKeys
	}
	if k.hi >= mp.MaxEntries {
		l.insns[pc] |= learntBeyond
	}
	l.insns[pc] |= learntLookup
	l.keys[pc] = k.lo
	if l.confirm == nil || k.frame == nil || !e.bpfCapable || !l.may(pc, learntKeys) && !l.may(pc, learntBeyond) {
		return 0
	}
	e.bt.frame = e.cur.curframe
	e.bt.slots[k.frame.FrameNo] |= 1 << k.spi
	return e.markPreciseSet()
}

// key is what is known of a key of four bytes: its range, and the stack slot
// with the number that it is, nil for no such slot.
type key struct {
	lo, hi uint32
	frame  *FuncState
	spi    int
}

// keyOf is the key of a lookup that is about to be checked
// (get_constant_map_key, of later kernels, and more).
func (e *env) keyOf(fn int32) key {
	unknown := key{hi: math.MaxUint32}
	if fn != fnMapLookupElem || e.learning() == nil {
		return unknown
	}
	r := &e.regs()[2]
	if r.Type != PtrToStack || !r.VarOff.IsConst() {
		return unknown
	}
	f := e.fn(r)
	off := int(r.Off) + int(int64(r.VarOff.Value))
	if off >= 0 || spiOf(off) >= len(f.Stack) {
		return unknown
	}
	spi := spiOf(off)
	s, at := &f.Stack[spi], slotIndex(off, 0)
	if at < 3 { // it goes on in the next slot
		return unknown
	}
	zeros, spilled := 0, 0
	for _, t := range s.Types[at-3 : at+1] {
		switch t {
		case SlotZero:
			zeros++
		case SlotSpill:
			spilled++
		}
	}
	switch v := &s.Reg.Bounds; {
	case zeros == 4:
		return key{}
	case spilled < 4 || !s.isSpilledScalar():
		return unknown
	case at == regSize-1:
		return key{v.U32Min, v.U32Max, f, spi}
	case v.VarOff.IsConst():
		n := uint32(v.VarOff.Value >> (8 * (regSize - 1 - at)))
		return key{n, n, f, spi}
	}
	return unknown
}

// learnTailCall notes a tail call.
func (e *env) learnTailCall() {
	if l := e.learning(); l != nil && e.subprogAt(e.insnIdx) != 0 {
		l.tail = true
	}
}

// collectFacts does the second walk if there is something to confirm. A
// program that is too large for that has the facts of the first.
func (e *env) collectFacts() (*Facts, errno) {
	if !e.learner.doubtful() {
		return e.facts(nil), 0
	}
	cfg := *e.cfg
	cfg.LogLevel, cfg.Tracer = 0, nil
	second := newEnv(e.prog, &cfg)
	second.learner = newLearner(len(e.insns), e.learner)
	switch err := second.verify(); err {
	case 0:
		return e.facts(second.learner), 0
	case ecanceled:
		return nil, err
	}
	return e.facts(nil), 0
}

// facts puts together what the first walk has learnt and, of what needs a
// second one, what that has confirmed; sure is nil when it confirmed nothing.
func (e *env) facts(sure *learner) *Facts {
	l := e.learner
	f := &Facts{Alone: !l.tail}
	for pc := 0; pc < len(e.insns); pc++ {
		in, k := e.insns[pc], l.insns[pc]
		switch in.Class() {
		case isa.ClassLDX, isa.ClassST, isa.ClassSTX:
			if k&(learntAccess|learntForeign) != learntAccess {
				f.Checked = append(f.Checked, pc)
			}
		}
		switch k & (learntFell | learntJumped) {
		case learntFell:
			f.Never = append(f.Never, pc)
		case learntJumped:
			f.Always = append(f.Always, pc)
		}
		if sure != nil {
			f.confirmed(pc, sure)
		}
		if in.IsWide() {
			pc++
		}
	}
	f.Dead = e.deadSlots()
	return f
}

func (f *Facts) confirmed(pc int, sure *learner) {
	k := sure.insns[pc]
	if k&learntDivision != 0 {
		if sure.may(pc, learntZero) {
			f.NonZero = append(f.NonZero, pc)
		}
		if sure.may(pc, learntWide) {
			f.Narrow = append(f.Narrow, pc)
		}
	}
	if k&learntLookup != 0 {
		if sure.may(pc, learntKeys) {
			f.Keys = append(f.Keys, ConstKey{pc, sure.keys[pc]})
		}
		if sure.may(pc, learntBeyond) {
			f.Index = append(f.Index, pc)
		}
	}
}

// deadSlots are the slots that no way leads to along what was learnt of
// comparisons.
func (e *env) deadSlots() []int {
	reached := make([]bool, len(e.insns)+1)
	todo := []int{0}
	if e.exCB != 0 {
		todo = append(todo, e.subprogs[e.exCB].start)
	}
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if pc < 0 || pc >= len(e.insns) || reached[pc] {
			continue
		}
		reached[pc] = true
		in := e.insns[pc]
		through := pc + 1
		switch {
		case in.IsWide():
			reached[pc+1] = true
			through = pc + 2
			if in.Src == isa.PseudoFunc {
				todo = append(todo, pc+1+int(in.Imm))
			}
		case isPseudoCall(in):
			todo = append(todo, pc+1+int(in.Imm))
		case in.Class() == isa.ClassJMP32 && in.JmpOp() == isa.JmpA:
			through = pc + 1 + int(in.Imm)
		case in.Class() != isa.ClassJMP && in.Class() != isa.ClassJMP32 || isCall(in):
		case in.JmpOp() == isa.JmpA:
			through = pc + 1 + int(in.Off)
		case in.JmpOp() == isa.JmpExit:
			continue
		default:
			k := e.learner.insns[pc] & (learntFell | learntJumped)
			if k != learntFell {
				todo = append(todo, pc+1+int(in.Off))
			}
			if k == learntJumped {
				continue
			}
		}
		todo = append(todo, through)
	}
	var dead []int
	for pc := range e.insns {
		if !reached[pc] {
			dead = append(dead, pc)
		}
	}
	return dead
}

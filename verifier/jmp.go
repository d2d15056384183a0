package verifier

import "skep/vm/isa"

// Packet ranges below zero: the pointer is at or behind data_end.
const (
	atPktEnd     = -1
	beyondPktEnd = -2
)

// branchTaken says what a comparison of two registers gives, if that is known
// (is_branch_taken).
func branchTaken(a, b *RegState, op uint8, jmp32 bool) outcome {
	if !jmp32 && a.Type.isPktAny() && b.Type.isPktAny() {
		return pktBranchTaken(a, b, op)
	}
	if a.Type != ScalarValue || b.Type != ScalarValue {
		if jmp32 {
			return unknownBranch
		}
		if !b.isConstScalar(false) {
			a, b = b, a
			op = flipJmp(op)
		}
		if !b.isConstScalar(false) || !a.notNull() || b.VarOff.Value != 0 {
			return unknownBranch
		}
		switch op {
		case isa.JmpEq:
			return neverTaken
		case isa.JmpNe:
			return alwaysTaken
		}
		return unknownBranch
	}
	return compare(&a.Bounds, &b.Bounds, op, jmp32)
}

// pktBranchTaken is is_pkt_ptr_branch_taken.
func pktBranchTaken(dst, src *RegState, op uint8) outcome {
	pkt := dst
	switch {
	case src.Type == PtrToPacketEnd:
	case dst.Type == PtrToPacketEnd:
		pkt, op = src, flipJmp(op)
	default:
		return unknownBranch
	}
	n := pkt.pktRange()
	if n >= 0 {
		return unknownBranch
	}
	switch op {
	case isa.JmpLe, isa.JmpGt:
		if n == beyondPktEnd {
			return decided(op == isa.JmpGt)
		}
	case isa.JmpLt, isa.JmpGe:
		if n == beyondPktEnd || n == atPktEnd {
			return decided(op == isa.JmpGe)
		}
	}
	return unknownBranch
}

// checkCondJmp is check_cond_jmp_op.
func (e *env) checkCondJmp(in isa.Insn) errno {
	op := in.JmpOp()
	if op > isa.JmpCond {
		e.logf("invalid BPF_JMP/JMP32 opcode %x\n", op)
		return einval
	}
	if op == isa.JmpCond {
		return e.checkMayGoto(in)
	}
	this := e.cur
	regs := e.regs()
	if err := e.checkReg(int(in.Dst), srcOp); err != 0 {
		return err
	}
	dst := &regs[in.Dst]
	srcX := in.Source() == isa.SrcX
	src := &e.fake[0]
	var flags uint8
	if srcX {
		if in.Imm != 0 {
			e.logs("BPF_JMP/JMP32 uses reserved fields\n")
			return einval
		}
		if err := e.checkReg(int(in.Src), srcOp); err != 0 {
			return err
		}
		src = &regs[in.Src]
		if !(dst.Type.isPktAny() && src.Type.isPktAny()) && e.isPointer(int(in.Src)) {
			e.logf("R%d pointer comparison prohibited\n", in.Src)
			e.traceRefused(CheckKindNoLeak, int(in.Src), "a comparison")
			return eacces
		}
		if src.Type == PtrToStack {
			flags |= histSrcStack
		}
	} else {
		if in.Src != 0 {
			e.logs("BPF_JMP/JMP32 uses reserved fields\n")
			return einval
		}
		*src = RegState{RegHead: RegHead{Type: ScalarValue}}
		src.Bounds.setConst(uint64(int64(in.Imm)))
	}
	if dst.Type == PtrToStack {
		flags |= histDstStack
	}
	if flags != 0 {
		e.pushHistory(flags, 0)
	}
	jmp32 := in.Class() == isa.ClassJMP32
	if taken := branchTaken(dst, src, op, jmp32); taken != unknownBranch {
		return e.takeBranch(in, dst, src, taken)
	}
	return e.forkBranch(in, this, dst, src, op, jmp32)
}

// takeBranch goes the only way that a comparison can.
func (e *env) takeBranch(in isa.Insn, dst, src *RegState, taken outcome) errno {
	if dst.Type == ScalarValue {
		if err := e.markPrecise(int(in.Dst)); err != 0 {
			return err
		}
	}
	if in.Source() == isa.SrcX && src.Type == ScalarValue {
		if err := e.markPrecise(int(in.Src)); err != 0 {
			return err
		}
	}
	e.learnBranch(dst, src, taken)
	other := e.insnIdx + 1
	if taken == neverTaken {
		other += int(in.Off)
	}
	if !e.bypassSpecV1 {
		if err := e.pushSpeculative(&in, other, e.insnIdx); err != 0 {
			return err
		}
	}
	if e.log.level&logLevelAny != 0 {
		e.printInsnState()
	}
	if taken == alwaysTaken {
		e.insnIdx += int(in.Off)
	}
	return 0
}

// forkBranch goes on with the comparison being false and queues the other way.
func (e *env) forkBranch(in isa.Insn, this *State, dst, src *RegState, op uint8, jmp32 bool) errno {
	e.learnBranch(dst, src, unknownBranch)
	srcX := in.Source() == isa.SrcX
	var linked linkedRegs
	if srcX && src.Type == ScalarValue && src.ID != 0 {
		collectLinked(this, src.ID, &linked)
	}
	if dst.Type == ScalarValue && dst.ID != 0 {
		collectLinked(this, dst.ID, &linked)
	}
	if linked.n > 1 {
		e.pushLinked(&linked)
	}
	other, err := e.push(e.insnIdx+int(in.Off)+1, e.insnIdx, false)
	if err != 0 {
		return err
	}
	oregs := &other.cur().Regs
	odst, osrc := &oregs[in.Dst], &e.fake[0]
	fsrc := src
	if srcX {
		osrc = &oregs[in.Src]
	} else {
		e.fake[1] = e.fake[0]
		fsrc = &e.fake[1]
	}
	e.watchBranch(dst, src)
	if err := e.setMinMax(odst, osrc, dst, fsrc, op, jmp32); err != 0 {
		return err
	}
	if srcX && src.Type == ScalarValue && src.ID != 0 && src.ID == osrc.ID {
		e.syncLinked(this, src, &linked)
		e.syncLinked(other, osrc, &linked)
	}
	if dst.Type == ScalarValue && dst.ID != 0 && dst.ID == odst.ID {
		e.syncLinked(this, dst, &linked)
		e.syncLinked(other, odst, &linked)
	}
	e.equalPointers(in, dst, src, oregs, op, jmp32)
	if !jmp32 && !srcX && in.Imm == 0 && (op == isa.JmpEq || op == isa.JmpNe) && dst.Type.MayBeNull() {
		e.markPtrOrNull(this, int(in.Dst), op == isa.JmpNe)
		e.markPtrOrNull(other, int(in.Dst), op == isa.JmpEq)
	} else if !matchPkt(in, dst, &e.regs()[in.Src], this, other) && e.isPointer(int(in.Dst)) {
		e.logf("R%d pointer comparison prohibited\n", in.Dst)
		e.traceRefused(CheckKindNoLeak, int(in.Dst), "a comparison")
		return eacces
	}
	e.noteNoFact(in, op, jmp32, dst, src, odst, osrc)
	if e.log.level&logLevelAny != 0 {
		e.printInsnState()
	}
	return 0
}

// setMinMax narrows both ways of a comparison (reg_set_min_max).
func (e *env) setMinMax(t1, t2, f1, f2 *RegState, op uint8, jmp32 bool) errno {
	if f1.Type != ScalarValue || f2.Type != ScalarValue {
		return 0
	}
	refine(&f1.Bounds, &f2.Bounds, negateJmp(op), jmp32)
	f1.sync()
	f2.sync()
	refine(&t1.Bounds, &t2.Bounds, op, jmp32)
	t1.sync()
	t2.sync()
	for _, c := range [...]struct {
		r    *RegState
		name string
	}{{t1, "true_reg1"}, {t2, "true_reg2"}, {f1, "false_reg1"}, {f2, "false_reg2"}} {
		if err := e.sanity(c.r, c.name); err != 0 {
			return err
		}
	}
	return 0
}

// equalPointers: a pointer that equals one that is not NULL is not NULL.
func (e *env) equalPointers(in isa.Insn, dst, src *RegState, other *[numRegs]RegState, op uint8, jmp32 bool) {
	if jmp32 || in.Source() != isa.SrcX || src.Type == ScalarValue || dst.Type == ScalarValue ||
		src.Type.Base() == PtrToBTFID || dst.Type.Base() == PtrToBTFID {
		return
	}
	eq := e.regs()
	switch op {
	case isa.JmpEq:
		eq = other
	case isa.JmpNe:
	default:
		return
	}
	if dst.notNull() && src.Type.MayBeNull() {
		e.markNotNull(&eq[in.Src])
	}
	if src.notNull() && dst.Type.MayBeNull() {
		e.markNotNull(&eq[in.Dst])
	}
}

// markNotNull is mark_ptr_not_null_reg.
func (e *env) markNotNull(r *RegState) {
	if r.Type.Base() != PtrToMapValue {
		r.Type &^= PtrMaybeNull
		return
	}
	m := e.mapOf(r.mapHandle())
	switch {
	case m == nil:
		r.Type = PtrToMapValue
	case m.inner != 0:
		r.Type = ConstPtrToMap
		r.A = m.inner
		if in := e.mapOf(m.inner); in.rec.has(fieldTimer | fieldWorkqueue) {
			r.B = r.ID
		}
	default:
		r.Type = valueType(m.Type)
	}
}

// markPtrOrNull gives all pointers of one ID the outcome of the NULL check of
// one of them (mark_ptr_or_null_regs).
func (e *env) markPtrOrNull(st *State, regno int, isNull bool) {
	f := st.cur()
	id, ref := f.Regs[regno].ID, f.Regs[regno].RefObjID
	if ref != 0 && ref == id && isNull {
		releaseRef(f, id)
	}
	st.forEachReg(func(r *RegState) {
		if !r.Type.MayBeNull() || r.ID != id || id == 0 && r.Type&MemRCU == 0 {
			return
		}
		if r.SMin != 0 || r.SMax != 0 || !r.VarOff.Is(0) {
			return
		}
		if !r.Type.isAllocObj() && r.Off != 0 {
			return
		}
		if isNull {
			r.Type = ScalarValue
			r.ID, r.RefObjID = 0, 0
			return
		}
		e.markNotNull(r)
		// The ID of what holds a lock says which lock.
		if !e.record(r).has(fieldSpinLock) {
			r.ID = 0
		}
	})
}

// checkMayGoto is a jump that is taken when the program ran too long.
func (e *env) checkMayGoto(in isa.Insn) errno {
	if in.Op != isa.ClassJMP|isa.JmpCond || in.Src != 0 || in.Dst != 0 || in.Imm != 0 || in.Off == 0 {
		e.logf("invalid may_goto off %d imm %d\n", in.Off, in.Imm)
		return einval
	}
	var prev *State
	if e.cur.parent != nil {
		prev = e.findPrevEntry(e.cur.parent, e.insnIdx)
	}
	st, err := e.push(e.insnIdx+1, e.insnIdx, false)
	if err != 0 {
		return err
	}
	st.mayGotoDepth++
	if prev != nil {
		e.widen(prev, st)
	}
	e.insnIdx += int(in.Off)
	return 0
}

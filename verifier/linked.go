package verifier

import "skep/vm/isa"

// collectLinked adds the scalars of an ID; more than fit lose their tie
// (collect_linked_regs).
func collectLinked(st *State, id uint32, l *linkedRegs) {
	id &^= addConst
	add := func(r *RegState, frame, index int, isReg bool) {
		if r.Type != ScalarValue || r.ID&^addConst != id {
			return
		}
		if l.n < maxLinked {
			l.reg[l.n] = linkedReg{uint8(frame), uint8(index), isReg}
			l.n++
		} else {
			r.clearScalarID()
		}
	}
	for i := st.curframe; i >= 0; i-- {
		f := st.frame[i]
		for j := 0; j < fpReg; j++ {
			add(&f.Regs[j], i, j, true)
		}
		for j := range f.Stack {
			if f.Stack[j].isSpilled() {
				add(&f.Stack[j].Reg, i, j, false)
			}
		}
	}
}

// syncLinked gives the scalars tied to known what was learnt of it
// (sync_linked_regs).
func (e *env) syncLinked(st *State, known *RegState, l *linkedRegs) {
	for _, x := range l.reg[:l.n] {
		var r *RegState
		if x.isReg {
			r = &st.frame[x.frame].Regs[x.index]
		} else {
			r = &st.frame[x.frame].Stack[x.index].Reg
		}
		if r.Type != ScalarValue || r == known || r.ID&^addConst != known.ID&^addConst {
			continue
		}
		def := r.subregDef
		if r.ID&addConst == 0 && known.ID&addConst == 0 || r.Off == known.Off {
			r.copyFrom(known)
			r.subregDef = def
		} else {
			var diff Bounds
			diff.setConst(uint64(int64(r.Off - known.Off)))
			off, id := r.Off, r.ID
			r.copyFrom(known)
			r.Off, r.ID, r.subregDef = off, id, def
			r.addRanges(&diff)
			r.VarOff = r.VarOff.Add(diff.VarOff)
		}
	}
}

// goodPkt makes the bytes up to the pointer accessible through all pointers of
// its ID (find_good_pkt_pointers).
func goodPkt(st *State, p *RegState, rightOpen bool) {
	if p.Off < 0 || p.Off == 0 && rightOpen {
		return
	}
	if p.UMax > maxPacketOff || p.UMax+uint64(p.Off) > maxPacketOff {
		return
	}
	n := int(p.Off)
	if rightOpen {
		n++
	}
	t, id := p.Type, p.ID
	st.forEachReg(func(r *RegState) {
		if r.Type == t && r.ID == id {
			r.setPktRange(max(r.pktRange(), n))
		}
	})
}

func markPktEnd(st *State, regno int, open bool) {
	r := &st.cur().Regs[regno]
	if r.Type != PtrToPacket {
		return
	}
	if open {
		r.setPktRange(beyondPktEnd)
	} else {
		r.setPktRange(atPktEnd)
	}
}

// matchPkt recognizes comparisons with the packet's end, or of metadata with
// its start, and notes what they prove (try_match_pkt_pointers).
func matchPkt(in isa.Insn, dst, src *RegState, this, other *State) bool {
	if in.Source() != isa.SrcX || in.Class() == isa.ClassJMP32 {
		return false
	}
	ptr, reg := dst, int(in.Dst)
	op := in.JmpOp()
	switch {
	case dst.Type == PtrToPacket && src.Type == PtrToPacketEnd,
		dst.Type == PtrToPacketMeta && src.pointsAt0(PtrToPacket):
	case dst.Type == PtrToPacketEnd && src.Type == PtrToPacket,
		dst.pointsAt0(PtrToPacket) && src.Type == PtrToPacketMeta:
		ptr, reg, op = src, int(in.Src), flipJmp(op)
	default:
		return false
	}
	switch op {
	case isa.JmpGt: // ptr > end: false proves ptr <= end
		goodPkt(this, ptr, false)
		markPktEnd(other, reg, true)
	case isa.JmpLt: // true proves ptr < end
		goodPkt(other, ptr, true)
		markPktEnd(this, reg, false)
	case isa.JmpGe:
		goodPkt(this, ptr, true)
		markPktEnd(other, reg, false)
	case isa.JmpLe:
		goodPkt(other, ptr, false)
		markPktEnd(this, reg, true)
	default:
		return false
	}
	return true
}

package verifier

import "skep/vm/isa"

// branchWatch remembers both sides of a comparison, to see afterwards whether
// it taught anything.
type branchWatch struct{ dst, src RegState }

// watchBranch begins to watch; with a tracer only.
func (e *env) watchBranch(dst, src *RegState) {
	if e.tracer != nil {
		e.watch.dst, e.watch.src = *dst, *src
	}
}

// noteNoFact tells the tracer when neither way of a comparison knows more than
// before: this and other are the registers of both ways.
func (e *env) noteNoFact(in isa.Insn, op uint8, jmp32 bool, dst, src, odst, osrc *RegState) {
	if e.tracer == nil {
		return
	}
	w := &e.watch
	packet := w.dst.Type.isPktAny() && in.Source() == isa.SrcX && w.src.Type.isPktAny()
	unchanged := func(a, b *RegState) bool {
		if packet { // that it is behind the end is no byte that can be read
			return a.pktRange() >= b.pktRange() || !b.Type.isPkt()
		}
		return a.RegHead == b.RegHead && a.Bounds == b.Bounds && a.ID == b.ID
	}
	if !unchanged(&w.dst, dst) || !unchanged(&w.dst, odst) ||
		in.Source() == isa.SrcX && (!unchanged(&w.src, src) || !unchanged(&w.src, osrc)) {
		return
	}
	reg, kind, num := int(in.Dst), NoFactKindNotTracked, int64(0)
	switch {
	case w.dst.Type == ScalarValue && w.src.Type == ScalarValue:
		switch {
		case (op == isa.JmpEq || op == isa.JmpNe) && (w.src.isConstScalar(jmp32) || w.dst.isConstScalar(jmp32)):
			kind = NoFactKindMiddle
		case op == isa.JmpSet && w.src.isConstScalar(jmp32):
			kind = NoFactKindManyBits
		default:
			kind = NoFactKindTwoUnknowns
		}
	case packet:
		kind, reg, num = e.noPacketFact(in, op, jmp32)
	}
	e.trace(Event{Kind: EventNoFact, Insn: e.insnIdx, State: e.cur, Reg: reg, NoFact: kind, Num: num})
}

// noPacketFact is why a comparison of packet pointers proved no bytes.
func (e *env) noPacketFact(in isa.Insn, op uint8, jmp32 bool) (kind NoFactKind, reg int, num int64) {
	p, reg := &e.watch.dst, int(in.Dst)
	if !p.Type.isPkt() || p.pointsAt0(PtrToPacket) && e.watch.src.Type == PtrToPacketMeta {
		p, reg = &e.watch.src, int(in.Src)
	}
	largest := satAdd(satU64(p.UMax), int64(p.Off))
	switch {
	case jmp32:
		return NoFactKindNarrow, reg, 0
	case op == isa.JmpEq || op == isa.JmpNe || op == isa.JmpSet || op == isa.JmpSgt || op == isa.JmpSge || op == isa.JmpSlt || op == isa.JmpSle:
		return NoFactKindNotTracked, reg, 0
	case p.Off < 0 || largest > maxPacketOff:
		return NoFactKindOffsetTooLarge, reg, largest
	case p.Off == 0:
		return NoFactKindNothingProved, reg, 0
	}
	return NoFactKindKnownBefore, reg, int64(p.pktRange())
}

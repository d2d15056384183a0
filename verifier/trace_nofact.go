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

// noteNoFact tells the tracer when a comparison left what is known as it was:
// on both ways, or of numbers on one of them. dst and src are the registers
// where it does not hold, odst and osrc where it holds.
func (e *env) noteNoFact(in isa.Insn, op uint8, jmp32 bool, dst, src, odst, osrc *RegState) {
	if e.tracer == nil {
		return
	}
	w := &e.watch
	numbers := w.dst.Type == ScalarValue && w.src.Type == ScalarValue
	packet := w.dst.Type.isPktAny() && in.Source() == isa.SrcX && w.src.Type.isPktAny()
	unchanged := func(a, b *RegState) bool {
		if packet { // that it is behind the end is no byte that can be read
			return a.pktRange() >= b.pktRange() || !b.Type.isPkt()
		}
		return a.RegHead == b.RegHead && a.Bounds == b.Bounds && a.ID == b.ID
	}
	same := func(d, s *RegState) bool {
		return unchanged(&w.dst, d) && (in.Source() != isa.SrcX || unchanged(&w.src, s))
	}
	holdsNot, holds := same(dst, src), same(odst, osrc)
	way := NoFactWayBoth
	switch {
	case holdsNot && holds:
	case holdsNot && numbers:
		way = NoFactWayNotTaken
	case holds && numbers:
		way = NoFactWayTaken
	default:
		return
	}
	reg, kind, num := int(in.Dst), NoFactKindNotTracked, int64(0)
	switch {
	case numbers:
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
	e.trace(Event{Kind: EventNoFact, Insn: e.insnIdx, State: e.cur, Reg: reg, NoFact: kind, Way: way, Num: num})
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

package session

import (
	"skep/vm"
	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/wasm/protocol"
)

// maxTrace is how many steps of one event are traced: 64 Ki steps are 1 MB.
// Further on the machine runs untraced, four times as fast; who wrote what is
// then found by running again when somebody asks.
const maxTrace = 1 << 16

// tick is what the trace keeps of a step: enough to tell afterwards, without
// running again, which registers hold pointers and who wrote what.
type tick struct {
	pc   uint32
	addr uint32 // memory that the instruction itself read or wrote
	prog uint8
	n    uint8 // bytes of it, 0 for none
	// depth is the call depth after the step; a change against the tick
	// before is a call or a return.
	depth uint8
	flags uint8
}

const (
	tickZero  = 1 << iota // r0 is zero after the step: a pointer result is NULL
	tickWrite             // the access was a write
	tickTail              // a tail call was taken
)

// span is memory that a helper wrote: a step has any number of them.
type span struct {
	step    uint32 // step number in the event, the state after
	addr, n uint32
}

// trace is the ticks of the current event up to some step of it.
type trace struct {
	ticks  []tick
	helped []span // writes of helpers, in order of steps
}

func (t *trace) reset() { t.ticks, t.helped = t.ticks[:0], t.helped[:0] }

// known is what follows from the first n ticks.
type known struct {
	n      int // ticks folded in
	kind   [isa.NumRegs]protocol.RegKind
	writer [isa.NumRegs]int32 // step in the event, -1: before it
	frames []saved
	spills map[uint32]protocol.RegKind // pointers in memory, by address
	values map[uint32]int32            // map values written, by address: last step

	// written has a bit for each stack byte of each frame that was written
	// since the frame began.
	written [isa.MaxCallFrames][vm.FrameSize / 8]byte
}

// saved is what a call keeps of its caller: r6 to r9.
type saved struct {
	kind   [4]protocol.RegKind
	writer [4]int32
}

// begin is the knowledge at the arrival of an event.
func (k *known) begin() {
	*k = known{spills: make(map[uint32]protocol.RegKind), values: make(map[uint32]int32)}
	for i := range k.writer {
		k.writer[i] = -1
	}
	k.kind[isa.R1], k.kind[isa.R10] = protocol.RegKindPointer, protocol.RegKindPointer
}

// know brings k to step n of the event.
func (s *Session) know(n int) *known {
	k := &s.known
	if k.spills == nil || n < k.n {
		k.begin()
	}
	for h := 0; k.n < n && k.n < len(s.trace.ticks); {
		s.fold(k, &s.trace.ticks[k.n])
		for h < len(s.trace.helped) && int(s.trace.helped[h].step) < k.n {
			h++
		}
		for h < len(s.trace.helped) && int(s.trace.helped[h].step) == k.n {
			s.wrote(k, s.trace.helped[h].addr, s.trace.helped[h].n)
			h++
		}
	}
	return k
}

// fold adds one tick.
func (s *Session) fold(k *known, t *tick) {
	k.n++
	step := int32(k.n)
	in := s.insn(int(t.prog), int(t.pc))
	set := func(r uint8, kind protocol.RegKind) {
		if r < isa.NumRegs {
			k.kind[r], k.writer[r] = kind, step
		}
	}
	depth := len(k.frames)
	switch {
	case t.flags&tickTail != 0:
		clear(k.kind[:isa.R10])
		set(isa.R1, protocol.RegKindPointer)
		return
	case int(t.depth) > depth:
		s.foldCall(k, in, step)
		return
	case int(t.depth) < depth:
		s.foldReturn(k, int(t.depth))
		return
	}
	switch in.Class() {
	case isa.ClassALU64:
		set(in.Dst, aluKind(k, in))
	case isa.ClassALU:
		set(in.Dst, protocol.RegKindScalar)
	case isa.ClassLDX:
		set(in.Dst, s.loadKind(k, t))
	case isa.ClassLD:
		if in.IsWide() {
			set(in.Dst, wideKind(in))
		} else {
			set(isa.R0, protocol.RegKindScalar)
			s.clobber(k, step)
		}
	case isa.ClassST:
		s.wrote(k, t.addr, uint32(t.n))
	case isa.ClassSTX:
		s.foldStore(k, in, t, set)
	case isa.ClassJMP:
		if in.JmpOp() == isa.JmpCall {
			set(isa.R0, s.resultKind(in, t))
			s.clobber(k, step)
		}
	}
}

func (s *Session) foldStore(k *known, in isa.Insn, t *tick, set func(uint8, protocol.RegKind)) {
	if in.Mode() != isa.ModeAtomic {
		s.wrote(k, t.addr, uint32(t.n))
		if in.Width() == isa.SizeDW && in.Src < isa.NumRegs && isPointer(k.kind[in.Src]) {
			k.spills[t.addr] = k.kind[in.Src]
		}
		return
	}
	switch {
	case in.Imm == isa.AtomicLoadAcq:
		set(in.Dst, s.loadKind(k, t))
		return
	case in.Imm == isa.AtomicStoreRel:
	case in.Imm == isa.AtomicCmpxchg:
		set(isa.R0, protocol.RegKindScalar)
	case in.Imm&isa.AtomicFetch != 0:
		set(in.Src, protocol.RegKindScalar)
	}
	s.wrote(k, t.addr, uint32(t.n))
}

// foldCall is a step into a function, by call or from a helper.
func (s *Session) foldCall(k *known, in isa.Insn, step int32) {
	var f saved
	copy(f.kind[:], k.kind[isa.R6:])
	copy(f.writer[:], k.writer[isa.R6:])
	k.frames = append(k.frames, f)
	k.kind[isa.R0] = protocol.RegKindUnset
	clear(k.kind[isa.R6:isa.R10])
	if in.Class() == isa.ClassJMP && in.Src != isa.PseudoCall {
		args := callbackArgs(in.Imm)
		for r := isa.R1; r <= isa.R5; r++ {
			k.kind[r], k.writer[r] = args[r-isa.R1], step
		}
	}
	if d := len(k.frames); d < len(k.written) {
		k.written[d] = [vm.FrameSize / 8]byte{}
	}
	k.writer[isa.R10] = step
}

// callbackArgs is what r1 to r5 of a callback of that helper are.
func callbackArgs(id int32) [5]protocol.RegKind {
	const ptr = protocol.RegKindPointer
	switch id {
	case 164: // bpf_for_each_map_elem: map, key, value, ctx
		return [5]protocol.RegKind{protocol.RegKindMap, ptr, ptr, ptr}
	case 181: // bpf_loop: index, ctx
		return [5]protocol.RegKind{protocol.RegKindScalar, ptr}
	}
	return [5]protocol.RegKind{ptr, ptr, ptr}
}

// foldReturn goes back to the frame at depth.
func (s *Session) foldReturn(k *known, depth int) {
	f := k.frames[depth]
	k.frames = k.frames[:depth]
	copy(k.kind[isa.R6:], f.kind[:])
	copy(k.writer[isa.R6:], f.writer[:])
	for r := isa.R1; r <= isa.R5; r++ {
		k.kind[r] = protocol.RegKindUnset
	}
}

// clobber forgets r1 to r5, which no program may read after a call.
func (s *Session) clobber(k *known, step int32) {
	for r := isa.R1; r <= isa.R5; r++ {
		k.kind[r], k.writer[r] = protocol.RegKindUnset, step
	}
}

// wrote notes a write of n bytes.
func (s *Session) wrote(k *known, addr, n uint32) {
	if n == 0 {
		return
	}
	if len(k.spills) > 0 {
		if n <= 64 {
			for a := addr - 7; a != addr+n; a++ {
				delete(k.spills, a)
			}
		} else {
			for a := range k.spills {
				if a+8 > addr && a < addr+n {
					delete(k.spills, a)
				}
			}
		}
	}
	r := s.machine.Arena().Find(addr)
	if r == nil {
		return
	}
	switch r.Kind {
	case arena.Stack:
		if d := int(r.Index); d < len(k.written) {
			for i := addr - r.Base; i < addr-r.Base+n && i < vm.FrameSize; i++ {
				k.written[d][i/8] |= 1 << (i % 8)
			}
		}
	case arena.Value:
		k.values[r.Window(addr).Base] = int32(k.n)
	}
}

func isPointer(k protocol.RegKind) bool {
	return k == protocol.RegKindPointer || k == protocol.RegKindMap || k == protocol.RegKindEnd
}

// aluKind is what 64-bit arithmetic leaves in its destination: a pointer moved
// by a number stays one, everything else is a number.
func aluKind(k *known, in isa.Insn) protocol.RegKind {
	dst, src := k.kind[in.Dst%isa.NumRegs], protocol.RegKindScalar
	if in.Source() == isa.SrcX {
		src = k.kind[in.Src%isa.NumRegs]
	}
	switch in.ALUOp() {
	case isa.OpMov:
		if in.Off == 0 {
			return src
		}
	case isa.OpAdd:
		if isPointer(dst) != isPointer(src) {
			return protocol.RegKindPointer
		}
	case isa.OpSub:
		if isPointer(dst) && !isPointer(src) {
			return protocol.RegKindPointer
		}
	}
	return protocol.RegKindScalar
}

func wideKind(in isa.Insn) protocol.RegKind {
	switch in.Src {
	case isa.PseudoMapFD, isa.PseudoMapIdx:
		return protocol.RegKindMap
	case isa.PseudoMapValue, isa.PseudoMapIdxValue, isa.PseudoBTFID, isa.PseudoFunc:
		return protocol.RegKindPointer
	}
	return protocol.RegKindScalar
}

// loadKind is what a load brings: a pointer that was spilled, a packet
// pointer of the context, or a number.
func (s *Session) loadKind(k *known, t *tick) protocol.RegKind {
	if kind, ok := k.spills[t.addr]; ok && t.n == 8 {
		return kind
	}
	r := s.machine.Arena().Find(t.addr)
	if r == nil || r.Kind != arena.Ctx {
		return protocol.RegKindScalar
	}
	layout := s.typ.Layout(false)
	if layout == nil {
		return protocol.RegKindScalar
	}
	f := layout.At(int(t.addr - r.Base))
	if f == nil || f.Off != int(t.addr-r.Base) || f.Size != int(t.n) {
		return protocol.RegKindScalar
	}
	switch f.Name {
	case "data", "data_meta", "sk", "flow_keys", "skb_data", "optval", "migrating_sk":
		return protocol.RegKindPointer
	case "data_end", "skb_data_end", "optval_end":
		return protocol.RegKindEnd
	}
	return protocol.RegKindScalar
}

// resultKind is what a helper returned.
func (s *Session) resultKind(in isa.Insn, t *tick) protocol.RegKind {
	p := helper.ProtoFor(s.typ, hook.AttachType(0), int(in.Imm))
	if in.Src != 0 || p == nil {
		return protocol.RegKindScalar
	}
	switch p.Ret.Base() {
	case helper.RetInteger:
		return protocol.RegKindScalar
	case helper.RetVoid:
		return protocol.RegKindUnset
	}
	if t.flags&tickZero != 0 {
		return protocol.RegKindNull
	}
	return protocol.RegKindPointer
}

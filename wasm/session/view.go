package session

import (
	"strconv"

	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/packet"
	"skep/wasm/protocol"
)

// view is everything about the current step.
func (s *Session) view() *protocol.View {
	if s.script != nil && s.over() {
		s.finished() // what its result does is known then
	}
	// Last first: what the last step did is found by taking it back and doing
	// it again, which leaves the machine, and what the trace says, here.
	did, lastPC := s.lastStep()
	v := &protocol.View{
		Step: s.step(), Stop: s.stop, Event: uint32(s.at), Events: uint32(len(s.events)), EventStep: s.events[s.at].start,
		Program: uint32(s.program(s.machine.Prog())), PC: uint32(s.machine.PC()), LastPC: lastPC,
		Regs: s.regs(), Frames: s.frames(), Clock: s.machine.Clock(),
	}
	v.Total, v.TotalKnown = s.total()
	switch {
	case s.machine.Fault() != nil, s.over() && !s.machine.Done():
		v.State = protocol.StateFaulted
		v.Fault = s.fault()
	case s.over():
		v.State = protocol.StateExited
	case s.machine.Steps() > 0:
		v.State = protocol.StateRunning
	}
	last := s.lastWrites()
	v.Writes = last
	v.Reads = did.reads
	v.Narration.Did = did.text
	v.Narration.Next = s.nextText(v)
	if v.State < protocol.StateExited {
		v.NextAccess = s.nextAccess()
	}
	v.Packet = s.packetView()
	s.ctxView(v)
	v.Maps = s.mapViews(last)
	s.logs(v)
	s.regions(v)
	return v
}

func (s *Session) regs() []protocol.Reg {
	traced := uint64(s.known.n) == s.machine.Steps()
	changed := uint16(0)
	if s.machine.Steps() > 0 {
		for _, c := range s.machine.LastChange().Regs {
			changed |= 1 << c.Reg
		}
	}
	out := make([]protocol.Reg, isa.NumRegs)
	for i := range out {
		v := s.machine.Reg(i)
		r := protocol.Reg{Index: uint8(i), Value: v, Kind: s.kind(i), Writer: -2, Changed: changed>>i&1 != 0}
		r.Text = s.regText(r.Kind, v)
		if traced {
			r.Writer = s.known.writer[i]
			if r.Writer >= 0 {
				// A write of the same value is a change too: the step was about it.
				r.Changed = r.Changed || int(r.Writer) == s.known.n && r.Kind != protocol.RegKindUnset
				r.Writer += int32(s.events[s.at].start)
			}
		}
		if isPointer(r.Kind) {
			if p, ok := s.place(v); ok {
				r.Region, r.Offset = p.region, p.off
			}
		}
		out[i] = r
	}
	return out
}

func (s *Session) frames() []protocol.Frame {
	traced := uint64(s.known.n) == s.machine.Steps()
	frames := s.machine.Frames()
	out := make([]protocol.Frame, len(frames))
	for i, f := range frames {
		p := s.program(f.Prog)
		o := protocol.Frame{
			Program: uint32(p), Func: uint32(s.src.programs[p].funcAt(f.PC)), PC: uint32(f.PC), Region: f.Base,
			Stack: append([]byte(nil), s.machine.Arena().Bytes(f.Base, vm.FrameSize)...),
		}
		if traced && i < len(s.known.written) {
			o.Written = append([]byte(nil), s.known.written[i][:]...)
		} else {
			o.Written = make([]byte, vm.FrameSize/8)
			for j, b := range o.Stack {
				if b != 0 {
					o.Written[j/8] |= 1 << (j % 8)
				}
			}
		}
		if i < len(frames)-1 {
			if f.PC > 0 && frames[i+1].Helper == 0 {
				o.PC = uint32(f.PC - 1) // the call, not where it returns to
			}
			for r, v := range f.Saved {
				reg := protocol.Reg{Index: uint8(r + isa.R6), Value: v, Kind: s.guess(v), Writer: -2}
				if traced && i < len(s.known.frames) {
					k := &s.known.frames[i]
					reg.Kind, reg.Writer = k.kind[r], k.writer[r]
					if reg.Writer >= 0 {
						reg.Writer += int32(s.events[s.at].start)
					}
				}
				reg.Text = s.regText(reg.Kind, v)
				if p, ok := s.place(v); ok && isPointer(reg.Kind) {
					reg.Region, reg.Offset = p.region, p.off
				}
				o.Saved = append(o.Saved, reg)
			}
		}
		out[i] = o
	}
	return out
}

// packetView shows the packet from data to data_end; of hooks that begin
// behind the Ethernet header, with that header.
func (s *Session) packetView() *protocol.PacketView {
	k, _ := s.machine.Packet()
	if k.Limit == 0 {
		return nil
	}
	base := s.packetBase()
	from := uint32(k.Data)
	if from > base && from <= base+uint32(hook.PulledMAC(s.typ)) {
		from = base
	}
	b := append([]byte(nil), s.machine.Arena().Bytes(from, uint32(k.End)-from)...)
	return &protocol.PacketView{
		Region: base, Bytes: b, Start: int32(from - base), Data: int32(uint32(k.Data) - base),
		Fields: fields(b), Summary: packet.Summary(b),
	}
}

// ctxView decodes the context.
func (s *Session) ctxView(v *protocol.View) {
	base, b := s.machine.Context()
	v.CtxRegion = base
	layout := s.typ.Layout(false)
	if layout == nil {
		v.Ctx = s.arguments(b)
		return
	}
	v.CtxName = "struct " + layout.Name
	who := hook.Program{Type: s.typ, Attach: s.attach, CapBPF: true}
	for i := range layout.Fields {
		f := &layout.Fields[i]
		if f.Size > 8 {
			continue
		}
		for n := range f.Count {
			off := f.Off + n*f.Size
			if off+f.Size > len(b) {
				break
			}
			c := protocol.CtxField{Name: f.Name, Offset: uint32(off), Size: uint32(f.Size), Value: layout.Get(b, f.Name, n)}
			if f.Count > 1 {
				c.Name += "[" + strconv.Itoa(n) + "]"
			}
			c.Text = number(c.Value)
			switch f.Name {
			case "data", "data_end", "data_meta":
				c.Text = s.regText(protocol.RegKindPointer, c.Value)
			}
			_, c.Writable = hook.Access(who, off, f.Size, true, false)
			v.Ctx = append(v.Ctx, c)
		}
	}
}

// logs fills in trace lines, calls and verdicts up to this step, the newest
// of them.
func (s *Session) logs(v *protocol.View) {
	v.Trace, v.Calls = s.traceLines(), s.helperCalls()
	for k := s.at - 1; k >= 0 && len(v.Trace) < maxLines; k-- {
		v.Trace = append(s.events[k].trace[:len(s.events[k].trace):len(s.events[k].trace)], v.Trace...)
	}
	for k := s.at - 1; k >= 0 && len(v.Calls) < maxCalls; k-- {
		v.Calls = append(s.events[k].calls[:len(s.events[k].calls):len(s.events[k].calls)], v.Calls...)
	}
	v.Trace = v.Trace[max(0, len(v.Trace)-maxLines):]
	v.Calls = v.Calls[max(0, len(v.Calls)-maxCalls):]
	for k := max(0, s.at-maxLines); k < s.at; k++ {
		v.Verdicts = append(v.Verdicts, s.events[k].verdict)
	}
	if v.State == protocol.StateExited {
		v.Verdicts = append(v.Verdicts, s.verdict())
	}
}

// regions lists what the view speaks of.
func (s *Session) regions(v *protocol.View) {
	seen := make(map[uint32]bool)
	add := func(addr uint32) {
		p, ok := s.place(uint64(addr))
		if !ok || seen[p.region] {
			return
		}
		seen[p.region] = true
		v.Regions = append(v.Regions, protocol.Region{
			ID: p.region, Kind: p.kind, Name: p.name, Size: p.size, Writable: p.write, Owner: p.owner,
		})
	}
	add(v.CtxRegion)
	if v.Packet != nil {
		add(v.Packet.Region)
	}
	for i := range v.Frames {
		add(v.Frames[i].Region)
	}
	for i := range v.Maps {
		for _, e := range v.Maps[i].Entries {
			for _, at := range e.Regions {
				if at != 0 {
					add(at)
				}
			}
		}
	}
	for i := range v.Regs {
		if v.Regs[i].Region != 0 {
			add(uint32(v.Regs[i].Value))
		}
	}
	for _, list := range [...][]protocol.Range{v.Writes, v.Reads} {
		for _, r := range list {
			add(r.Region + uint32(r.Offset))
		}
	}
}

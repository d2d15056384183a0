package session

import (
	"strconv"

	"skep/vm/arena"
	"skep/vm/asm"
	"skep/vm/isa"
	"skep/vm/packet"
	"skep/wasm/protocol"
)

// LastWrite is who gave what is watched its present value.
func (s *Session) LastWrite(w protocol.WireWatch) protocol.Provenance {
	n, ok := s.writeBefore(w, s.machine.Steps())
	if ok {
		pc := s.slotAt(n)
		return protocol.Provenance{
			Step: int32(s.events[s.at].start) + int32(n) + 1, PC: int32(pc), Text: s.writtenBy(s.events[s.at].start+uint32(n)+1, pc),
		}
	}
	if w.Kind == protocol.WatchKindReg {
		return protocol.Provenance{Step: -1, PC: -1, Text: s.regOrigin(int(w.Reg))}
	}
	r := s.machine.Arena().Find(s.address(w.Range))
	if r == nil {
		return protocol.Provenance{Step: -1, PC: -1, Text: "there is no memory at this place"}
	}
	if r.Kind == arena.Value {
		at := r.Window(s.address(w.Range)).Base
		for k := s.at - 1; k >= 0; k-- {
			if e := s.events[k].write(at); e != nil {
				return protocol.Provenance{
					Step: int32(e.step), PC: int32(e.pc),
					Text: s.writtenBy(e.step, int(e.pc)) + ", by packet " + strconv.Itoa(k+1),
				}
			}
		}
	}
	return protocol.Provenance{Step: -1, PC: -1, Text: s.memOrigin(r)}
}

// slotAt is the instruction that step n of this event executes.
func (s *Session) slotAt(n uint64) int {
	if n < uint64(len(s.trace.ticks)) {
		return int(s.trace.ticks[n].pc)
	}
	here := s.machine.Steps()
	s.machine.Seek(n)
	pc := s.machine.PC()
	s.machine.Seek(here)
	return pc
}

// writtenBy names the instruction and its source line.
func (s *Session) writtenBy(step uint32, pc int) string {
	prog := &s.src.programs[s.prog]
	text := "written at step " + strconv.Itoa(int(step))
	if pc < len(prog.insns) {
		text += " by " + asm.Text(asm.Kernel, prog.insns, pc, s.src.resolver())
	}
	line := 0
	for _, l := range prog.lines {
		if l.PC > pc {
			break
		}
		line = l.Line
	}
	if line > 0 {
		text += " (line " + strconv.Itoa(line) + ")"
	}
	return text
}

func (s *Session) regOrigin(r int) string {
	switch {
	case r == isa.R1:
		return "the context, set when packet " + strconv.Itoa(s.at+1) + " arrived"
	case r == isa.R10:
		return "the frame pointer, set when the function began"
	}
	return "not written since packet " + strconv.Itoa(s.at+1) + " arrived"
}

func (s *Session) memOrigin(r *arena.Region) string {
	n := strconv.Itoa(s.at + 1)
	switch r.Kind {
	case arena.Packet:
		return "arrived with packet " + n
	case arena.Ctx:
		return "set by the kernel when packet " + n + " arrived"
	case arena.Stack:
		return "not written since packet " + n + " arrived: the verifier would refuse to read it"
	case arena.Value:
		if d := s.mapDecl(int(r.Map)); d != nil && d.internal {
			return "from the object file"
		}
		for i := range s.inits {
			if s.inits[i].Map == r.Name {
				return "put there by user space before the first packet, or zero"
			}
		}
		return "zero since the map was made"
	}
	return "there from the start"
}

// Memory is the bytes of a region as they are now, nil when there is none.
func (s *Session) Memory(region uint32) []byte {
	p, ok := s.place(uint64(region))
	if !ok || !s.machine.Arena().Valid(p.region, p.size) {
		return nil
	}
	return append([]byte(nil), s.machine.Arena().Bytes(p.region, p.size)...)
}

// OutputPcap is the packets of the events that have ended as they left the
// program; without dropped only those whose verdict lets them go on.
func (s *Session) OutputPcap(dropped bool) []byte {
	var out []packet.Packet
	for k := range s.events[:s.reached] {
		e := &s.events[k]
		if e.done && !e.bad && s.input(k).Packet != nil && (dropped || e.verdict.Tone == protocol.ToneGood) {
			out = append(out, packet.Packet{Data: e.out, Time: s.time(k)})
		}
	}
	return packet.AppendPcap(nil, out)
}

// time is when the packet of event k arrived.
func (s *Session) time(k int) int64 {
	if s.script != nil {
		return int64(s.script.fires[k].fired.Clock)
	}
	return s.packets[k].Time
}

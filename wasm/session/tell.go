package session

import (
	"strconv"

	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/isa"
	"skep/vm/packet"
	"skep/wasm/narrate"
	"skep/wasm/protocol"
)

// telling is what the last step did.
type telling struct {
	text  string
	reads []protocol.Range
}

// lastStep tells the last step, by doing it once more.
func (s *Session) lastStep() (telling, int32) {
	n := s.machine.Steps()
	if n == 0 {
		s.know(0)
		if s.script != nil {
			return telling{text: s.script.arrival(s.at)}, -1
		}
		text := "Packet " + strconv.Itoa(s.at+1) + " of " + strconv.Itoa(len(s.events)) + " arrived: " +
			packet.Summary(s.packets[s.at].Data) + "."
		return telling{text: text}, -1
	}
	s.know(int(n) - 1)
	s.machine.Seek(n - 1)
	prog, pc := s.machine.Prog(), s.machine.PC()
	in := s.insn(prog, pc)
	sc := s.scene(prog, pc, in)
	reads := s.reads(in)
	addr, size, write := access(in, s.machine)
	if write {
		sc.OldMem = s.memText(addr, size)
	}
	frames := s.machine.Frames()
	s.machine.Step()
	s.know(int(n))
	if f := s.machine.Fault(); f != nil {
		return telling{"The machine stopped: " + f.Detail() + ".", reads}, int32(pc)
	}
	for i := range sc.After {
		sc.After[i] = s.regText(s.kind(i), s.machine.Reg(i))
	}
	if write {
		sc.NewMem = s.memText(addr, size)
	}
	row := isa.Lookup(in)
	if row == nil {
		return telling{}, int32(pc)
	}
	switch row.Form {
	case isa.FormJmpImm, isa.FormJmpReg, isa.FormJa:
		sc.Taken = s.machine.PC() == sc.Target && sc.Target != pc+1
	case isa.FormCall, isa.FormCallKfunc:
		sc.Result = s.resultText(int(in.Imm), s.machine.Reg(0))
		if s.machine.Done() || s.depth() >= len(frames) {
			sc.Result = ""
		}
	case isa.FormNone:
		top := frames[len(frames)-1]
		sc.Func = top.Func.Name
		if len(frames) > 1 {
			sc.Caller = frames[len(frames)-2].Func.Name
			if top.Helper != 0 {
				sc.Caller = helperNumber(top.Helper)
			}
			sc.Result = s.regText(s.kind(0), s.machine.Reg(0))
		} else {
			sc.Result = s.verdictText(s.machine.Reg(0))
		}
	case isa.FormAbs, isa.FormInd:
		if s.machine.Done() {
			return telling{"The packet is too short for the load: the program ended with 0.", reads}, int32(pc)
		}
		sc.Place = "the packet"
	}
	return telling{narrate.Did(&sc), reads}, int32(pc)
}

func helperNumber(id int) string {
	if p := helper.Lookup(id); p != nil {
		return p.Name
	}
	return "helper " + strconv.Itoa(id)
}

// kind is what register r holds, by the trace or by its looks.
func (s *Session) kind(r int) protocol.RegKind {
	if uint64(s.known.n) == s.machine.Steps() {
		return s.known.kind[r]
	}
	return s.guess(s.machine.Reg(r))
}

// scene sets the stage for the instruction at pc, which is next.
func (s *Session) scene(prog, pc int, in isa.Insn) narrate.Scene {
	sc := narrate.Scene{Insn: in, PC: pc}
	for i := range sc.Before {
		sc.Before[i] = s.regText(s.kind(i), s.machine.Reg(i))
	}
	if row := isa.Lookup(in); row != nil {
		_, target := flow(row, in, pc)
		sc.Target = int(target)
		if in.IsWide() {
			sc.Hi = s.insn(prog, pc+1)
			sc.Const = s.wideText(prog, in, sc.Hi)
		}
	}
	if addr, n, _ := access(in, s.machine); n > 0 {
		if p, ok := s.place(addr); ok {
			sc.Place = s.text(&p)
		} else {
			sc.Place = "address " + number(addr)
		}
	}
	if in.Class() == isa.ClassJMP && in.JmpOp() == isa.JmpCall {
		if in.Src == isa.PseudoCall {
			sc.Func = s.machine.Program(prog).FuncAt(sc.Target).Name
		} else {
			sc.Helper = s.helperName(in, prog)
			var args [5]uint64
			for i := range args {
				args[i] = s.machine.Reg(i + 1)
			}
			for i, a := range s.args(int(in.Imm), args) {
				if i > 0 {
					sc.Args += ", "
				}
				sc.Args += a.Text
			}
		}
	}
	return sc
}

// wideText is what a wide load loads.
func (s *Session) wideText(prog int, in, hi isa.Insn) string {
	name := func() string {
		if d := s.mapDecl(int(in.Imm)); d != nil {
			return d.spec.Name
		}
		return "#" + strconv.Itoa(int(in.Imm))
	}
	switch in.Src {
	case isa.PseudoMapFD, isa.PseudoMapIdx:
		return "map " + name()
	case isa.PseudoMapValue, isa.PseudoMapIdxValue:
		return "the address of " + sectionName(name()) + spaced(int64(hi.Imm))
	case isa.PseudoFunc:
		return "the address of a function"
	case isa.PseudoBTFID:
		for _, k := range s.machine.Program(prog).Ksyms {
			if k.ID == in.Imm {
				return "the address of " + k.Name
			}
		}
		return "the address of a kernel variable"
	}
	return number(isa.Imm64(in, hi))
}

// memText is a few bytes of memory as a number, "?" where there are none.
func (s *Session) memText(addr uint64, n uint8) string {
	if addr>>32 != 0 || !s.machine.Arena().Valid(uint32(addr), uint32(n)) {
		return "?"
	}
	var v uint64
	for i, b := range s.machine.Arena().Bytes(uint32(addr), uint32(n)) {
		v |= uint64(b) << (8 * i)
	}
	if kind, ok := s.known.spills[uint32(addr)]; ok && n == 8 {
		return s.regText(kind, v)
	}
	return number(v)
}

// reads is the memory that the instruction at the current state is about to
// read.
func (s *Session) reads(in isa.Insn) []protocol.Range {
	addr, n, write := access(in, s.machine)
	if n > 0 && (!write || in.Class() == isa.ClassSTX && in.Mode() == isa.ModeAtomic) {
		return s.ranges(nil, addr, uint32(n))
	}
	if in.Class() != isa.ClassJMP || in.JmpOp() != isa.JmpCall || in.Src != 0 {
		return nil
	}
	// A helper reads the keys, values and memory that it is given.
	p := helper.ProtoFor(s.typ, s.attach, int(in.Imm))
	if p == nil {
		return nil
	}
	var out []protocol.Range
	mp := s.machine.Maps().ByPtr(s.machine.Reg(isa.R1))
	for i, kind := range p.Args {
		at := s.machine.Reg(i + 1)
		switch {
		case kind.Base() == helper.ArgPtrToMapKey && mp != nil:
			out = s.ranges(out, at, mp.KeySize())
		case kind.Base() == helper.ArgPtrToMapValue && mp != nil && kind.Flags()&helper.MemUninit == 0:
			out = s.ranges(out, at, mp.ValueSize())
		case kind.Base() == helper.ArgPtrToMem && kind.Flags()&(helper.MemUninit|helper.MemWrite) == 0 && i+2 < isa.NumRegs:
			out = s.ranges(out, at, uint32(min(s.machine.Reg(i+2), 1<<16)))
		}
	}
	return out
}

// ranges appends n bytes at an address as a range of its region.
func (s *Session) ranges(out []protocol.Range, addr uint64, n uint32) []protocol.Range {
	p, ok := s.place(addr)
	if !ok || n == 0 {
		return out
	}
	return append(out, protocol.Range{Region: p.region, Offset: p.off, Length: n})
}

// lastWrites is the memory that the last step wrote.
func (s *Session) lastWrites() writes {
	var out []protocol.Range
	if s.machine.Steps() == 0 {
		return nil
	}
	for _, c := range s.machine.LastChange().Mem {
		if r := s.machine.Arena().Find(c.Addr); r != nil && r.Kind != arena.State && r.Kind != arena.MapPtr {
			out = s.ranges(out, uint64(c.Addr), c.Len)
		}
	}
	return out
}

func (s *Session) nextAccess() *protocol.Range {
	in := s.insn(s.machine.Prog(), s.machine.PC())
	addr, n, _ := access(in, s.machine)
	if n == 0 {
		return nil
	}
	if p, ok := s.place(addr); ok {
		return &protocol.Range{Region: p.region, Offset: p.off, Length: uint32(n)}
	}
	return nil
}

func (s *Session) nextText(v *protocol.View) string {
	switch {
	case v.State == protocol.StateFaulted:
		return "The run ends here. " + v.Fault.Hint
	case v.State == protocol.StateExited && s.last():
		if s.script != nil {
			return "No program runs after this: the run ends here."
		}
		return "This was the last packet: the run ends here."
	case v.State == protocol.StateExited && s.script != nil:
		return "Next: the kernel goes on to the next program."
	case v.State == protocol.StateExited:
		return "Next: packet " + strconv.Itoa(s.at+2) + " of " + strconv.Itoa(len(s.events)) + " arrives."
	}
	prog, pc := s.machine.Prog(), s.machine.PC()
	in := s.insn(prog, pc)
	sc := s.scene(prog, pc, in)
	if in.Class() == isa.ClassJMP && in.JmpOp() == isa.JmpExit {
		f := s.machine.Frames()
		sc.Func = f[len(f)-1].Func.Name
		sc.Result = s.verdictText(s.machine.Reg(0))
		if len(f) > 1 {
			sc.Caller = f[len(f)-2].Func.Name
			if h := f[len(f)-1].Helper; h != 0 {
				sc.Caller = helperNumber(h)
			}
		}
	}
	return narrate.Next(&sc)
}

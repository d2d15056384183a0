package session

import (
	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/packet"
	"skep/wasm/protocol"
)

// Session is one program with one input. Its step numbers are global over the
// events (packets): see the comment of web/src/engine/api.ts.
type Session struct {
	src    *source
	prog   int // program chosen
	breaks []uint32

	machine *vm.Machine
	numbers []int // program number in the machine by number in src, -1: not loaded
	typ     hook.ProgType
	attach  hook.AttachType
	opts    protocol.RunOptions
	packets []packet.Packet
	script  *script // of a run over events that are no packets, else nil
	inits   []protocol.MapInit

	events  []event
	at      int // current event
	reached int // events whose start is known: at least one
	snaps   []snapshot
	stride  int // events between snapshots

	trace trace // of the current event
	known known
	top   uint64 // r10 of the entry function

	move *movement // under way; nil when at rest
	stop protocol.StopReason

	cpus *cpus // runs in flight on several CPUs, beside all this
}

// New is a session without a program.
func New() *Session { return &Session{} }

// DefaultOptions are those of a page that says nothing.
func DefaultOptions() protocol.RunOptions {
	return protocol.RunOptions{Seed: 1, Clock: 1e9, CPUs: 2, IfIndex: 1, Budget: 1_000_000}
}

// Load reads a program source; on success what was running is gone.
func (s *Session) Load(w protocol.WireSource) *protocol.Loaded {
	src, probs := load(w)
	if src == nil {
		return &protocol.Loaded{Problems: probs}
	}
	*s = Session{src: src}
	return &protocol.Loaded{Problems: probs, Listing: src.listing(0)}
}

// Choose takes another program of the object.
func (s *Session) Choose(p int) *protocol.Loaded {
	loaded := s.Describe(p)
	if loaded.Listing != nil {
		*s = Session{src: s.src, prog: p}
	}
	return loaded
}

// Describe is the listing of a program.
func (s *Session) Describe(p int) *protocol.Loaded {
	if s.src == nil || p < 0 || p >= len(s.src.programs) {
		return &protocol.Loaded{Problems: problems(protocol.WhereOption, "there is no such program in the object", "")}
	}
	return &protocol.Loaded{Listing: s.src.listing(p)}
}

// SetBreakpoints replaces all breakpoints: slots of the chosen program.
func (s *Session) SetBreakpoints(pcs []uint32) {
	s.breaks = append([]uint32(nil), pcs...)
	s.arm()
}

// arm tells the machine the breakpoints, for the stretches it runs by itself.
func (s *Session) arm() {
	if s.machine == nil {
		return
	}
	list := make([]vm.Breakpoint, 0, len(s.breaks))
	for _, pc := range s.breaks {
		if uint64(pc) < uint64(isa.MaxInsns) {
			list = append(list, vm.Breakpoint{Prog: s.numbers[s.prog], PC: int(pc)})
		}
	}
	s.machine.SetBreakpoints(list)
}

// step is the global number of the current state.
func (s *Session) step() uint32 { return s.events[s.at].start + uint32(s.machine.Steps()) }

// depth is how many calls deep the current function is.
func (s *Session) depth() int { return int((s.top - s.machine.Reg(isa.R10)) / vm.FrameStride) }

// insn is the instruction at slot pc of a program of the machine.
func (s *Session) insn(prog, pc int) isa.Insn {
	if p := s.machine.Program(prog); p != nil && pc < len(p.Insns) {
		return p.Insns[pc]
	}
	return isa.Insn{}
}

// program is the number in src of a program of the machine.
func (s *Session) program(number int) int {
	for i, n := range s.numbers {
		if n == number {
			return i
		}
	}
	return s.prog
}

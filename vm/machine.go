// Package vm is the eBPF machine: an arena of memory, an interpreter of every
// instruction, maps and helpers, and a history that can be walked in both
// directions.
//
//	m, err := vm.New(vm.Config{Maps: []maps.Spec{{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 4}}})
//	_, err = m.Load(&vm.Program{Type: hook.XDP, Insns: insns})
//	err = m.Reset(vm.Input{Packet: packet})
//	stop := m.Run(100_000)      // vm.StopExit; m.Reg(0) is the result
//	m.Back()                    // before the exit
//	m.Seek(0)                   // at the start
//
// A program needs no verification to run here: a wrong access stops it with a
// [Fault] that says which memory was meant and missed. Everything is
// deterministic: the same programs, input and seed give the same steps, so
// that a step number names a state.
//
// Read next: exec.go and internal/genexec (the interpreter), step.go and history.go (both
// directions), lane.go and turn.go (runs on several CPUs, and package race),
// timer.go, access.go (memory checks), env.go (what helpers see).
package vm

import (
	"slices"

	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// Config describes a machine. The zero value is one CPU without maps.
type Config struct {
	Maps  []maps.Spec
	World *helper.World // surroundings; nil is the zero World
	Seed  uint64        // of the random numbers
	Clock uint64        // CLOCK_MONOTONIC at the start of each run, ns

	ArenaLimit uint32 // bytes; 0 is arena.DefaultLimit
	// Span, when set, is the zeroed memory that the arena lives in: it never
	// moves then, which native code needs.
	Span []byte

	// NoHistory turns off checkpoints and event recording: for engines that
	// only want results. Step works, going back does not.
	NoHistory bool
}

// Machine runs programs. It is not safe for concurrent use.
type Machine struct {
	cpu   cpu
	x     engine
	steps uint64 // instructions done since Reset
	code  *code  // of cpu.prog
	step1 [2]op  // the instruction of a single step and an opStop
	jump  int32  // op that gotox goes to

	arena *arena.Arena
	maps  *maps.Set
	progs []*code
	cfg   Config
	world *helper.World

	rd, wr windows // last memory window used by reads and writes
	fault  *Fault  // why status is faulted
	hit    bool    // exec stopped at a breakpoint
	jumped bool    // the helper that runs made a tail call

	*lane            // the current one
	stackTop uint32  // its top: a second load for it in exec moves the loop behind by three bytes, which costs 40 % on Zen 4
	lanes    []*lane // in flight; those dropped by Reset wait behind its length
	turns    []Turn  // which lane makes which steps, once there are several
	from     int     // while a step is recorded: the lane that was current before, -1 for the same
	entry    int     // program that Reset starts

	journal arena.Journal
	history history
	breaks  []Breakpoint
	watches []Watch
	events  []Event
	calls   []Call
	lost    int // events dropped because there were too many

	call helper.Call // the helper call that runs: helpers do not nest
}

const (
	maxCPUs    = 256
	scratchCap = 8 << 10
	ctxCap     = 1 << 10

	// Headroom is what lies before a packet, as in XDP; a packet and its
	// tailroom fit PacketCap together.
	//
	// The buffer has a fixed place and size, so that addresses are the same
	// for every packet, and growth by helpers moves borders and no bytes. The
	// tailroom of a run is what the kernel would have: see Input.Tailroom.
	Headroom  = 256
	PacketCap = 64<<10 + 4<<10
)

// New makes a machine and its maps.
func New(cfg Config) (*Machine, error) {
	m := &Machine{cfg: cfg, world: cfg.World}
	if m.world == nil {
		m.world = &helper.World{}
	}
	if m.world.CPUs > maxCPUs {
		return nil, errCPUs
	}
	if cfg.Span != nil {
		a, err := arena.NewIn(cfg.Span)
		if err != nil {
			return nil, err
		}
		m.arena = a
	} else {
		m.arena = arena.New(cfg.ArenaLimit)
	}
	m.lane, m.from = &lane{m: m}, -1
	m.lanes = append(m.lanes, m.lane)
	if err := m.layOut(m.arena); err != nil {
		return nil, err
	}
	m.stackTop = m.top
	m.maps = maps.NewSet(m.arena, max(m.world.CPUs, 1))
	m.maps.Sock, m.maps.UserKey, m.maps.Object = m.sockAddr, m.userKey, m.object
	for _, spec := range cfg.Maps {
		if _, err := m.maps.New(spec); err != nil {
			return nil, err
		}
	}
	m.step1[1] = op{kind: opStop}
	return m, nil
}

// Load adds a program. The first one is what Reset starts; the others are for
// prog arrays, by the number returned. The error is a *LoadError.
func (m *Machine) Load(p *Program) (int, error) {
	c, err := m.decode(p)
	if err != nil {
		return 0, err
	}
	m.progs = append(m.progs, c)
	return len(m.progs) - 1, nil
}

// Entry chooses the program that the next Reset starts.
func (m *Machine) Entry(prog int) { m.entry = prog }

// Program is the loaded program of that number.
func (m *Machine) Program(i int) *Program {
	if i < 0 || i >= len(m.progs) {
		return nil
	}
	return m.progs[i].prog
}

// Input is what a run starts with.
type Input struct {
	// Ctx is the context as the program sees it; nil is that of the program's
	// type, made from the packet and Start.
	Ctx   []byte
	Start hook.Start // Packet and Proto are filled in from the packet
	// Packet is the packet, nil for none. Meta of its first bytes are
	// metadata in front of it. Tailroom is how much it may grow at its end; 0
	// or less is what the kernel's test run leaves in a page.
	Packet   []byte
	Meta     int
	Tailroom int
	CPU      uint32

	// Clock and Seed replace those of the machine for this run; 0 does not.
	Clock uint64 // CLOCK_MONOTONIC, ns
	Seed  uint64

	// R2, when not zero, is put into r2: the memory length that the
	// conformance tests expect.
	R2 uint64
}

// Reset puts the machine at the start of a run over in. Maps keep what they
// hold. It forgets history, events, fault and the runs on other CPUs.
func (m *Machine) Reset(in Input) error {
	if len(m.progs) == 0 {
		return errNoProgram
	}
	if err := m.checkInput(in); err != nil {
		return err
	}
	m.arena.Journal = nil
	m.onlyFirst()
	m.steps, m.lost = 0, 0
	m.events, m.calls = nil, nil
	if err := m.begin(in); err != nil {
		return err
	}
	m.beginHistory()
	return nil
}

func (m *Machine) checkInput(in Input) error {
	if in.CPU >= m.maps.CPUs {
		return errCPU
	}
	if len(in.Packet) > PacketCap {
		return errPacketSize
	}
	return nil
}

// begin puts the current lane at the start of a run.
func (m *Machine) begin(in Input) error {
	m.setCode(m.entry)
	if p := m.cpu.packet; p.Limit > p.Room {
		clear(m.arena.Bytes(uint32(p.Room), uint32(p.Limit-p.Room)))
	}
	m.cpu = cpu{prog: uint64(m.entry), random: m.cfg.Seed, clock: m.cfg.Clock}
	if in.Clock != 0 {
		m.cpu.clock = in.Clock
	}
	if in.Seed != 0 {
		m.cpu.random = in.Seed
	}
	m.fault = nil
	m.forgetWindows()
	low := m.top - (maxFrames-1)*FrameStride - FrameSize
	clear(m.arena.Bytes(low, m.top-low))
	clear(m.arena.Bytes(m.scratch.Base, m.scratch.Len))
	m.cpuNo = in.CPU
	m.cpu.r[isa.R10] = uint64(m.top)
	m.placePacket(in)
	if err := m.placeCtx(in); err != nil {
		return err
	}
	m.cpu.r[isa.R1] = m.cpu.ctx
	m.cpu.r[isa.R2] = in.R2
	return nil
}

func (m *Machine) setCode(prog int) { m.code = m.progs[prog] }

// placePacket copies the packet behind its headroom.
func (m *Machine) placePacket(in Input) {
	base := uint64(m.pkt.Base)
	data := base + Headroom
	if in.Packet == nil {
		m.cpu.packet = hook.Packet{}
		return
	}
	copy(m.arena.Bytes(uint32(data), uint32(len(in.Packet))), in.Packet)
	room := uint64(in.Tailroom)
	if in.Tailroom <= 0 {
		// A page holds headroom, packet and struct skb_shared_info (320 bytes).
		const usable = 4096 - Headroom - 320
		room = uint64(max(0, usable-len(in.Packet)))
	}
	end := data + uint64(len(in.Packet))
	// Types that begin at the network header have the Ethernet header in
	// front of their data.
	first := data + uint64(min(max(in.Meta, 0)+hook.PulledMAC(m.code.prog.Type), len(in.Packet)))
	meta := first
	if in.Meta > 0 {
		meta = data
	}
	m.cpu.packet = hook.Packet{
		Room: base, Meta: meta, Data: first, End: end,
		Limit: min(end+room, base+uint64(m.pkt.Len)),
	}
}

// ctxRegion is the region of the context in the arena's table.
func (m *Machine) ctxRegion() *arena.Region { return m.arena.Find(m.ctx.Base) }

// placeCtx writes the context and sets its length.
func (m *Machine) placeCtx(in Input) error {
	r := m.ctxRegion()
	clear(m.arena.Bytes(m.ctx.Base, ctxCap))
	b := in.Ctx
	if b == nil {
		b = m.context(in)
	}
	if len(b) > ctxCap {
		return errCtxSize
	}
	r.Len = uint32(len(b))
	if len(b) == 0 {
		r.Len = 8
	}
	copy(m.arena.Bytes(r.Base, r.Len), b)
	m.cpu.ctx = uint64(r.Base)
	return nil
}

// Maps is the machine's maps.
func (m *Machine) Maps() *maps.Set { return m.maps }

// Arena is the machine's memory. Writing to it outside a run is allowed
// before Reset only.
func (m *Machine) Arena() *arena.Arena { return m.arena }

// Reg is the value of register r0 to r10.
func (m *Machine) Reg(i int) uint64 { return m.cpu.r[i] }

// SetReg changes a register and makes the current state the start of history.
func (m *Machine) SetReg(i int, v uint64) {
	m.cpu.r[i] = v
	m.restartHistory()
}

// Steps is how many instructions have been done since Reset: the number of
// the current state.
func (m *Machine) Steps() uint64 { return m.steps }

// Clock is CLOCK_MONOTONIC as a helper would find it now, ns.
func (m *Machine) Clock() uint64 { return m.cpu.clock }

// PC is the slot of the next instruction, Prog the number of its program.
func (m *Machine) PC() int {
	if m.code == nil {
		return 0
	}
	return int(m.code.slot[m.cpu.pc])
}

// Prog is the number of the program that runs.
func (m *Machine) Prog() int { return int(m.cpu.prog) }

// Done reports whether the run has ended, by exit or by fault; of several in
// flight, whether all of them have.
func (m *Machine) Done() bool {
	for _, l := range m.lanes {
		if l.state().status == running {
			return false
		}
	}
	return true
}

// Fault is why the run stopped, nil when it did not fault.
func (m *Machine) Fault() *Fault {
	if m.cpu.status != faulted {
		return nil
	}
	return m.fault
}

// Packet is where the packet is now, and its bytes as a view.
func (m *Machine) Packet() (hook.Packet, []byte) {
	p := m.cpu.packet
	if p.Limit == 0 {
		return p, nil
	}
	return p, m.arena.Bytes(uint32(p.Data), uint32(p.Len()))
}

// PacketBase is where the packet's first byte lies when a run starts.
func (m *Machine) PacketBase() uint32 { return m.pkt.Base + Headroom }

// Context is the address of the context and its bytes as a view.
func (m *Machine) Context() (uint32, []byte) {
	r := m.ctxRegion()
	return r.Base, m.arena.Bytes(r.Base, r.Len)
}

// Frame is one function on the call stack.
type Frame struct {
	Prog   int       // program
	PC     int       // slot of the next instruction there; of a caller, where the callee returns to
	Func   Func      // function
	Saved  [4]uint64 // r6 to r9 as they will be restored; of the current frame, as they are
	Base   uint32    // lowest address of its stack
	Top    uint32    // its r10
	Helper int       // helper that called it back, 0 if none
}

// Frames is the call stack, the current function last.
func (m *Machine) Frames() []Frame {
	out := make([]Frame, 0, m.cpu.depth+1)
	for i := uint64(0); i <= m.cpu.depth; i++ {
		f := Frame{Prog: int(m.cpu.prog), PC: m.PC(), Top: m.top - uint32(i)*FrameStride}
		if i < m.cpu.depth {
			fr := &m.cpu.frames[i]
			f.Prog = int(fr.ret >> 32)
			f.PC = int(m.progs[f.Prog].slot[uint32(fr.ret)])
			f.Saved = fr.saved
		} else {
			copy(f.Saved[:], m.cpu.r[isa.R6:isa.R10])
		}
		if i > 0 && m.cpu.frames[i-1].kind == frameCallback {
			f.Helper = m.cpu.frames[i-1].call.ID
		}
		f.Base = f.Top - FrameSize
		f.Func = m.progs[f.Prog].prog.FuncAt(f.PC)
		out = append(out, f)
	}
	return out
}

// Regions is the memory map, by address.
func (m *Machine) Regions() []arena.Region { return slices.Clone(m.arena.Regions()) }

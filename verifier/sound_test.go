package verifier_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"skep/verifier"
	"skep/verifier/progen"
	"skep/vm"
	"skep/vm/arena"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

var (
	soundN    = flag.Int("sound-n", 600, "TestSound: how many programs")
	soundSeed = flag.Int64("sound-seed", 1, "TestSound: seed of the first")
	soundRuns = flag.Int("sound-runs", 4, "TestSound: runs of each program, with random packets, maps and numbers")
)

// Most of what a run may take: a may_goto loop would go on for eight million
// rounds.
const soundSteps = 3000

// abstract is what the verifier knows before an instruction, once.
type abstract struct {
	regs [isa.NumRegs]verifier.RegState
}

// place is an instruction and how it was called.
type place struct {
	pc    int
	calls string
}

// recorder keeps the states of each place in which an instruction was checked.
type recorder struct {
	at map[place][]abstract
	n  int
}

func (rc *recorder) Trace(ev *verifier.Event) {
	if ev.Kind != verifier.EventStep || ev.State.Speculative() {
		return
	}
	frames := ev.State.Frames()
	var sites []int
	for _, f := range frames[1:] {
		sites = append(sites, f.Callsite)
	}
	p := place{ev.Insn, fmt.Sprint(sites)}
	rc.at[p] = append(rc.at[p], abstract{frames[len(frames)-1].Regs})
	rc.n++
}

// TestSound runs accepted random programs in the checked interpreter, over
// random packets, map contents and numbers. None faults, and the registers that
// an instruction reads lie in the ranges of one of the states in which the
// verifier checked that instruction.
func TestSound(t *testing.T) {
	accepted, steps, values, rounds := 0, 0, 0, 0
	for i := range *soundN {
		seed := *soundSeed + int64(i)
		cfg := progen.Config{Seed: seed, Rich: i%2 == 1, Unprivileged: i%8 == 6, Callbacks: i%4 == 3}
		if i%4 == 2 {
			cfg.Bad = 0.05
		}
		g := progen.New(cfg)
		s := newSound(t, g)
		if cfg.Unprivileged {
			s.cfg.Privilege = verifier.Unprivileged
		}
		if !s.verify(t, seed) {
			continue
		}
		accepted++
		for run := range *soundRuns {
			if err := s.run(rand.New(rand.NewSource(seed<<8 + int64(run)))); err != nil {
				t.Errorf("seed %d (%+v), run %d: %v", seed, cfg, run, err)
				break
			}
		}
		steps += s.steps
		values += s.values
		rounds += s.rounds
		if t.Failed() && i > 2000 {
			break
		}
	}
	t.Logf("%d programs, %d accepted, %d instructions run, %d of them calls of bpf_loop's callback, %d values compared", *soundN, accepted, steps, rounds, values)
	if accepted < *soundN/4 || values < steps/4 || rounds < *soundN/8 {
		t.Error("too few of them to mean something")
	}
}

// sound is a program for both the verifier and the machine.
type sound struct {
	prog          *verifier.Program
	cfg           verifier.Config
	specs         []maps.Spec
	vmProg        *vm.Program
	data          []byte
	used          []int32 // maps in the order in which loads name them first
	states        map[place][]abstract
	callbacks     []int // where they begin
	steps, values int
	rounds        int // of callbacks
}

func newSound(t *testing.T, g *progen.Program) *sound {
	typ, ok := hook.ByName(g.Type)
	if !ok {
		t.Fatalf("program type %q", g.Type)
	}
	s := &sound{prog: &verifier.Program{Type: typ, GPL: true, Insns: g.Insns}, data: g.Data,
		vmProg: &vm.Program{Type: typ, License: "GPL", Insns: g.Insns}}
	for _, f := range g.Funcs {
		if f.Callback {
			s.callbacks = append(s.callbacks, f.Start)
		}
	}
	if len(s.callbacks) > 0 {
		var err error
		if s.prog.BTF, s.prog.FuncInfo, err = g.Describe(); err != nil {
			t.Fatal(err)
		}
		s.prog.FuncInfoSize = progen.FuncInfoSize
	}
	for _, m := range g.Maps {
		mt, ok := maps.ByName(m.Type)
		if !ok {
			t.Fatalf("map type %q", m.Type)
		}
		s.specs = append(s.specs, maps.Spec{Name: m.Name, Type: mt, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.MaxEntries})
		s.prog.Maps = append(s.prog.Maps, verifier.MapInfo{Name: m.Name, Type: mt, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.MaxEntries})
	}
	for _, in := range g.Insns {
		if in.IsWide() && in.Src == isa.PseudoMapFD && !slices.Contains(s.used, in.Imm) {
			s.used = append(s.used, in.Imm)
		}
	}
	return s
}

// verify reports whether the program is accepted, and records the states.
func (s *sound) verify(t *testing.T, seed int64) bool {
	res, err := verifier.Verify(s.prog, s.cfg)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	if res.Verdict != verifier.Accepted || res.InsnProcessed > 20_000 {
		return false
	}
	rc := &recorder{at: map[place][]abstract{}}
	cfg := verifier.ExactScalars(s.cfg)
	cfg.Tracer = rc
	exact, err := verifier.Verify(s.prog, cfg)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	if exact.Verdict != verifier.Accepted {
		if exact.Errno != 7 { // E2BIG: more states than the kernel would walk
			t.Errorf("seed %d: accepted, but with exact scalars %v: %s", seed, exact.Verdict, exact.Message)
		}
		return false
	}
	s.states = rc.at
	s.vmProg.Insns = sanitized(s.prog.Insns, rc.at)
	return true
}

// sanitized is the program with a loop in place of each instruction that the
// verifier never came to, as the kernel leaves it.
func sanitized(insns []isa.Insn, at map[place][]abstract) []isa.Insn {
	seen := make([]bool, len(insns)+1)
	for p := range at {
		seen[p.pc] = true
		seen[p.pc+1] = seen[p.pc+1] || insns[p.pc].IsWide()
	}
	out := slices.Clone(insns)
	for pc := range out {
		if !seen[pc] {
			out[pc] = isa.Insn{Op: isa.ClassJMP | isa.JmpA, Off: -1}
		}
	}
	return out
}

// begin puts the program into a machine with a random input.
func (s *sound) begin(rnd *rand.Rand) (*vm.Machine, error) {
	m, err := vm.New(vm.Config{Maps: s.specs, Seed: rnd.Uint64(), NoHistory: true})
	if err != nil {
		return nil, err
	}
	for i := range s.specs {
		fill(rnd, m.Maps().At(i))
	}
	if _, err := m.Load(s.vmProg); err != nil {
		return nil, err
	}
	packet := s.data
	if rnd.Intn(3) > 0 {
		packet = make([]byte, 14+rnd.Intn(120))
		rnd.Read(packet)
	}
	in := vm.Input{Packet: packet, Seed: rnd.Uint64(), Clock: rnd.Uint64() >> 1,
		Start: hook.Start{Ifindex: rnd.Uint32()>>1 + 1, Queue: rnd.Uint32()}}
	return m, m.Reset(in)
}

// run runs the program over a random input.
func (s *sound) run(rnd *rand.Rand) error {
	m, err := s.begin(rnd)
	if err != nil {
		return err
	}
	for range soundSteps {
		if err := s.check(m); err != nil {
			return err
		}
		if slices.Contains(s.callbacks, m.PC()) {
			s.rounds++
		}
		m.Step()
		s.steps++
		if f := m.Fault(); f != nil {
			return fmt.Errorf("fault: %s", f.Detail())
		}
		if m.Done() {
			return nil
		}
	}
	return nil
}

// fill puts random values into a map whose user may write it.
func fill(rnd *rand.Rand, m maps.Map) {
	if m.ValueSize() == 0 || m.Type() == uint32(maps.ProgArray) {
		return
	}
	for k := range m.MaxEntries() {
		if k > 4 {
			break
		}
		key := make([]byte, m.KeySize())
		binary.LittleEndian.PutUint32(key, k)
		value := make([]byte, m.ValueSize())
		rnd.Read(value)
		if rnd.Intn(2) == 0 {
			clear(value[len(value)/2:])
		}
		m.Set(key, value, 0)
	}
}

// check finds a state of the verifier that the machine is in.
func (s *sound) check(m *vm.Machine) error {
	frames := m.Frames()
	var sites []int
	for _, f := range frames[:len(frames)-1] {
		sites = append(sites, f.PC-1)
	}
	pc := m.PC()
	all := s.states[place{pc, fmt.Sprint(sites)}]
	if len(all) == 0 {
		return fmt.Errorf("pc %d, called from %v: the verifier was never here", pc, sites)
	}
	in := s.prog.Insns[pc]
	read := reads(in)
	if len(sites) > 0 && in.Op == isa.ClassJMP|isa.JmpExit {
		read = nil // whether the caller reads r0 shows later
	}
	s.values += len(read)
	var why error
	for i := range all {
		why = nil
		for _, r := range read {
			if err := s.holds(m, frames, &all[i].regs[r], m.Reg(int(r))); err != nil {
				why = fmt.Errorf("pc %d: r%d is %#x: %w", pc, r, m.Reg(int(r)), err)
				break
			}
		}
		if why == nil {
			return nil
		}
	}
	return fmt.Errorf("in none of %d states; the last: %w", len(all), why)
}

// reads are the registers whose value an instruction depends on.
func reads(in isa.Insn) []uint8 {
	switch in.Class() {
	case isa.ClassALU, isa.ClassALU64:
		var out []uint8
		if op := in.ALUOp(); op != isa.OpMov {
			out = append(out, in.Dst)
		}
		if in.Source() == isa.SrcX && in.ALUOp() != isa.OpEnd {
			out = append(out, in.Src)
		}
		return out
	case isa.ClassLDX:
		return []uint8{in.Src}
	case isa.ClassST:
		return []uint8{in.Dst}
	case isa.ClassSTX:
		if in.Mode() == isa.ModeAtomic && in.Imm == isa.AtomicCmpxchg {
			return []uint8{in.Dst, in.Src, isa.R0}
		}
		return []uint8{in.Dst, in.Src}
	case isa.ClassLD:
		if in.Mode() == isa.ModeInd {
			return []uint8{isa.R6, in.Src}
		}
		return nil
	}
	switch in.JmpOp() {
	case isa.JmpA, isa.JmpCond:
		return nil
	case isa.JmpExit:
		return []uint8{isa.R0}
	case isa.JmpCall:
		if in.Src != 0 {
			return nil
		}
		var out []uint8
		if p := helper.Lookup(int(in.Imm)); p != nil {
			for i, a := range p.Args {
				if a != 0 {
					out = append(out, uint8(i+1))
				}
			}
		}
		return out
	}
	if in.Source() == isa.SrcX {
		return []uint8{in.Dst, in.Src}
	}
	return []uint8{in.Dst}
}

// holds tells why v is not one of the values that the state knows of.
func (s *sound) holds(m *vm.Machine, frames []vm.Frame, a *verifier.RegState, v uint64) error {
	if a.Type.MayBeNull() && v == 0 {
		return nil
	}
	off := v - uint64(int64(a.Off)) // of a pointer: its variable part and base
	switch a.Type.Base() {
	case verifier.NotInit:
		return fmt.Errorf("not initialized")
	case verifier.ScalarValue:
		return inside(a, v)
	case verifier.PtrToStack:
		return inside(a, off-uint64(frames[a.FrameNo].Top))
	case verifier.PtrToCtx:
		base, _ := m.Context()
		return inside(a, off-uint64(base))
	case verifier.PtrToPacket:
		p, _ := m.Packet()
		if n := verifier.PktRange(a); n > 0 && off+uint64(n) > p.End {
			return fmt.Errorf("%d bytes of packet are proved, %d are there", n, int64(p.End-off))
		}
		return inside(a, off-p.Data)
	case verifier.PtrToPacketEnd:
		if p, _ := m.Packet(); v != p.End {
			return fmt.Errorf("not the packet's end")
		}
	case verifier.PtrToMapValue:
		r := m.Arena().Find(uint32(off))
		if r == nil || r.Kind != arena.Value || r.Map != s.used[verifier.MapOf(a)] {
			return fmt.Errorf("not a value of map %d", s.used[verifier.MapOf(a)])
		}
		w := r.Window(uint32(off))
		return inside(a, off-uint64(w.Base))
	default:
		if v == 0 {
			return fmt.Errorf("NULL, but known as %s", a.Type)
		}
	}
	return nil
}

// inside compares with the four ranges and the known bits.
func inside(a *verifier.RegState, v uint64) error {
	switch w := uint32(v); {
	case v < a.UMin || v > a.UMax:
		return fmt.Errorf("%#x not in u64 [%#x, %#x]", v, a.UMin, a.UMax)
	case int64(v) < a.SMin || int64(v) > a.SMax:
		return fmt.Errorf("%d not in s64 [%d, %d]", int64(v), a.SMin, a.SMax)
	case w < a.U32Min || w > a.U32Max:
		return fmt.Errorf("%#x not in u32 [%#x, %#x]", w, a.U32Min, a.U32Max)
	case int32(w) < a.S32Min || int32(w) > a.S32Max:
		return fmt.Errorf("%d not in s32 [%d, %d]", int32(w), a.S32Min, a.S32Max)
	case v&^a.VarOff.Mask != a.VarOff.Value:
		return fmt.Errorf("%#x not in bits (%#x; %#x)", v, a.VarOff.Value, a.VarOff.Mask)
	}
	return nil
}

package trial

import (
	"encoding/binary"

	"skep/labs/grade"
	"skep/vm"
	"skep/vm/isa"
	"skep/vm/race"
	"skep/vm/world"
)

// Bounds of an exploration of orders.
const (
	raceSlice  = 100_000
	raceBudget = 20_000_000
)

// races says whether a spec asks for orders.
func races(s *grade.Spec) bool {
	for i := range s.Rules {
		if s.Rules[i].Kind == grade.Race {
			return true
		}
	}
	return false
}

// loss is what a map loses at worst, and the shortest order that loses some.
type loss struct {
	most  int
	turns []race.Turn
}

// lostUpdates runs the first two firings of a trace at the same time on two
// CPUs, in every order of their instructions up to race.DefaultSwitches
// switches, and says how much less than one after the other each map can hold
// at the end. It is nil when the trace does not fire twice.
func (t *trial) lostUpdates(events []world.Event) map[string]int {
	cfg := world.Config{Seed: t.ex.Seed, CPUs: max(t.ex.CPUs, 2), BTF: t.ex.Kernel}
	hw := world.Around(cfg)
	r, err := t.build(vm.Config{World: hw, Seed: t.ex.Seed, ArenaLimit: maxArena}, hw, cfg)
	if err != nil {
		return nil
	}
	both, ok := r.startTwo(world.Expand(events, t.ex.Seed))
	if !ok {
		return nil
	}
	worst := make([]loss, len(t.src.Maps))
	var serial []uint64
	e := race.New(r.m, race.Options{All: true, Check: func(m *vm.Machine) string {
		now := r.totals()
		if serial == nil { // the first order is one CPU after the other
			serial = now
		}
		for i := range now {
			n := int(int64(serial[i] - now[i]))
			if n > 0 && worst[i].turns == nil { // orders come by their number of switches
				worst[i].turns = turns(m)
			}
			worst[i].most = max(worst[i].most, n)
		}
		return ""
	}})
	for spent := 0; !e.Run(raceSlice); spent += raceSlice {
		if spent > raceBudget || t.ex.Context != nil && t.ex.Context.Err() != nil {
			break
		}
	}
	if serial == nil {
		return nil
	}
	out := make(map[string]int, len(worst))
	for i := range worst {
		name := t.src.Maps[i].Spec.Name
		out[name] = max(out[name], worst[i].most)
		if w := &worst[i]; w.turns != nil {
			t.lost = append(t.lost, lostOrder{name, r.undone(w.turns, i), orderOf(both, w.turns)})
		}
	}
	return out
}

// turns is the order that a machine has come by.
func turns(m *vm.Machine) []race.Turn {
	var out []race.Turn
	all := m.Turns()
	for i, t := range all {
		end := m.Steps()
		if i+1 < len(all) {
			end = min(end, all[i+1].Step)
		}
		if end > t.Step {
			out = append(out, race.Turn{CPU: t.CPU, Steps: end - t.Step})
		}
	}
	return out
}

// lostOrder is an order in which a map loses an update, behind an instruction.
type lostOrder struct {
	name  string
	step  uint64
	order *grade.Order
}

func orderOf(events [2]int, turns []race.Turn) *grade.Order {
	o := &grade.Order{Events: events}
	for _, t := range turns {
		o.Turns = append(o.Turns, grade.Turn(t))
	}
	return o
}

// undone runs an order and finds the instruction behind which an update of a
// map is lost: it writes over what another CPU wrote after this one has read.
// Where values are not changed in place it is the last one.
func (r *rig) undone(order []race.Turn, which int) uint64 {
	type write struct {
		cpu uint32
		at  uint64
	}
	type read struct{ cpu, word uint32 }
	wrote, saw := map[uint32]write{}, map[read]uint64{}
	words := func(addr, n uint32, f func(word uint32)) {
		if g := r.m.Arena().Find(addr); g == nil || int(g.Map) != which {
			return
		}
		for w := addr >> 2; w <= (addr+n-1)>>2; w++ {
			f(w)
		}
	}
	r.m.Seek(0)
	step := uint64(0)
	for _, t := range order {
		for range t.Steps {
			addr, n, store := r.m.NextAccess(t.CPU)
			atomic := store && isAtomic(r.m, t.CPU)
			if step++; n > 0 && (!store || atomic) {
				words(uint32(addr), n, func(w uint32) { saw[read{t.CPU, w}] = step })
			}
			r.m.StepOn(t.CPU)
			lost := false
			for _, c := range r.m.LastChange().Mem {
				words(c.Addr, c.Len, func(w uint32) {
					last, was := wrote[w]
					seen, did := saw[read{t.CPU, w}]
					lost = lost || was && did && last.cpu != t.CPU && seen < last.at
					wrote[w] = write{t.CPU, step}
				})
			}
			if lost {
				return step
			}
		}
	}
	return step
}

// isAtomic says whether the next instruction on a CPU reads and writes in one.
func isAtomic(m *vm.Machine, cpu uint32) bool {
	c := m.CPU(cpu)
	p := m.Program(c.Prog)
	return p != nil && c.PC < len(p.Insns) && p.Insns[c.PC].Op&0xe7 == isa.ClassSTX|isa.ModeAtomic
}

// startTwo puts the first two firings into flight, on CPU 0 and 1, and says
// which events they are of.
func (r *rig) startTwo(events []world.Event) (both [2]int, ok bool) {
	cpu := uint32(0)
	for n, e := range events {
		r.w.Begin(e)
		f, in, ok := r.w.Next()
		if !ok {
			continue
		}
		in.CPU = cpu
		both[cpu] = n
		r.m.Entry(r.w.Machine(f))
		if cpu == 1 {
			return both, r.m.Start(in) == nil
		}
		if r.m.Reset(in) != nil {
			return both, false
		}
		cpu++
	}
	return both, false
}

// totals is the sum of all 64-bit words in the values of each map.
func (r *rig) totals() []uint64 {
	list := r.maps()
	out := make([]uint64, len(list))
	for i := range list {
		for _, e := range list[i].Entries {
			for _, v := range e.Values {
				for ; len(v) >= 8; v = v[8:] {
					out[i] += binary.LittleEndian.Uint64(v)
				}
				if len(v) >= 4 {
					out[i] += uint64(binary.LittleEndian.Uint32(v))
				}
			}
		}
	}
	return out
}

package trial

import (
	"encoding/binary"

	"skep/labs/grade"
	"skep/vm"
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

// lostUpdates runs the first two firings of a trace at the same time on two
// CPUs, in every order of their instructions up to race.DefaultSwitches
// switches, and says how much less than one after the other each map can hold
// at the end. It is nil when the trace does not fire twice.
func (t *trial) lostUpdates(events []world.Event) map[string]int {
	cfg := world.Config{Seed: t.ex.Seed, CPUs: max(t.ex.CPUs, 2), BTF: t.ex.Kernel}
	hw := world.Around(cfg)
	r, err := t.build(vm.Config{World: hw, Seed: t.ex.Seed, ArenaLimit: maxArena}, hw, cfg)
	if err != nil || !r.startTwo(world.Expand(events, t.ex.Seed)) {
		return nil
	}
	worst := make(map[string]int, len(t.src.Maps))
	var serial []uint64
	e := race.New(r.m, race.Options{All: true, Check: func(m *vm.Machine) string {
		now := r.totals()
		if serial == nil { // the first order is one CPU after the other
			serial = now
		}
		for i := range now {
			name := t.src.Maps[i].Spec.Name
			worst[name] = max(worst[name], int(int64(serial[i]-now[i])))
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
	return worst
}

// startTwo puts the first two firings into flight, on CPU 0 and 1.
func (r *rig) startTwo(events []world.Event) bool {
	cpu := uint32(0)
	for _, e := range events {
		r.w.Begin(e)
		f, in, ok := r.w.Next()
		if !ok {
			continue
		}
		in.CPU = cpu
		r.m.Entry(r.w.Machine(f))
		if cpu == 1 {
			return r.m.Start(in) == nil
		}
		if r.m.Reset(in) != nil {
			return false
		}
		cpu++
	}
	return false
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

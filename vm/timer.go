package vm

import (
	"errors"
	"slices"
	"sort"

	"skep/vm/helper"
	"skep/vm/isa"
	"skep/vm/maps"
)

// Timer is a bpf_timer, or a bpf_wq, that a program has initialised in a map
// value. Nothing fires by itself: whoever moves the virtual clock asks for
// NextTimer and fires it.
type Timer struct {
	Map   int    // index of the map
	Key   []byte // of the element
	Value uint32 // address of its value
	Addr  uint32 // of the bpf_timer in it

	Armed   bool
	Expires uint64 // CLOCK_MONOTONIC ns, when armed
	Work    bool   // a bpf_wq: it is due as soon as it is started
	CPU     uint32 // that started it
	Prog    int    // program of the callback, -1: none is set
	PC      int    // slot where it begins
}

var errNoTimer = errors.New("timer: it is not armed")

// Timers is the initialised timers, armed ones first in the order in which
// they fire.
func (m *Machine) Timers() []Timer {
	var out []Timer
	for _, mp := range m.maps.Maps() {
		out = m.mapTimers(out, mp)
	}
	sort.Stable(byExpiry(out))
	return out
}

type byExpiry []Timer

func (t byExpiry) Len() int { return len(t) }
func (t byExpiry) Less(i, j int) bool {
	return t[i].Armed && !t[j].Armed || t[i].Armed == t[j].Armed && t[i].Expires < t[j].Expires
}
func (t byExpiry) Swap(i, j int) { t[i], t[j] = t[j], t[i] }

// mapTimers finds the timers of a map: parts of its values of that size whose
// first word is one (lists and trees begin with an address, which is even).
func (m *Machine) mapTimers(out []Timer, mp maps.Map) []Timer {
	has := false
	for _, s := range mp.Spec().Special {
		has = has || s.Len == helper.TimerSize
	}
	if !has {
		return out
	}
	for pos := uint64(0); ; {
		key, value, next, ok := mp.Each(pos, 0)
		if !ok {
			return out
		}
		pos = next
		for _, s := range mp.Spec().Special {
			at := uint32(value) + s.Off
			if s.Len != helper.TimerSize || !m.arena.Valid(at, s.Len) {
				continue
			}
			t := helper.ParseTimer(m.arena.Bytes(at, s.Len))
			if !t.Init {
				continue
			}
			v := Timer{
				Map: mp.Index(), Key: slices.Clone(key), Value: uint32(value), Addr: at,
				Armed: t.Expires != 0, Expires: t.Expires, Work: t.Work, CPU: t.CPU, Prog: -1,
			}
			if op, c := m.callback(t.Callback); c != nil {
				v.Prog, v.PC = int(c.number), int(c.slot[op])
			}
			out = append(out, v)
		}
	}
}

// callback is the function that the lower half of a function pointer means.
func (m *Machine) callback(low uint32) (int32, *code) {
	if n := low >> funcBits; low != 0 && int(n) < len(m.progs) {
		c := m.progs[n]
		if op, ok := c.funcOp(funcTag | uint64(low)); ok {
			return op, c
		}
	}
	return 0, nil
}

// NextTimer is the armed timer that fires first.
func (m *Machine) NextTimer() (Timer, bool) {
	if all := m.Timers(); len(all) > 0 && all[0].Armed {
		return all[0], true
	}
	return Timer{}, false
}

// FireTimer puts the machine at the start of the callback of an armed timer,
// as Reset does with a program: its arguments are the map, the key and the
// value, the time is that at which the timer fires or in.Clock if that is
// later. As in the kernel the timer is not armed while its callback runs,
// which may start it again.
func (m *Machine) FireTimer(t Timer, in Input) error {
	if !m.arena.Valid(t.Addr, helper.TimerSize) || m.maps.At(t.Map) == nil {
		return errNoTimer
	}
	state := helper.ParseTimer(m.arena.Bytes(t.Addr, helper.TimerSize))
	op, c := m.callback(state.Callback)
	if !state.Init || state.Expires == 0 || c == nil {
		return errNoTimer
	}
	in.Clock = max(in.Clock, state.Expires)
	in.Ctx, in.Packet = []byte{}, nil
	entry := m.entry
	m.entry = int(c.number)
	err := m.Reset(in)
	m.entry = entry
	if err != nil {
		return err
	}
	state.Expires = 0
	b := state.Bytes()
	m.arena.Write(t.Addr, b[:])
	m.cpu.pc = uint64(op)
	m.cpu.vars[helper.VarTimer] = uint64(t.Addr)
	m.cpu.r[isa.R1] = uint64(m.maps.At(t.Map).Ptr())
	m.cpu.r[isa.R2] = (*env)(m).Scratch(t.Key)
	m.cpu.r[isa.R3] = uint64(t.Value)
	m.beginHistory()
	return nil
}

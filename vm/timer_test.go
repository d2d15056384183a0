package vm_test

import (
	"testing"

	"skep/vm"
	"skep/vm/helper"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// timerMaps: a value is a struct bpf_timer and a counter.
var timerMaps = []maps.Spec{{
	Name: "timers", Type: maps.Array, KeySize: 4, ValueSize: 24, MaxEntries: 2, Special: []maps.Span{{Off: 0, Len: 16}},
}}

// tick arms the timer of element 1 for 1,000 ns; its callback counts and arms
// it again until it has run three times.
const tick = `
	*(u32 *)(r10 -4) = 1
	r1 = MAP0
	r2 = r10
	r2 += -4
	call 1
	if r0 == 0 goto out
	r6 = r0
	r1 = r6
	r2 = MAP0
	r3 = 1
	call 169
	r1 = r6
	r2 = 4242 ll
	call 170
	r1 = r6
	r2 = 1000
	r3 = 0
	call 171
out:
	r0 = 0
	exit
callback:
	r6 = r3
	r7 = *(u64 *)(r6 +16)
	r7 += 1
	*(u64 *)(r6 +16) = r7
	r1 = r6
	call 172
	r8 = r0
	if r7 > 2 goto done
	r1 = r6
	r2 = 500
	r3 = 0
	call 171
done:
	r0 = 0
	exit`

const tickCallback = 23 // slot

func withCallback(t *testing.T, src string, slot int32) []isa.Insn {
	t.Helper()
	code := withMaps(t, src)
	for i := range code {
		if code[i].IsWide() && code[i].Imm == 4242 {
			code[i].Src, code[i].Imm = isa.PseudoFunc, slot-int32(i)-1
		}
	}
	return code
}

func TestTimer(t *testing.T) {
	code := withCallback(t, tick, tickCallback)
	if in := code[tickCallback]; in.Dst != 6 || in.Src != 3 {
		t.Fatalf("the callback is elsewhere: %v", code)
	}
	m, err := vm.New(vm.Config{Maps: timerMaps, Clock: 1_000_000, World: &helper.World{CPUs: 4}})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one is what runs
		if _, err := m.Load(&vm.Program{Type: hook.XDP, Insns: code}); err != nil {
			t.Fatal(err)
		}
	}
	m.Entry(1)
	if err := m.Reset(vm.Input{CPU: 2}); err != nil {
		t.Fatal(err)
	}
	if _, ok := m.NextTimer(); ok {
		t.Error("armed before the program ran")
	}
	if s := m.Run(1000); s != vm.StopExit {
		t.Fatalf("%v: %v", s, m.Fault())
	}
	fired := 0
	last := uint64(0)
	for {
		next, ok := m.NextTimer()
		if !ok {
			break
		}
		if next.Map != 0 || next.Key[0] != 1 || next.CPU != 2 || next.Prog != 1 || next.PC != tickCallback || next.Expires <= last {
			t.Fatalf("%+v", next)
		}
		last = next.Expires
		if err := m.FireTimer(next, vm.Input{CPU: next.CPU}); err != nil {
			t.Fatal(err)
		}
		if m.PC() != tickCallback || m.Clock() != next.Expires || m.Timers()[0].Armed {
			t.Errorf("slot %d at %d, want the callback at %d", m.PC(), m.Clock(), next.Expires)
		}
		if s := m.Run(1000); s != vm.StopExit {
			t.Fatalf("callback: %v: %v", s, m.Fault())
		}
		if got := int64(m.Reg(8)); got != -35 {
			t.Errorf("bpf_timer_cancel in the timer's own callback: %d, want -EDEADLK", got)
		}
		if fired++; fired > 5 {
			t.Fatal("it never stops")
		}
	}
	v, _ := m.Maps().At(0).Get([]byte{1, 0, 0, 0})
	if fired != 3 || v[16] != 3 {
		t.Errorf("fired %d times, counter %d", fired, v[16])
	}
	// Deleting or replacing a value takes its timer away; an update leaves it.
	if e := m.Maps().At(0).Set([]byte{1, 0, 0, 0}, make([]byte, 24), maps.Any); e != 0 {
		t.Fatal(e)
	}
	if len(m.Timers()) != 1 {
		t.Error("an update of an array's value took its timer away")
	}
	if err := m.FireTimer(m.Timers()[0], vm.Input{}); err == nil {
		t.Error("fired a timer that is not armed")
	}
}

package vm_test

import (
	"fmt"
	"hash/fnv"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"skep/vm"
	"skep/vm/helper"
	"skep/vm/isa"
	"skep/vm/maps"
)

// inFlight is a machine with the same program on n CPUs.
func inFlight(t *testing.T, n int, specs []maps.Spec, insns []isa.Insn) *vm.Machine {
	t.Helper()
	cfg := vm.Config{Maps: specs, World: &helper.World{CPUs: 4}}
	m := machine(t, cfg, vm.Input{Ctx: make([]byte, 8)}, insns...)
	for cpu := 1; cpu < n; cpu++ {
		if err := m.Start(vm.Input{Ctx: make([]byte, 8), CPU: uint32(cpu)}); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// order runs the CPUs of a string, '0' for CPU 0, each for an instruction.
func order(t *testing.T, m *vm.Machine, cpus string) (stop vm.Stop) {
	t.Helper()
	for _, c := range cpus {
		if stop = m.StepOn(uint32(c - '0')); stop == vm.StopFault {
			return stop
		}
	}
	return stop
}

func finish(m *vm.Machine, cpus ...uint32) {
	for _, cpu := range cpus {
		for m.StepOn(cpu) == vm.StopStep {
		}
	}
}

func counter(m *vm.Machine) uint64 {
	v, _ := m.Maps().ByName("array").Get(make([]byte, 4))
	return uint64(v[0])
}

const plusPlus = `
	r1 = VAL1
	r2 = *(u64 *)(r1 +0)
	r2 += 1
	*(u64 *)(r1 +0) = r2
	r0 = 0
	exit`

func TestLostUpdate(t *testing.T) {
	for _, c := range []struct {
		src, order string
		want       uint64
	}{
		{plusPlus, "00000011111111", 2},
		{plusPlus, "0011111100000", 1},
		{plusPlus, "110000001111", 1},
		{"r1 = VAL1\nr2 = 1\nlock *(u64 *)(r1 +0) += r2\nr0 = 0\nexit", "0110010101", 2},
		{"r1 = VAL1\nr2 = 1\nr2 = atomic64_fetch_add((u64 *)(r1 +0), r2)\nr0 = 0\nexit", "0110010101", 2},
	} {
		m := inFlight(t, 2, testMaps, withMaps(t, c.src))
		order(t, m, c.order)
		finish(m, 0, 1)
		if got := counter(m); got != c.want || !m.Done() {
			t.Errorf("%s in order %s: counter %d, want %d; done %v", c.src, c.order, got, c.want, m.Done())
		}
		turns := slices.Clone(m.Turns())
		end := m.Steps()
		for m.Back() == vm.StopStep {
		}
		if m.Steps() != 0 || counter(m) != 0 {
			t.Errorf("back: step %d, counter %d", m.Steps(), counter(m))
		}
		if m.Seek(end); counter(m) != c.want || m.Steps() != end || !slices.Equal(turns, m.Turns()) {
			t.Errorf("again: counter %d at %d, turns %v, were %v", counter(m), m.Steps(), m.Turns(), turns)
		}
	}
}

var memSeed = maphash.MakeSeed()

// Any order can be walked in both directions, and a change of order forgets
// what was behind.
func TestLanesHistory(t *testing.T) {
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 77))
		m := inFlight(t, 3, testMaps, random(r, 60))
		look := func() uint64 {
			h := fnv.New64a()
			for _, c := range m.CPUs() {
				m.Look(c.CPU, func() {
					for i := range isa.NumRegs {
						fmt.Fprint(h, m.Reg(i), " ")
					}
					fmt.Fprintln(h, m.PC(), c.Ended)
				})
			}
			return h.Sum64() ^ maphash.Bytes(memSeed, m.Arena().Buf)
		}
		seen := []uint64{look()}
		for range 300 {
			if m.StepOn(uint32(r.IntN(3))) == vm.StopStep || m.Steps() == uint64(len(seen)) {
				if m.Steps() != uint64(len(seen)) {
					t.Fatalf("seed %d: step %d after %d states", seed, m.Steps(), len(seen))
				}
				seen = append(seen, look())
			}
		}
		for range 60 {
			at := uint64(r.IntN(len(seen)))
			m.Seek(at)
			if m.Steps() != at || look() != seen[at] {
				t.Fatalf("seed %d: seek to %d comes to another state (step %d)", seed, at, m.Steps())
			}
			if r.IntN(3) == 0 {
				back := min(at, uint64(r.IntN(20)))
				for range back {
					m.Back()
				}
				if look() != seen[at-back] {
					t.Fatalf("seed %d: %d steps back from %d is another state", seed, back, at)
				}
			}
			if r.IntN(6) == 0 { // another order from here on
				cpu := uint32(r.IntN(3))
				here := m.Steps()
				if m.StepOn(cpu); m.Steps() == here+1 && (here+1 == uint64(len(seen)) || look() != seen[here+1]) {
					seen = append(seen[:here+1], look())
					if m.Reached() != here+1 {
						t.Fatalf("seed %d: %d steps are known, want %d", seed, m.Reached(), here+1)
					}
				}
			}
		}
	}
}

var lockMaps = []maps.Spec{
	{}, {Name: "array", Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 2, Special: []maps.Span{{Off: 0, Len: 4}}, SpinLock: true},
}

// locked adds one to the second word of element 0 under its lock.
const locked = `
	r6 = VAL1
	r1 = r6
	call 93
	r2 = *(u64 *)(r6 +8)
	r2 += 1
	*(u64 *)(r6 +8) = r2
	r1 = r6
	call 94
	r0 = 0
	exit`

func TestSpinLock(t *testing.T) {
	specs := []maps.Spec{testMaps[0], lockMaps[1]}
	m := inFlight(t, 2, specs, withMaps(t, locked))
	order(t, m, "000110")
	if s := m.StepOn(1); s != vm.StopWait {
		t.Fatalf("CPU 1 takes a held lock: %v", s)
	}
	steps := m.Steps()
	c := m.CPUs()[1]
	if !c.Waits || c.Holder != 0 || m.Steps() != steps || c.Steps != 2 {
		t.Errorf("%+v after %d steps", c, steps)
	}
	finish(m, 0)
	finish(m, 1)
	v, _ := m.Maps().ByName("array").Get(make([]byte, 4))
	if v[8] != 2 || !m.Done() || m.CPUs()[1].Fault != nil {
		t.Errorf("counter %d, done %v", v[8], m.Done())
	}

	// A lock held for ever.
	half := strings.Replace(locked, "call 94", "r1 = 0", 1)
	m = inFlight(t, 2, specs, withMaps(t, half))
	finish(m, 0)
	order(t, m, "111")
	if f := m.CPUs()[1].Fault; f == nil || f.Code != vm.CodeDeadlock ||
		f.Error() != "instruction 3: CPU 1 waits for the spin lock in a value of map `array`, and CPU 0, which holds it, has ended and not given it back" {
		t.Errorf("fault: %v", f)
	}
	if m.Back(); m.CPUs()[1].Fault != nil || m.CPUs()[1].Ended {
		t.Error("the fault stays after a step back")
	}

	// Two locks in two orders.
	both := `
		r6 = VAL1
		r7 = r6
		call 8
		if r0 == 0 goto first
		r6 += STRIDE
		goto take
	first:
		r7 += STRIDE
	take:
		r1 = r6
		call 93
		r1 = r7
		call 93
		r0 = 0
		exit`
	array := m.Maps().ByName("array")
	stride := array.Lookup([]byte{1, 0, 0, 0}, 0) - array.Lookup(make([]byte, 4), 0)
	m = inFlight(t, 2, specs, withMaps(t, strings.ReplaceAll(both, "STRIDE", strconv.FormatUint(stride, 10))))
	order(t, m, "0000000"+"11111111"+"01")
	if s := m.StepOn(0); s != vm.StopFault || !strings.Contains(m.CPUs()[0].Fault.Error(), "waits too: a deadlock") {
		t.Errorf("%v: %+v", s, m.CPUs())
	}
}

// An update with BPF_F_LOCK waits as well.
func TestLockedUpdateWaits(t *testing.T) {
	specs := []maps.Spec{testMaps[0], lockMaps[1]}
	src := `
		call 8
		if r0 == 1 goto update
		r1 = VAL1
		call 93
		r0 = 0
		r1 = VAL1
		call 94
		exit
	update:
		*(u32 *)(r10 -4) = 0
		r1 = MAP1
		r2 = r10
		r2 += -4
		r3 = r10
		r3 += -32
		r4 = 4
		call 2
		exit`
	m := inFlight(t, 2, specs, withMaps(t, src))
	order(t, m, "0000")
	var stop vm.Stop
	for stop = vm.StopStep; stop == vm.StopStep; stop = m.StepOn(1) {
	}
	if stop != vm.StopWait {
		t.Fatalf("%v", stop)
	}
	finish(m, 0, 1)
	if !m.Done() || m.CPUs()[1].Fault != nil {
		t.Errorf("%+v", m.CPUs())
	}
}

func TestStartErrors(t *testing.T) {
	m := inFlight(t, 1, testMaps, withMaps(t, plusPlus))
	in := func(cpu uint32) vm.Input { return vm.Input{Ctx: make([]byte, 8), CPU: cpu} }
	for _, c := range []struct {
		cpu  uint32
		want string
	}{
		{0, "machine: that CPU has a run in flight already"},
		{4, "input: there is no such CPU, see World.CPUs"},
		{1, ""},
		{1, "machine: that CPU has a run in flight already"},
	} {
		err := m.Start(in(c.cpu))
		if got := ""; err != nil && err.Error() != c.want || err == nil && c.want != got {
			t.Errorf("CPU %d: %v, want %q", c.cpu, err, c.want)
		}
	}
	if m.StepOn(3) != vm.StopStart {
		t.Error("a CPU without a run made a step")
	}
	m.StepOn(1)
	if err := m.Start(in(2)); err == nil {
		t.Error("started in the middle")
	}
	if err := m.Reset(in(0)); err != nil || len(m.CPUs()) != 1 {
		t.Errorf("after Reset: %v, %d CPUs", err, len(m.CPUs()))
	}
	for cpu := range uint32(4) {
		if err := m.Start(in(cpu)); (err != nil) != (cpu == 0) {
			t.Errorf("CPU %d after Reset: %v", cpu, err)
		}
	}
	size := m.Arena().Brk()
	m.Reset(in(0))
	m.Start(in(3))
	if m.Arena().Brk() != size {
		t.Error("the memory of a CPU is not used again")
	}
}

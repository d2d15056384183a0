package race_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"skep/vm"
	"skep/vm/asm"
	"skep/vm/helper"
	"skep/vm/isa"
	"skep/vm/maps"
	"skep/vm/race"
)

var testMaps = []maps.Spec{
	{Name: "counts", Type: maps.Array, KeySize: 4, ValueSize: 24, MaxEntries: 1, Special: []maps.Span{{Off: 0, Len: 4}}, SpinLock: true},
	{Name: "percpu", Type: maps.PerCPUArray, KeySize: 4, ValueSize: 8, MaxEntries: 1},
	{Name: "hash", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 8},
}

// assemble replaces MAPn by a map and VALn by the address of its value.
func assemble(t testing.TB, src string) []isa.Insn {
	t.Helper()
	for n := range testMaps {
		src = strings.ReplaceAll(src, fmt.Sprint("MAP", n), fmt.Sprint(1000+n, " ll"))
		src = strings.ReplaceAll(src, fmt.Sprint("VAL", n), fmt.Sprint(2000+n, " ll"))
	}
	res := asm.Assemble(src, asm.Options{Dialect: asm.Kernel})
	if len(res.Errors) > 0 {
		t.Fatalf("%v\n%s", res.Errors[0], src)
	}
	for i := range res.Insns {
		if in := &res.Insns[i]; in.IsWide() && in.Imm >= 1000 && in.Imm < 1010 {
			in.Src, in.Imm = isa.PseudoMapFD, in.Imm-1000
		} else if in.IsWide() && in.Imm >= 2000 && in.Imm < 2010 {
			in.Src, in.Imm = isa.PseudoMapValue, in.Imm-2000
		}
	}
	return res.Insns
}

func machine(t testing.TB, progs ...[]isa.Insn) *vm.Machine {
	t.Helper()
	m, err := vm.New(vm.Config{Maps: testMaps, World: &helper.World{CPUs: 4}})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range progs {
		if _, err := m.Load(&vm.Program{Insns: p}); err != nil {
			t.Fatal(err)
		}
	}
	in := vm.Input{Ctx: make([]byte, 8)}
	if err := m.Reset(in); err != nil {
		t.Fatal(err)
	}
	for i := range progs[1:] {
		in.CPU = uint32(i + 1)
		m.Entry(i + 1)
		if err := m.Start(in); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func explore(m *vm.Machine, opt race.Options) (race.Result, *race.Explorer) {
	e := race.New(m, opt)
	for !e.Run(10_000) {
	}
	return e.Result(), e
}

const (
	plusPlus = `
		r1 = VAL0
		r2 = *(u64 *)(r1 +8)
		r2 += 1
		*(u64 *)(r1 +8) = r2
		r0 = 0
		exit`
	atomicAdd = `
		r1 = VAL0
		r2 = 1
		lock *(u64 *)(r1 +8) += r2
		r0 = 0
		exit`
	locked = `
		r6 = VAL0
		r1 = r6
		call 93
		r2 = *(u64 *)(r6 +8)
		r2 += 1
		*(u64 *)(r6 +8) = r2
		r1 = r6
		call 94
		r0 = 0
		exit`
	perCPU = `
		*(u32 *)(r10 -4) = 0
		r1 = MAP1
		r2 = r10
		r2 += -4
		call 1
		if r0 == 0 goto out
		r2 = *(u64 *)(r0 +0)
		r2 += 1
		*(u64 *)(r0 +0) = r2
	out:
		r0 = 0
		exit`
	// The lock is given back too early.
	early = `
		r6 = VAL0
		r1 = r6
		call 93
		r7 = *(u64 *)(r6 +8)
		r1 = r6
		call 94
		r7 += 1
		*(u64 *)(r6 +8) = r7
		r0 = 0
		exit`
	// Two words that must be equal.
	pair = `
		r1 = VAL0
		r2 = *(u64 *)(r1 +8)
		r2 += 1
		*(u64 *)(r1 +8) = r2
		*(u64 *)(r1 +16) = r2
		r0 = 0
		exit`
	// Compare and exchange until it succeeds.
	retry = `
		r1 = VAL0
	again:
		r0 = *(u64 *)(r1 +8)
		r2 = r0
		r2 += 1
		r3 = r0
		r0 = atomic64_cmpxchg((u64 *)(r1 +8), r0, r2)
		if r0 != r3 goto again
		r0 = 0
		exit`
	// Look up, and create with 1 if there is nothing: a check that does not act at once.
	hashCount = `
		*(u32 *)(r10 -4) = 7
		r1 = MAP2
		r2 = r10
		r2 += -4
		call 1
		if r0 == 0 goto create
		r1 = 1
		lock *(u64 *)(r0 +0) += r1
		goto out
	create:
		*(u64 *)(r10 -16) = 1
		r1 = MAP2
		r2 = r10
		r2 += -4
		r3 = r10
		r3 += -16
		r4 = FLAG
		call 2
	out:
		r0 = 0
		exit`
)

func TestExplore(t *testing.T) {
	for _, c := range []struct {
		name  string
		progs []string
		turns string // of the order found; "" for none
	}{
		{"plain increment", []string{plusPlus, plusPlus}, "[{0 3} {1 6} {0 3}]"},
		{"three plain increments", []string{plusPlus, plusPlus, plusPlus}, "found"},
		{"atomic add", []string{atomicAdd, atomicAdd}, ""},
		{"plain against atomic", []string{plusPlus, atomicAdd}, "[{0 3} {1 5} {0 3}]"},
		{"spin lock", []string{locked, locked}, ""},
		{"three under a lock", []string{locked, locked, locked}, ""},
		{"per-CPU map", []string{perCPU, perCPU}, ""},
		{"lock given back early", []string{early, early}, "[{0 7} {1 10} {0 3}]"},
		{"lock of one only", []string{locked, plusPlus}, "found"},
		{"cmpxchg loop", []string{retry, retry}, ""},
		{"create without a flag", []string{strings.Replace(hashCount, "FLAG", "0", 1), strings.Replace(hashCount, "FLAG", "0", 1)}, "found"},
		{"no shared memory", []string{"r0 = 1\nexit", "r0 = 2\nexit"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var progs [][]isa.Insn
			for _, p := range c.progs {
				progs = append(progs, assemble(t, p))
			}
			m := machine(t, progs...)
			r, _ := explore(m, race.Options{})
			t.Logf("%+v", r)
			got := ""
			if r.Found {
				got = fmt.Sprint(r.Turns)
			}
			if c.turns == "found" && r.Found {
				got = "found"
			}
			if got != c.turns {
				t.Fatalf("found %q, want %q (%s)", got, c.turns, r.Why)
			}
			if !r.Found && !r.Complete {
				t.Error("not every order was looked at")
			}
			if m.Steps() != 0 || m.Maps().At(2).Len() != 0 {
				t.Error("the machine is not at its start")
			}
		})
	}
}

// The order that was found, made again, loses the update.
func TestReplay(t *testing.T) {
	m := machine(t, assemble(t, plusPlus), assemble(t, plusPlus))
	r, _ := explore(m, race.Options{})
	for _, turn := range r.Turns {
		for range turn.Steps {
			if s := m.StepOn(turn.CPU); s != vm.StopStep && s != vm.StopExit {
				t.Fatal(s)
			}
		}
	}
	if v, _ := m.Maps().At(0).Get(make([]byte, 4)); !m.Done() || v[8] != 1 {
		t.Errorf("done %v, counter %d, want 1 after two increments", m.Done(), v[8])
	}
}

func TestCheck(t *testing.T) {
	m := machine(t, assemble(t, pair), assemble(t, pair))
	torn := func(m *vm.Machine) string {
		if v, _ := m.Maps().At(0).Get(make([]byte, 4)); v[8] != v[16] {
			return "the two words differ"
		}
		return ""
	}
	r, _ := explore(m, race.Options{Check: torn})
	if !r.Found || r.Why != "the two words differ" || r.Switches != 1 {
		t.Errorf("%+v", r)
	}
	// ABBA: two locks are needed, which one map value has not; a program that
	// keeps its lock does as well.
	half := strings.Replace(locked, "call 94", "r1 = 0", 1)
	r, _ = explore(machine(t, assemble(t, half), assemble(t, locked)), race.Options{})
	if !r.Found || !strings.Contains(r.Why, "has ended and not given it back") {
		t.Errorf("%+v", r)
	}
}

func TestBounds(t *testing.T) {
	long := "r1 = 0\nagain:\nr1 += 1\nif r1 < 1000 goto again\nr0 = 0\nexit"
	r, _ := explore(machine(t, assemble(t, long), assemble(t, atomicAdd)), race.Options{Steps: 200})
	if r.Complete {
		t.Errorf("a loop that takes too long was explored completely: %+v", r)
	}
	// A loop that waits for the other CPU comes to states that were met before.
	wait := "again:\nr1 = VAL0\nr2 = *(u64 *)(r1 +8)\nif r2 == 0 goto again\nr0 = 0\nexit"
	r, _ = explore(machine(t, assemble(t, wait), assemble(t, atomicAdd)), race.Options{})
	if !r.Complete || r.Found || r.Runs == 0 {
		t.Errorf("waiting for the other CPU: %+v", r)
	}
}

// outcomes tries every order of all instructions.
func outcomes(m *vm.Machine, out map[uint64]bool) {
	if m.Done() {
		out[race.Outcome(m)] = true
		return
	}
	for _, c := range m.CPUs() {
		if c.Ended || c.Waits {
			continue
		}
		m.StepOn(c.CPU)
		outcomes(m, out)
		m.Back()
	}
}

// With enough switches the reduced search comes to exactly what all orders
// come to.
func TestBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	moves := []string{
		"r2 = *(u64 *)(r1 +8)", "r2 = *(u64 *)(r1 +16)", "r2 += 1", "r2 += 3", "*(u64 *)(r1 +8) = r2", "*(u64 *)(r1 +16) = r2",
		"lock *(u64 *)(r1 +8) += r2", "r2 = atomic64_xchg((u64 *)(r1 +16), r2)", "*(u64 *)(r10 -8) = r2", "r2 = *(u64 *)(r10 -8)",
	}
	program := func() string {
		src := []string{"r1 = VAL0", "*(u64 *)(r10 -8) = 5", fmt.Sprint("r2 = ", r.IntN(4))}
		for range 2 + r.IntN(3) {
			src = append(src, moves[r.IntN(len(moves))])
		}
		return strings.Join(append(src, "r0 = 0", "exit"), "\n")
	}
	n := 25
	if testing.Short() {
		n = 10
	}
	most := 0
	for range n {
		a, b := program(), program()
		all := map[uint64]bool{}
		outcomes(machine(t, assemble(t, a), assemble(t, b)), all)
		most = max(most, len(all))
		res, e := explore(machine(t, assemble(t, a), assemble(t, b)), race.Options{Switches: 10, All: true})
		if !res.Complete || e.Outcomes() != len(all) {
			t.Fatalf("%d outcomes, every order gives %d; complete %v\n%s\n\n%s", e.Outcomes(), len(all), res.Complete, a, b)
		}
	}
	if most < 3 {
		t.Errorf("at most %d outcomes: the programs do not race", most)
	}
}

func TestTurnsAreMerged(t *testing.T) {
	m := machine(t, assemble(t, plusPlus), assemble(t, plusPlus))
	r, _ := explore(m, race.Options{})
	for i := 1; i < len(r.Turns); i++ {
		if r.Turns[i].CPU == r.Turns[i-1].CPU {
			t.Errorf("two turns of one CPU in a row: %v", r.Turns)
		}
	}
	if slices.ContainsFunc(r.Turns, func(t race.Turn) bool { return t.Steps == 0 }) {
		t.Errorf("an empty turn: %v", r.Turns)
	}
}

func BenchmarkExplore(b *testing.B) {
	progs := [][]isa.Insn{assemble(b, locked), assemble(b, locked), assemble(b, plusPlus)}
	for b.Loop() {
		explore(machine(b, progs...), race.Options{All: true})
	}
}

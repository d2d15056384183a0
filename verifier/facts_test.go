package verifier_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skep/verifier"
	"skep/verifier/progen"
	"skep/vm"
	"skep/vm/arena"
	"skep/vm/asm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

var (
	factsN    = flag.Int("facts-n", 1500, "TestFactsHold: how many programs")
	factsSeed = flag.Int64("facts-seed", 1, "TestFactsHold: seed of the first")
)

var factsMaps = []verifier.MapInfo{
	{Name: "arr", Type: maps.Array, KeySize: 4, ValueSize: 16, MaxEntries: 4},
	{Name: "hash", Type: maps.Hash, KeySize: 4, ValueSize: 16, MaxEntries: 4},
	{Name: "progs", Type: maps.ProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4},
}

const (
	arrMap = "r1 = map[fd:0]\n"
	lookup = "r2 = r10\nr2 += -8\n" + arrMap + "call 1\nr0 = 0\nexit"
)

func TestFacts(t *testing.T) {
	alone := verifier.Facts{Alone: true}
	for _, c := range []struct {
		name, text string
		typ        hook.ProgType
		want       *verifier.Facts
	}{
		{"nothing", "r0 = 0\nexit", hook.XDP, &alone},
		{"own memory", `
			*(u64 *)(r10 -8) = 1
			r2 = *(u32 *)(r1 +0)
			r3 = *(u32 *)(r1 +4)
			r4 = r2
			r4 += 8
			r0 = 0
			if r4 > r3 goto out
			r0 = *(u8 *)(r2 +7)
			r0 &= 1
		out:
			exit`, hook.XDP, &alone},
		{"a socket", `
			r0 = 0
			r1 = *(u64 *)(r1 +168)
			if r1 == 0 goto out
			r0 = *(u32 *)(r1 +0)
		out:
			r0 = 0
			exit`, hook.SchedCls, &verifier.Facts{Alone: true, Checked: []int{3}}},
		{"one-sided", `
			r0 = 1
			r2 = *(u32 *)(r1 +16)
			r2 &= 7
			if r2 > 7 goto dead
			if w2 < 8 goto next
		dead:
			r0 = 0 ll
		next:
			r3 = 100
			r3 /= r2
			exit`, hook.XDP, &verifier.Facts{Alone: true, Never: []int{3}, Always: []int{4}, Dead: []int{5, 6}, Narrow: []int{8}}},
		{"packet's end twice", `
			r2 = *(u32 *)(r1 +0)
			r3 = *(u32 *)(r1 +4)
			r2 += 8
			r0 = 0
			if r2 > r3 goto out
			exit
		out:
			if r2 > r3 goto again
			r0 = 1
		again:
			exit`, hook.XDP, &verifier.Facts{Alone: true, Always: []int{6}, Dead: []int{7}}},
		{"divisors", `
			r2 = *(u32 *)(r1 +16)
			r3 = r2
			r3 |= 1
			r4 = 1000
			w4 /= w3
			r5 = r2
			r5 /= r3
			r5 s/= r3
			r5 /= r2
			r5 %= 7
			r0 = 0
			exit`, hook.XDP, &verifier.Facts{Alone: true, NonZero: []int{4, 6, 7}, Narrow: []int{6}}},
		{"a divisor of another path", `
			r6 = *(u32 *)(r1 +16)
			r7 = 5
			if r6 > 3 goto divide
			r7 = 0
		divide:
			r0 = 100
			r0 /= r7
			r0 = 0
			exit`, hook.XDP, &verifier.Facts{Alone: true, Narrow: []int{5}}},
		{"a key", "*(u64 *)(r10 -8) = 3\n" + lookup, hook.XDP, &verifier.Facts{Alone: true, Keys: []verifier.ConstKey{{Slot: 5, Key: 3}}, Index: []int{5}}},
		{"behind the last", "*(u64 *)(r10 -8) = 4\n" + lookup, hook.XDP, &verifier.Facts{Alone: true, Keys: []verifier.ConstKey{{Slot: 5, Key: 4}}}},
		{"an index", "r6 = *(u32 *)(r1 +16)\nr6 &= 3\n*(u32 *)(r10 -8) = r6\n" + lookup, hook.XDP, &verifier.Facts{Alone: true, Index: []int{7}}},
		{"a key of zeros", "r2 = 0\n*(u32 *)(r10 -4) = r2\nr2 = r10\nr2 += -4\n" + arrMap + "call 1\nr0 = 0\nexit",
			hook.XDP, &verifier.Facts{Alone: true, Keys: []verifier.ConstKey{{Slot: 6}}, Index: []int{6}}},
		{"two keys", "r6 = *(u32 *)(r1 +16)\n*(u64 *)(r10 -8) = 3\nif r6 > 9 goto +1\n*(u64 *)(r10 -8) = 2\n" + lookup, hook.XDP, &verifier.Facts{Alone: true, Index: []int{8}}},
		{"a key that is not known", "r6 = *(u32 *)(r1 +16)\n*(u64 *)(r10 -8) = r6\n" + lookup, hook.XDP, &alone},
		{"a hash", "*(u64 *)(r10 -8) = 3\nr2 = r10\nr2 += -8\nr1 = map[fd:1]\ncall 1\nr0 = 0\nexit", hook.XDP, &alone},
		{"a tail call", "r2 = map[fd:2]\nr3 = 0\ncall 12\nr0 = 0\nexit", hook.XDP, &alone},
		{"refused", "r0 = *(u64 *)(r0 +0)\nexit", hook.XDP, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := asm.Assemble(c.text, asm.Options{})
			if len(res.Errors) > 0 {
				t.Fatal(res.Errors[0])
			}
			p := &verifier.Program{Type: c.typ, GPL: true, Insns: res.Insns, Maps: factsMaps}
			got, err := verifier.Verify(p, verifier.Config{Facts: true, LogLevel: 1})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got.Facts); d != "" {
				t.Errorf("%v %s\n%s", got.Verdict, got.Log, d)
			}
		})
	}
}

// A function may make a tail call; the kernel wants its types for that.
func TestFactsTailCall(t *testing.T) {
	res := asm.Assemble("call f\nr0 = 0\nexit\nf:\nr2 = map[fd:2]\nr3 = 0\ncall 12\nr0 = 0\nexit", asm.Options{})
	if len(res.Errors) > 0 {
		t.Fatal(res.Errors[0])
	}
	p := &verifier.Program{Type: hook.XDP, GPL: true, Insns: res.Insns, Maps: factsMaps, FuncInfoSize: progen.FuncInfoSize}
	var err error
	if p.BTF, p.FuncInfo, err = (&progen.Program{Funcs: []progen.Func{{}, {Start: 3}}}).Describe(); err != nil {
		t.Fatal(err)
	}
	got, err := verifier.Verify(p, verifier.Config{Facts: true, LogLevel: 1})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&verifier.Facts{}, got.Facts); d != "" {
		t.Errorf("%s\n%s", got.Log, d)
	}
}

// Asking for facts changes neither verdict nor log nor counters, and hypotheses
// have none.
func TestFactsChangeNothing(t *testing.T) {
	for seed := range int64(60) {
		p := newSound(t, progen.New(progen.Config{Seed: seed, Rich: seed%2 == 1, Bad: 0.05})).prog
		plain, err := verifier.Verify(p, verifier.Config{LogLevel: 2})
		if err != nil {
			t.Fatal(err)
		}
		with, err := verifier.Verify(p, verifier.Config{LogLevel: 2, Facts: true})
		if err != nil {
			t.Fatal(err)
		}
		if (with.Facts != nil) != (with.Verdict == verifier.Accepted) {
			t.Errorf("seed %d: %v with facts %v", seed, with.Verdict, with.Facts)
		}
		with.Facts = nil
		if d := cmp.Diff(plain, with, cmp.AllowUnexported(verifier.MapInfo{})); d != "" {
			t.Errorf("seed %d: %s", seed, d)
		}
	}
}

// TestFactsHold runs accepted random programs in the checked interpreter and
// looks whether one ever contradicts a fact.
func TestFactsHold(t *testing.T) {
	var seen counts
	accepted := 0
	for i := range *factsN {
		seed := *factsSeed + int64(i)
		cfg := progen.Config{Seed: seed, Rich: i%2 == 1, Unprivileged: i%8 == 6, Callbacks: i%4 == 3}
		s := newSound(t, progen.New(cfg))
		s.cfg.Facts = true
		if cfg.Unprivileged {
			s.cfg.Privilege = verifier.Unprivileged
		}
		res, err := verifier.Verify(s.prog, s.cfg)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if res.Verdict != verifier.Accepted {
			continue
		}
		accepted++
		for run := range 4 {
			rnd := rand.New(rand.NewSource(seed<<8 + int64(run)))
			if err := s.contradicts(rnd, res.Facts, &seen); err != nil {
				t.Errorf("seed %d (%+v), run %d: %v", seed, cfg, run, err)
				break
			}
		}
		if t.Failed() && i > 2000 {
			break
		}
	}
	t.Logf("%d programs, %d accepted; %+v", *factsN, accepted, seen)
	if min(seen.Accesses, seen.Divisors, seen.Narrow, seen.Branches, seen.Keys) < accepted/20 {
		t.Error("too few of them to mean something")
	}
}

// counts says how often facts had something to say of an instruction that ran.
type counts struct{ Accesses, Divisors, Narrow, Branches, Keys, Indexes, TailCalls int }

// contradicts runs the program over a random input.
func (s *sound) contradicts(rnd *rand.Rand, f *verifier.Facts, seen *counts) error {
	m, err := s.begin(rnd)
	var broken *vm.LoadError
	switch {
	case errors.As(err, &broken): // an instruction that is none, where no path leads
		return nil
	case err != nil:
		return err
	}
	for range soundSteps {
		pc := m.PC()
		after, err := s.contradiction(m, pc, f, seen)
		if err != nil {
			return fmt.Errorf("pc %d: %w", pc, err)
		}
		m.Step()
		if fault := m.Fault(); fault != nil {
			return fmt.Errorf("fault: %s", fault.Detail())
		}
		if m.Done() {
			return nil
		}
		if after >= 0 && m.PC() != after {
			return fmt.Errorf("pc %d: a one-sided comparison went the other way", pc)
		}
	}
	return nil
}

// has looks for a slot in an ascending list.
func has(list []int, slot int) bool {
	_, ok := slices.BinarySearch(list, slot)
	return ok
}

// contradiction says which fact the instruction at pc is about to contradict,
// and where control must be after it, -1 for anywhere.
func (s *sound) contradiction(m *vm.Machine, pc int, f *verifier.Facts, seen *counts) (after int, err error) {
	in := s.prog.Insns[pc]
	if has(f.Dead, pc) {
		return -1, fmt.Errorf("it is dead")
	}
	switch in.Class() {
	case isa.ClassLDX, isa.ClassST, isa.ClassSTX:
		if has(f.Checked, pc) {
			break
		}
		seen.Accesses++
		base := in.Dst
		if in.Class() == isa.ClassLDX {
			base = in.Src
		}
		return -1, inOwnMemory(m, m.Reg(int(base))+uint64(int64(in.Off)), in.Bytes())
	case isa.ClassALU, isa.ClassALU64:
		return -1, divides(m, in, has(f.NonZero, pc), has(f.Narrow, pc), seen)
	case isa.ClassJMP, isa.ClassJMP32:
		switch {
		case has(f.Always, pc):
			seen.Branches++
			return pc + 1 + int(in.Off), nil
		case has(f.Never, pc):
			seen.Branches++
			return pc + 1, nil
		case in.Op != isa.ClassJMP|isa.JmpCall || in.Src != 0:
		case in.Imm == 12:
			seen.TailCalls++
			if f.Alone && len(m.Frames()) > 1 {
				return -1, fmt.Errorf("a tail call %d frames deep", len(m.Frames()))
			}
		}
		if has(f.Index, pc) {
			seen.Indexes++
			mp := m.Maps().ByPtr(m.Reg(isa.R1))
			if key := binary.LittleEndian.Uint32(m.Arena().Bytes(uint32(m.Reg(isa.R2)), 4)); key >= mp.MaxEntries() {
				return -1, fmt.Errorf("the key is %d, of %d", key, mp.MaxEntries())
			}
		}
		if i := slices.IndexFunc(f.Keys, func(k verifier.ConstKey) bool { return k.Slot == pc }); i >= 0 {
			seen.Keys++
			if key := binary.LittleEndian.Uint32(m.Arena().Bytes(uint32(m.Reg(isa.R2)), 4)); key != f.Keys[i].Key {
				return -1, fmt.Errorf("the key is %d, not %d", key, f.Keys[i].Key)
			}
		}
	}
	return -1, nil
}

func inOwnMemory(m *vm.Machine, addr uint64, size int) error {
	if addr > math.MaxUint32 {
		return fmt.Errorf("an access at %#x", addr)
	}
	r := m.Arena().Find(uint32(addr))
	if r == nil {
		return fmt.Errorf("an access at %#x, where nothing is", addr)
	}
	switch r.Kind {
	case arena.Stack, arena.Ctx, arena.Packet, arena.Value, arena.Ringbuf:
		if r.Window(uint32(addr)).Contains(uint32(addr), uint32(size)) {
			return nil
		}
	}
	return fmt.Errorf("an access of %d bytes at %#x of %s", size, addr, r.Name)
}

func divides(m *vm.Machine, in isa.Insn, nonZero, narrow bool, seen *counts) error {
	divisor := uint64(int64(in.Imm))
	if in.Source() == isa.SrcX {
		divisor = m.Reg(int(in.Src))
	}
	if narrow {
		seen.Narrow++
		if dividend := m.Reg(int(in.Dst)); dividend > math.MaxUint32 || divisor > math.MaxUint32 {
			return fmt.Errorf("%#x by %#x is not narrow", dividend, divisor)
		}
	}
	if in.Class() == isa.ClassALU {
		divisor = uint64(uint32(divisor))
	}
	if nonZero {
		seen.Divisors++
		if divisor == 0 {
			return fmt.Errorf("the divisor is zero")
		}
	}
	return nil
}

package vm_test

import (
	"math/rand/v2"
	"testing"

	"skep/vm"
	"skep/vm/helper"
	"skep/vm/isa"
	"skep/vm/maps"
)

var testMaps = []maps.Spec{
	{Name: "hash", Type: maps.Hash, KeySize: 4, ValueSize: 8, MaxEntries: 4},
	{Name: "array", Type: maps.Array, KeySize: 4, ValueSize: 8, MaxEntries: 4},
	{Name: "ring", Type: maps.Ringbuf, MaxEntries: 4096},
	{Name: "percpu", Type: maps.PerCPUHash, KeySize: 4, ValueSize: 4, MaxEntries: 3},
	{Name: "big", Type: maps.Hash, KeySize: 4, ValueSize: 1 << 16, MaxEntries: 64},
}

// random makes a program of n instructions that mostly does sensible things:
// arithmetic, stack and map accesses, helper calls, short forward jumps, and
// loops bounded by r9.
func random(r *rand.Rand, n int) []isa.Insn {
	ins := func(op int, dst, src uint8, off int16, imm int32) isa.Insn {
		return isa.Insn{Op: uint8(op), Dst: dst, Src: src, Off: off, Imm: imm}
	}
	call := func(id int32) isa.Insn { return ins(isa.ClassJMP|isa.JmpCall, 0, 0, 0, id) }
	ld := func(dst uint8, m int) [2]isa.Insn { return isa.Wide(dst, isa.PseudoMapFD, uint64(m)) }
	reg := func() uint8 { return uint8(r.IntN(9)) }
	out := []isa.Insn{ins(isa.ClassALU64|isa.OpMov, 9, 0, 0, 50), ins(isa.ClassALU64|isa.OpMov, 0, 0, 0, 0)}
	alu := []int{isa.OpAdd, isa.OpSub, isa.OpMul, isa.OpOr, isa.OpAnd, isa.OpLsh, isa.OpRsh, isa.OpXor, isa.OpMov, isa.OpArsh}
	start := len(out)
	for len(out) < n {
		class := isa.ClassALU64
		if r.IntN(2) == 0 {
			class = isa.ClassALU
		}
		switch r.IntN(12) {
		case 0, 1, 2:
			out = append(out, ins(class|alu[r.IntN(len(alu))]|isa.SrcX, reg(), reg(), 0, 0))
		case 3, 4:
			out = append(out, ins(class|alu[r.IntN(len(alu))], reg(), 0, 0, int32(r.Uint32())))
		case 5:
			out = append(out, ins(isa.ClassSTX|isa.ModeMem|[]int{isa.SizeB, isa.SizeH, isa.SizeW, isa.SizeDW}[r.IntN(4)], 10, reg(), int16(-8-r.IntN(500)), 0))
		case 6:
			out = append(out, ins(isa.ClassLDX|isa.ModeMem|isa.SizeDW, reg(), 10, int16(-8-r.IntN(500)), 0))
		case 7:
			out = append(out, ins(isa.ClassSTX|isa.ModeAtomic|isa.SizeDW, 10, reg(), int16(-8-8*r.IntN(60)), []int32{isa.OpAdd, isa.OpAdd | isa.AtomicFetch, isa.AtomicXchg, isa.AtomicCmpxchg}[r.IntN(4)]))
		case 8: // update or delete a key, or look it up and use the value
			m := []int{0, 0, 1, 3, 4}[r.IntN(5)]
			w := ld(1, m)
			out = append(out,
				ins(isa.ClassST|isa.ModeMem|isa.SizeW, 10, 0, -4, int32(r.IntN(6))),
				w[0], w[1],
				ins(isa.ClassALU64|isa.OpMov|isa.SrcX, 2, 10, 0, 0),
				ins(isa.ClassALU64|isa.OpAdd, 2, 0, 0, -4),
			)
			switch r.IntN(3) {
			case 0:
				out = append(out, ins(isa.ClassALU64|isa.OpMov|isa.SrcX, 3, 10, 0, 0), ins(isa.ClassALU64|isa.OpAdd, 3, 0, 0, -64), ins(isa.ClassALU64|isa.OpMov, 4, 0, 0, int32(r.IntN(3))))
				if m == 4 { // a value longer than the stack: from itself
					out = out[:len(out)-3]
					out = append(out, call(3))
				} else {
					out = append(out, call(2))
				}
			case 1:
				out = append(out, call(3))
			case 2:
				out = append(out, call(1), ins(isa.ClassJMP|isa.JmpEq, 0, 0, 2, 0), ins(isa.ClassSTX|isa.ModeMem|isa.SizeW, 0, 9, 0, 0), ins(isa.ClassLDX|isa.ModeMem|isa.SizeW, 7, 0, 0, 0))
			}
		case 9:
			out = append(out, call([]int32{5, 7, 8}[r.IntN(3)]))
		case 10: // a conditional jump over one instruction
			out = append(out, ins(isa.ClassJMP|isa.JmpGt|isa.SrcX, reg(), reg(), 1, 0), ins(isa.ClassALU64|isa.OpMov, reg(), 0, 0, int32(r.IntN(99))))
		case 11: // reserve and submit
			w := ld(1, 2)
			out = append(out, w[0], w[1],
				ins(isa.ClassALU64|isa.OpMov, 2, 0, 0, int32(8+r.IntN(64))), ins(isa.ClassALU64|isa.OpMov, 3, 0, 0, 0), call(131),
				ins(isa.ClassJMP|isa.JmpEq, 0, 0, 4, 0),
				ins(isa.ClassSTX|isa.ModeMem|isa.SizeDW, 0, 9, 0, 0),
				ins(isa.ClassALU64|isa.OpMov|isa.SrcX, 1, 0, 0, 0), ins(isa.ClassALU64|isa.OpMov, 2, 0, 0, 0), call(132+int32(r.IntN(2))))
		}
	}
	back := start - len(out) - 2
	return append(out,
		ins(isa.ClassALU64|isa.OpSub, 9, 0, 0, 1),
		ins(isa.ClassJMP|isa.JmpNe, 9, 0, int16(back), 0),
		ins(isa.ClassJMP|isa.JmpExit, 0, 0, 0, 0))
}

// State k reached by stepping forward equals state k reached by going back,
// by seeking and by running, byte for byte.
func TestBackEqualsForward(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 1))
		code := random(r, 20+r.IntN(60))
		m := machine(t, vm.Config{Maps: testMaps, Seed: seed, World: &helper.World{CPUs: 2}}, vm.Input{Packet: make([]byte, 60)}, code...)
		type snap struct {
			regs   [11]uint64
			memory string
			pc     int
			calls  int
		}
		take := func() snap {
			s := snap{pc: m.PC(), calls: len(m.Calls())}
			s.regs, s.memory = state(m)
			return s
		}
		states := []snap{take()}
		for m.Step() == vm.StopStep && len(states) < 600 {
			states = append(states, take())
		}
		if m.Done() {
			states = append(states, take())
		}
		last := uint64(len(states) - 1)
		check := func(how string, k uint64) {
			t.Helper()
			if m.Steps() != k {
				t.Fatalf("seed %d: %s is at step %d, want %d", seed, how, m.Steps(), k)
			}
			if got := take(); got != states[k] {
				t.Fatalf("seed %d: %s: state %d differs: pc %d want %d, regs %x want %x, calls %d want %d, memory equal %v", seed, how, k,
					got.pc, states[k].pc, got.regs, states[k].regs, got.calls, states[k].calls, got.memory == states[k].memory)
			}
		}
		m.Seek(last)
		for k := last; k > 0; k-- {
			m.Back()
			check("back", k-1)
		}
		if m.Back() != vm.StopStart {
			t.Fatalf("seed %d: back before the start", seed)
		}
		for range 30 {
			k := r.Uint64N(last + 1)
			m.Seek(k)
			check("seek", k)
		}
		m.Seek(0)
		m.Run(int(last)) // may overrun: then its end is not ours
		for range 10 {
			k := r.Uint64N(last + 1)
			m.Seek(k)
			check("seek after run", k)
		}
	}
}

// A million steps are walked back to the start, over checkpoints, and the
// history stays small.
func TestLongHistory(t *testing.T) {
	m := machine(t, vm.Config{}, vm.Input{Ctx: make([]byte, 8)}, assemble(t, loop)...)
	for m.Run(100_000) == vm.StopBudget {
	}
	end := m.Steps()
	if end != 10_000_005-2+2 && end < 10_000_000 {
		t.Fatalf("%d steps", end)
	}
	r0 := m.Reg(0)
	for range 5000 {
		if m.Back() != vm.StopStep {
			t.Fatal("back stopped")
		}
	}
	if m.Steps() != end-5000 {
		t.Fatalf("at %d", m.Steps())
	}
	for _, k := range []uint64{0, 1, 5_000_000, 4_999_999, 9_999_999, 123_456, end} {
		if m.Seek(k); m.Steps() != k {
			t.Fatalf("seek %d went to %d", k, m.Steps())
		}
	}
	if m.Reg(0) != r0 || !m.Done() {
		t.Fatal("the end is not the end")
	}
	m.Seek(1_000_003)
	if r1 := m.Reg(1); r1 != 100_000 {
		t.Fatalf("r1 is %d after 1,000,003 steps, want 100,000", r1)
	}
	for k := uint64(1_000_003); k > 990_000; k-- {
		m.Back()
	}
	if r1 := m.Reg(1); m.Steps() != 990_000 || r1 != 98_999 && r1 != 99_000 {
		t.Fatalf("r1 is %d at step %d", r1, m.Steps())
	}
}

// Steps that the journal has dropped are reached by way of a checkpoint.
func TestBackPastJournal(t *testing.T) {
	m := machine(t, vm.Config{}, vm.Input{Ctx: make([]byte, 8)}, assemble(t, loop)...)
	const steps = 1_500_000 // three entries for two steps
	for range steps {
		m.Step()
	}
	at := func(k uint64) uint64 { return k / 10 } // r1 counts ten instructions
	for k := uint64(steps); k > 1000; {
		if k > 200_000 && k%1000 != 0 {
			m.Back()
			k--
		} else {
			k -= min(k, 997)
			m.Seek(k)
		}
		if r1 := m.Reg(1); m.Steps() != k || r1+1 < at(k) || r1 > at(k)+1 {
			t.Fatalf("r1 is %d at step %d, want about %d at %d", r1, m.Steps(), at(k), k)
		}
	}
}

// A million recorded steps stay below 64 MiB, also where every third one
// writes memory or calls a helper.
func TestHistorySize(t *testing.T) {
	m := machine(t, vm.Config{Maps: testMaps}, vm.Input{Ctx: make([]byte, 8)}, withMaps(t, `
		r6 = 0
	top:
		*(u32 *)(r10 -4) = r6
		r2 = r10
		r2 += -4
		r1 = MAP1
		call 1
		if r0 == 0 goto next
		*(u64 *)(r0 +0) = r6
	next:
		r6 += 1
		goto top`)...)
	for range 1_200_000 {
		m.Step()
	}
	if n := m.HistorySize(); n > 64<<20 {
		t.Errorf("the history takes %d MiB", n>>20)
	}
	for range 100_000 {
		if m.Back() != vm.StopStep {
			t.Fatal("back stopped")
		}
	}
	m.Seek(1)
	if m.Seek(1_100_000); m.Steps() != 1_100_000 {
		t.Errorf("at step %d", m.Steps())
	}
}

func TestLastWrite(t *testing.T) {
	m := machine(t, vm.Config{}, vm.Input{Ctx: make([]byte, 8)}, assemble(t, `
	0: r6 = 1
	1: *(u64 *)(r10 -8) = r6
	2: r6 = 2
	3: call pc+5
	4: r0 = r6
	5: *(u8 *)(r10 -5) = r0
	6: r1 = *(u64 *)(r10 -8)
	7: r0 = r6
	8: exit
	9: r6 = 3
	10: *(u64 *)(r10 -8) = r6
	11: r1 = r6
	12: exit`)...)
	for !m.Done() {
		m.Step()
	}
	end := m.Steps()
	at := uint32(m.Reg(10)) - 8
	// steps: 0 1 2 3(call) 4..7 callee 8(r0=r6) 9(store) 10(load) 11 12(exit)
	for _, c := range []struct {
		addr, n uint32
		before  uint64
		want    uint64
		ok      bool
	}{
		{at, 8, end, 9, true}, {at, 1, end, 1, true}, {at + 3, 1, end, 9, true}, {at, 8, 9, 1, true}, {at, 8, 1, 0, false},
		{at - vm.FrameStride, 8, end, 5, true}, {at - 64, 8, end, 0, false},
	} {
		if got, ok := m.LastWrite(c.addr, c.n, c.before); got != c.want || ok != c.ok {
			t.Errorf("last write of %d bytes at r10%+d before %d: %d %v, want %d %v", c.n, int(c.addr-at)-8, c.before, got, ok, c.want, c.ok)
		}
	}
	for _, c := range []struct {
		reg    int
		before uint64
		want   uint64
	}{{6, end, 2}, {6, 8, 2}, {6, 5, 4}, {6, 4, 2}, {0, end, 11}, {1, 9, 6}, {1, end, 10}} {
		if got, ok := m.LastRegWrite(c.reg, c.before); !ok || got != c.want {
			t.Errorf("r%d before step %d was written at %d (%v), want %d", c.reg, c.before, got, ok, c.want)
		}
	}
	if m.Steps() != end {
		t.Errorf("the queries moved the machine to step %d", m.Steps())
	}
	m.Seek(10)
	if ch := m.LastChange(); len(ch.Regs) != 0 || len(ch.Mem) != 1 || ch.Mem[0].Len != 1 || ch.Mem[0].Addr != at+3 {
		t.Errorf("last change: %+v", ch)
	}
}

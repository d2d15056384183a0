package jit_test

import (
	"math/rand"
	"os"
	"strconv"
	"testing"

	"skep/jit"
	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// scale is how much of something a test does: n, times SKEP_SCALE for a long
// run, and a quarter of it for a short one.
func scale(t testing.TB, n int) int {
	if testing.Short() {
		n = (n + 3) / 4
	}
	if s := os.Getenv("SKEP_SCALE"); s != "" {
		f, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("SKEP_SCALE: %v", err)
		}
		n *= f
	}
	return n
}

// seed is where random programs begin: SKEP_SEED, so that a long run can be
// another one each time.
func seed(t testing.TB) int64 {
	n, err := strconv.ParseInt("0"+os.Getenv("SKEP_SEED"), 10, 64)
	if err != nil {
		t.Fatalf("SKEP_SEED: %v", err)
	}
	return n
}

// soup is instructions at random: any row, any registers, jumps to anywhere
// near, addresses that mostly point to memory.
func soup(rnd *rand.Rand) []isa.Insn {
	movX := func(d, s uint8) isa.Insn { return isa.Insn{Op: isa.ClassALU64 | isa.OpMov | isa.SrcX, Dst: d, Src: s} }
	code := []isa.Insn{movX(6, 1)}
	n := 4 + rnd.Intn(40)
	for len(code) < n {
		row := &isa.Table[rnd.Intn(len(isa.Table))]
		r := func() uint8 { return uint8(rnd.Intn(10)) }
		switch rnd.Intn(12) {
		case 0: // something to point with
			code = append(code, movX(r(), 10))
			continue
		case 1:
			code = append(code, movX(r(), 6))
			continue
		case 2: // packet
			code = append(code, isa.Insn{Op: isa.ClassLDX | isa.ModeMem | isa.SizeW, Dst: r(), Src: 6, Off: 76})
			continue
		case 3:
			w := isa.Wide(r(), isa.PseudoMapValue, 0)
			code = append(code, w[0], w[1])
			continue
		case 4: // a lookup, with whatever is in r2
			w := isa.Wide(1, isa.PseudoMapFD, 0)
			code = append(code, w[0], w[1], movX(2, 10), isa.Insn{Op: isa.ClassALU64 | isa.OpAdd, Dst: 2, Imm: int32(-8 - rnd.Intn(8))},
				isa.Insn{Op: isa.ClassJMP | isa.JmpCall, Imm: 1})
			continue
		case 5: // what fusions look for
			a, b := r(), r()
			w := uint8(isa.ClassALU64)
			bits := int32(64)
			if rnd.Intn(2) == 0 {
				w, bits = isa.ClassALU, 32
			}
			c := int32(rnd.Intn(int(bits)))
			d := bits - c
			if rnd.Intn(8) == 0 {
				d = int32(rnd.Intn(64))
			}
			group := []isa.Insn{
				{Op: w | isa.OpMov | isa.SrcX, Dst: b, Src: a}, {Op: w | isa.OpRsh, Dst: b, Imm: d & (bits - 1)},
				{Op: w | isa.OpLsh, Dst: a, Imm: c}, {Op: w | isa.OpOr | isa.SrcX, Dst: a, Src: b},
			}
			if rnd.Intn(2) == 0 { // the same with five
				c2 := r()
				group = []isa.Insn{
					{Op: w | isa.OpMov | isa.SrcX, Dst: b, Src: a}, {Op: w | isa.OpLsh, Dst: b, Imm: c},
					{Op: w | isa.OpMov | isa.SrcX, Dst: c2, Src: a}, {Op: w | isa.OpRsh, Dst: c2, Imm: d & (bits - 1)},
					{Op: w | isa.OpOr | isa.SrcX, Dst: b, Src: c2},
				}
			}
			if rnd.Intn(4) == 0 {
				i, j := rnd.Intn(len(group)), rnd.Intn(len(group))
				group[i], group[j] = group[j], group[i]
			}
			code = append(code, group...)
			if rnd.Intn(2) == 0 { // and the temporary is dead
				code = append(code, isa.Insn{Op: isa.ClassALU64 | isa.OpMov, Dst: b, Imm: 1})
			}
			continue
		case 6:
			d := r()
			code = append(code, movX(d, []uint8{10, 6, r()}[rnd.Intn(3)]),
				isa.Insn{Op: isa.ClassALU64 | isa.OpAdd, Dst: d, Imm: int32(rnd.Intn(80) - 60)},
				isa.Insn{Op: isa.ClassALU64 | isa.OpAdd | isa.SrcX, Dst: d, Src: r()})
			op := uint8(isa.ClassLDX)
			if rnd.Intn(2) == 0 {
				op = isa.ClassSTX
			}
			i := isa.Insn{Op: op | isa.ModeMem | uint8(rnd.Intn(4))<<3, Dst: r(), Src: r(), Off: int16(rnd.Intn(32) - 16)}
			if op == isa.ClassLDX {
				i.Src = d
			} else {
				i.Dst = d
			}
			code = append(code, i)
			continue
		case 7:
			d := r()
			code = append(code, isa.Insn{Op: isa.ClassALU64 | isa.OpLsh, Dst: d, Imm: 32}, isa.Insn{Op: isa.ClassALU64 | []uint8{isa.OpRsh, isa.OpArsh}[rnd.Intn(2)], Dst: d, Imm: 32})
			continue
		}
		before, insn := instance(row, rnd)
		i := &insn[0]
		switch row.Form {
		case isa.FormJmpImm, isa.FormJmpReg, isa.FormJa:
			i.Off = int16(rnd.Intn(12) - 3)
		case isa.FormGotol, isa.FormCallLocal:
			i.Imm = int32(rnd.Intn(12) - 3)
		case isa.FormLoad:
			if rnd.Intn(3) == 0 {
				i.Off = int16(rnd.Intn(64) - 16)
			}
		case isa.FormWide:
			if row.Src == isa.PseudoFunc {
				i.Imm = int32(rnd.Intn(6) - 3)
			}
		case isa.FormCallKfunc:
			continue
		case isa.FormNone:
			if rnd.Intn(4) != 0 {
				continue
			}
		}
		code = append(append(code, before...), insn...)
	}
	return append(code, fold()...)
}

// Programs without sense do the same wrong things in both engines.
func TestSoup(t *testing.T) {
	cfg := vm.Config{Maps: []maps.Spec{{Name: "m", Type: maps.Array, KeySize: 4, ValueSize: 40, MaxEntries: 1}}}
	n := scale(t, 2000)
	first := seed(t)
	exits, faults, others := 0, 0, 0
	for k := range n {
		s := first + int64(k)
		rnd := rand.New(rand.NewSource(s))
		code := soup(rnd)
		p := &vm.Program{Type: hook.SchedCls, Insns: code, Ksyms: []vm.Ksym{{Name: "v", Size: 8}}}
		in := vm.Input{Packet: make([]byte, 64)}
		rnd.Read(in.Packet)
		diff, o := differ(t, cfg, in, &safe[k%len(safe)], p)
		if diff != "" {
			t.Errorf("seed %d: %s", s, diff)
		}
		switch o.Status {
		case jit.Exited:
			exits++
		case jit.Faulted:
			faults++
		default:
			others++
		}
	}
	t.Logf("%d exits, %d faults, %d others", exits, faults, others)
	if exits < n/10 || faults < n/10 {
		t.Errorf("%d exits, %d faults of %d: too few to mean something", exits, faults, n)
	}
}

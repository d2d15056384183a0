package verifier

import (
	"encoding/hex"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"skep/vm/isa"
)

// mutateAdvanced changes a program that uses kernel functions and BTF: it drops,
// doubles or swaps calls, moves registers, shifts offsets and constants, but
// leaves wide loads alone, whose numbers the loader fills in.
func mutateAdvanced(rnd *rand.Rand, r *record, insns []isa.Insn) {
	var calls, plain []int
	for i := 0; i < len(insns); i++ {
		switch {
		case insns[i].IsWide():
			i++
		case isKfuncCall(insns[i]):
			calls = append(calls, i)
		default:
			plain = append(plain, i)
		}
	}
	nop := isa.Insn{Op: isa.ClassJMP | isa.JmpA}
	names := slices.Clone(r.Kfuncs)
	r.Kfuncs = names
	at := func(pc int) int {
		return slices.IndexFunc(names, func(k [3]any) bool { n, _ := k[0].(float64); return int(n) == pc })
	}
	for range 1 + rnd.Intn(2) {
		if len(plain) == 0 {
			return
		}
		i := &insns[plain[rnd.Intn(len(plain))]]
		switch n := rnd.Intn(14); {
		case n < 4 && len(calls) > 0: // drop a call
			pc := calls[rnd.Intn(len(calls))]
			insns[pc] = nop
			if k := at(pc); k >= 0 {
				r.Kfuncs = slices.Delete(slices.Clone(r.Kfuncs), k, k+1)
				names = r.Kfuncs
			}
			calls = slices.DeleteFunc(calls, func(x int) bool { return x == pc })
		case n < 7 && len(calls) > 1: // make it a call of another function
			a, b := calls[rnd.Intn(len(calls))], calls[rnd.Intn(len(calls))]
			if x, y := at(a), at(b); x >= 0 && y >= 0 {
				insns[a].Imm = insns[b].Imm
				names[x][1], names[x][2] = names[y][1], names[y][2]
			}
		case n == 7:
			*i = nop
		case n == 8:
			i.Src = uint8(rnd.Intn(11))
		case n == 9:
			i.Dst = uint8(rnd.Intn(11))
		case n == 10:
			i.Off += int16([]int{1, 8, -8, 4, -4, 16, -16}[rnd.Intn(7)])
		case n == 11:
			i.Imm = []int32{0, 1, -1, 8, 16, 100, 1 << 30}[rnd.Intn(7)]
		case n == 12:
			r.Flags ^= FlagSleepable
		case n == 13:
			*i = isa.Insn{Op: isa.ClassALU64 | isa.OpMov | isa.SrcX, Dst: uint8(rnd.Intn(10)), Src: uint8(rnd.Intn(11))}
		}
	}
}

// TestOracleAdvanced compares mutants of the corpus' programs with BTF and
// kernel functions with what a real kernel says; see TestOracle.
func TestOracleAdvanced(t *testing.T) {
	oracle := oracleCommand(t)
	c := loadCorpus(t)
	var pool []*record
	for _, r := range c.records {
		missing := slices.ContainsFunc(r.MapRefs, func(m [3]int) bool { return m[1] < 0 })
		if r.Level == "advanced" && r.privileged() && !missing && len(r.Insns) < 16*600 && r.Kernel.InsnsProcessed < 20000 {
			pool = append(pool, r)
		}
	}
	var recs []*record
	for i := range *oracleN {
		seed := *oracleSeed + int64(i)
		rnd := rand.New(rand.NewSource(seed))
		r := *pool[rnd.Intn(len(pool))]
		raw, err := hex.DecodeString(r.Insns)
		if err != nil {
			t.Fatal(err)
		}
		insns, err := isa.DecodeAll(raw)
		if err != nil {
			t.Fatal(err)
		}
		if rnd.Intn(12) == 0 { // attach it elsewhere
			if o := pool[rnd.Intn(len(pool))]; o.Type == r.Type && o.AttachTo != "" {
				r.Attach, r.AttachTo = o.Attach, o.AttachTo
			}
		}
		mutateAdvanced(rnd, &r, insns)
		r.Insns = hex.EncodeToString(isa.EncodeAll(insns))
		r.ID = fmt.Sprintf("advanced-%d of %s", seed, r.ID)
		r.Kernel = verdict{}
		r.LogLevel = 6
		recs = append(recs, &r)
	}
	compareWithOracle(t, oracle, c, recs)
}

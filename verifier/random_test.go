package verifier

import (
	"encoding/hex"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"skep/verifier/progen"
	"skep/vm/isa"
)

// randomKinds are the sources of random programs, by name. A program is a
// function of its kind and seed.
var randomKinds = []struct {
	name string
	make func(*testing.T, *corpus, *rand.Rand, int64) *record
}{
	{"progen", func(_ *testing.T, _ *corpus, rnd *rand.Rand, seed int64) *record {
		return generated(rnd, progen.Config{Seed: seed, Bad: badness(rnd)})
	}},
	{"rich", func(_ *testing.T, _ *corpus, rnd *rand.Rand, seed int64) *record {
		return generated(rnd, progen.Config{Seed: seed, Bad: badness(rnd), Rich: true})
	}},
	{"unpriv", func(_ *testing.T, _ *corpus, rnd *rand.Rand, seed int64) *record {
		return generated(rnd, progen.Config{Seed: seed, Bad: badness(rnd), Unprivileged: true})
	}},
	{"mutate", mutant},
	{"advanced", advancedMutant},
	{"tour", tour},
}

// randomRecord is the program of a kind and seed, to be loaded with a log of
// the level.
func randomRecord(t *testing.T, c *corpus, kind string, seed int64, level int) *record {
	t.Helper()
	for _, k := range randomKinds {
		if k.name == kind {
			r := k.make(t, c, rand.New(rand.NewSource(seed)), seed)
			r.ID, r.LogLevel, r.Kernel = fmt.Sprintf("%s-%d%s", kind, seed, r.ID), level, verdict{}
			return r
		}
	}
	t.Fatalf("no kind of random program is called %q", kind)
	return nil
}

func badness(rnd *rand.Rand) float64 { return []float64{0, 0.02, 0.1}[rnd.Intn(3)] }

// generated is a program of the generator, one in four of them mutated.
func generated(rnd *rand.Rand, cfg progen.Config) *record {
	p := progen.New(cfg)
	if rnd.Intn(4) == 0 {
		mutate(rnd, p.Insns)
	}
	return batchRecord(p, "", !cfg.Unprivileged)
}

// batchRecord makes a generated program a record of the batch format.
func batchRecord(p *progen.Program, id string, priv bool) *record {
	r := &record{ID: id, Type: p.Type, License: "GPL", Insns: hex.EncodeToString(isa.EncodeAll(p.Insns)), Level: "random"}
	if !priv {
		r.Privileged = new(bool)
	}
	for _, m := range p.Maps {
		r.Maps = append(r.Maps, mapRec{Name: m.Name, Type: m.Type, KeySize: m.Key, ValueSize: m.Value, MaxEntries: m.MaxEntries})
	}
	return r
}

// mutate changes fields of one to three instructions at random.
func mutate(rnd *rand.Rand, insns []isa.Insn) {
	interesting := []int32{0, 1, -1, 8, -8, 16, 63, 64, 255, 256, 4096, -4096, 1 << 29, 1 << 30, -1 << 31, 1<<31 - 1}
	for range 1 + rnd.Intn(3) {
		i := &insns[rnd.Intn(len(insns))]
		switch rnd.Intn(9) {
		case 0:
			i.Imm = interesting[rnd.Intn(len(interesting))]
		case 1:
			i.Imm += int32(rnd.Intn(17) - 8)
		case 2:
			i.Off += int16(rnd.Intn(17) - 8)
		case 3:
			i.Dst = uint8(rnd.Intn(11))
		case 4:
			i.Src = uint8(rnd.Intn(11))
		case 5:
			i.Op = i.Op&0x0f | uint8(rnd.Intn(14))<<4
		case 6:
			i.Op ^= 1 << rnd.Intn(8)
		case 7:
			*i = isa.Insn{Op: isa.ClassALU64 | isa.OpMov, Dst: i.Dst, Imm: int32(rnd.Intn(64))}
		case 8:
			j := rnd.Intn(len(insns))
			*i, insns[j] = insns[j], *i
		}
	}
}

// mutant is a program of the corpus, changed a little.
func mutant(t *testing.T, c *corpus, rnd *rand.Rand, _ int64) *record {
	pool := c.pool("mutate", func(r *record) bool {
		return r.Level != "advanced" && len(r.Insns) < 16*600 && r.Kernel.InsnsProcessed < 20000 && len(r.Insns) > 16*3 && r.Type != "tracing"
	})
	r := *pool[rnd.Intn(len(pool))]
	insns, was := r.decode(t), r.decode(t)
	mutate(rnd, insns)
	for i, w := range was {
		if w.IsWide() && w.Src != 0 && i+1 < len(was) {
			copy(insns[i:], was[i:i+2]) // the loader fills these in by their index
		}
	}
	r.Insns = hex.EncodeToString(isa.EncodeAll(insns))
	r.ID = " of " + r.ID
	return &r
}

func (r *record) decode(t *testing.T) []isa.Insn {
	t.Helper()
	raw, err := hex.DecodeString(r.Insns)
	if err != nil {
		t.Fatal(err)
	}
	insns, err := isa.DecodeAll(raw)
	if err != nil {
		t.Fatal(err)
	}
	return insns
}

// pool is the part of the corpus that a kind mutates.
func (c *corpus) pool(kind string, use func(*record) bool) []*record {
	if c.pools[kind] == nil {
		if c.pools == nil {
			c.pools = map[string][]*record{}
		}
		c.pools[kind] = slices.DeleteFunc(slices.Clone(c.records), func(r *record) bool { return !use(r) })
	}
	return c.pools[kind]
}

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
// function of its kind and seed, and of the corpus where that is mutated.
var randomKinds = []randomKind{
	{"progen", false, func(_ *testing.T, _ *corpus, rnd *rand.Rand, seed int64) *record {
		return generated(rnd, progen.Config{Seed: seed, Bad: badness(rnd)})
	}},
	{"rich", false, func(_ *testing.T, _ *corpus, rnd *rand.Rand, seed int64) *record {
		return generated(rnd, progen.Config{Seed: seed, Bad: badness(rnd), Rich: true})
	}},
	{"unpriv", false, func(_ *testing.T, _ *corpus, rnd *rand.Rand, seed int64) *record {
		return generated(rnd, progen.Config{Seed: seed, Bad: badness(rnd), Unprivileged: true})
	}},
	{"loops", false, func(t *testing.T, _ *corpus, rnd *rand.Rand, seed int64) *record {
		return looping(t, progen.Config{Seed: seed, Bad: badness(rnd), Rich: rnd.Intn(2) == 0, Callbacks: true})
	}},
	{"bytes", false, func(_ *testing.T, _ *corpus, rnd *rand.Rand, _ int64) *record { return randomBytes(rnd) }},
	{"info", true, wildInfo},
	{"mutate", true, mutant},
	{"advanced", true, advancedMutant},
	{"tour", false, tour},
}

type randomKind struct {
	name   string
	corpus bool // it mutates the corpus
	make   func(*testing.T, *corpus, *rand.Rand, int64) *record
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

func needsCorpus(kind string) bool {
	return slices.ContainsFunc(randomKinds, func(k randomKind) bool { return k.name == kind && k.corpus })
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

// looping is a program of the generator with BTF, so that it may have callbacks.
func looping(t *testing.T, cfg progen.Config) *record {
	t.Helper()
	p := progen.New(cfg)
	spec, info, err := p.Describe()
	if err != nil {
		t.Fatal(err)
	}
	r := batchRecord(p, "", true)
	r.BTF, r.FuncInfo, r.FuncRec = hex.EncodeToString(spec.Bytes()), hex.EncodeToString(info), progen.FuncInfoSize
	return r
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

// randomBytes is a program of bytes, most of which are opcodes there are.
func randomBytes(rnd *rand.Rand) *record {
	b := make([]byte, isa.Size*(1+rnd.Intn(12)))
	rnd.Read(b)
	for i := 0; i < len(b); i += isa.Size {
		if rnd.Intn(4) > 0 {
			r := &isa.Table[rnd.Intn(len(isa.Table))]
			in := isa.Insn{Op: r.Op, Dst: uint8(rnd.Intn(12)), Src: r.Src, Off: r.Off, Imm: r.Imm}
			if rnd.Intn(3) == 0 {
				in.Src = uint8(rnd.Intn(12))
			}
			copy(b[i:], in.Append(nil))
		}
	}
	if rnd.Intn(3) > 0 {
		copy(b[len(b)-isa.Size:], isa.Insn{Op: isa.ClassJMP | isa.JmpExit}.Append(nil))
	}
	return &record{Type: "socket_filter", License: "GPL", Level: "random", Insns: hex.EncodeToString(b)}
}

// wildInfo is a program of the corpus whose records of functions and lines are
// out of order, cut or wrong.
func wildInfo(t *testing.T, c *corpus, rnd *rand.Rand, _ int64) *record {
	pool := c.pool("info", func(r *record) bool {
		return r.Level != "advanced" && r.privileged() && r.BTF != "" && r.FuncInfo != "" && len(r.Insns) < 16*200 && r.Kernel.InsnsProcessed < 5000
	})
	r := *pool[rnd.Intn(len(pool))]
	which, size := &r.FuncInfo, r.FuncRec
	if rnd.Intn(2) == 0 && r.LineInfo != "" {
		which, size = &r.LineInfo, r.LineRec
	}
	b, err := hex.DecodeString(*which)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b) / size; n > 0 {
		at, to := rnd.Intn(n)*size, rnd.Intn(n)*size
		switch rnd.Intn(6) {
		case 0: // out of order
			first := slices.Clone(b[at : at+size])
			copy(b[at:at+size], b[to:to+size])
			copy(b[to:to+size], first)
		case 1: // twice
			copy(b[at:at+size], b[to:to+size])
		case 2: // one less
			b = slices.Delete(b, at, at+size)
		case 3: // another offset, type or line
			b[at+rnd.Intn(size)] += uint8(1 + rnd.Intn(4))
		case 4:
			b[at+rnd.Intn(size)] = uint8(rnd.Uint32())
		default: // one more
			b = slices.Insert(b, at, b[to:to+size]...)
		}
	}
	*which = hex.EncodeToString(b)
	r.ID = " of " + r.ID
	return &r
}

package main

import (
	"fmt"
	"slices"
	"strings"

	"skep/jit"
	"skep/jit/workload"
	"skep/vm"
	"skep/wasm/compiled"
)

// Lines that are of no program: compiling a thousand instructions, and one run
// of the empty program from Go.
const (
	compileName = "compile-1000"
	entryName   = "entry"
)

// benchExtra measures an engine of ours that compiles, in ns.
type benchExtra struct {
	name, text string
	measure    func(s *benchEngine, p *benchProgram) (float64, error)
}

var benchExtras = []benchExtra{
	{entryName, "r0 = 1\nexit", (*benchEngine).entry},
	{compileName, "r1 = *(u32 *)(r1 +0)\nr2 = 2" + strings.Repeat(compileBlock, 90) + strings.Repeat("\nr1 ^= r2", 6) + "\nr0 = r1\nexit", (*benchEngine).compile},
}

// compileBlock is of eleven instructions, a branch among them.
const compileBlock = `
	r4 = r1
	r4 >>= 51
	r1 <<= 13
	r1 |= r4
	r2 ^= r1
	r2 *= 31
	*(u64 *)(r10 -8) = r2
	r5 = *(u64 *)(r10 -8)
	r1 += r5
	if r1 > r2 goto +1
	r2 += 1`

func (b *bench) extra(x *benchExtra) ([]benchLine, error) {
	p, err := newBenchProgram(&workload.Workload{Text: x.text})
	if err != nil {
		return nil, err
	}
	times := make([][]float64, len(b.engines))
	for range b.rounds {
		for i := range b.engines {
			s := &b.engines[i]
			if s.peer != nil || s.engine == "interp" {
				continue
			}
			ns, err := x.measure(s, p)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			times[i] = append(times[i], ns)
		}
	}
	var lines []benchLine
	for i, t := range times {
		if len(t) > 0 {
			lines = append(lines, benchLine{Program: x.name, Engine: b.engines[i].name, NS: median(t), Least: slices.Min(t)})
		}
	}
	return lines, nil
}

// compile is how long it takes from instructions to code that can be run: the
// compiler, memory that is made executable, a runner, and to free these. As for
// the programs it is the time in the fastest batch of a round, with what was
// compiled before still in the processor's caches; the first compilation of a
// process takes several times as long.
func (s *benchEngine) compile(p *benchProgram) (float64, error) {
	e, m, err := s.open(p.insns)
	if err != nil {
		return 0, err
	}
	defer clear(m.Arena().Buf)
	facts := p.of(s)
	return fastest(func(n int) error {
		for range n {
			c, err := compileRun(e, m, facts, jit.Options{})
			if err != nil {
				return err
			}
			c.runner.Close()
		}
		return nil
	})
}

// entry is how long a call from Go takes, there and back.
func (s *benchEngine) entry(p *benchProgram) (float64, error) {
	e, m, err := s.open(p.insns)
	if err != nil {
		return 0, err
	}
	if err := m.Reset(vm.Input{}); err != nil {
		return 0, err
	}
	c, err := compileRun(e, m, p.of(s), jit.Options{})
	if err != nil {
		return 0, err
	}
	defer c.close()
	r, regs := c.runner, compiled.Regs(m)
	return fastest(func(n int) error {
		for range n {
			r.Start(0, &regs)
			if status := r.Run(int64(batchBudget)); status != jit.Exited {
				return c.ended(status)
			}
		}
		return nil
	})
}

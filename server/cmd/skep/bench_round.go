package main

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"skep/jit"
	"skep/jit/engine"
	"skep/jit/workload"
	"skep/server/internal/kernelbench"
	"skep/vm"
	"skep/vm/asm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/wasm/compiled"
)

// benchTime is about how long a round of one engine takes.
const benchTime = 3 * time.Millisecond

func assembleWorkload(w *workload.Workload) ([]isa.Insn, error) {
	res := asm.Assemble(w.Text, asm.Options{})
	if len(res.Errors) > 0 {
		return nil, fmt.Errorf("line %d: %w", res.Errors[0].Line, res.Errors[0])
	}
	return res.Insns, nil
}

// open makes a machine with the maps of package workload, which lives in the
// engine's memory; no engine is the interpreter.
func (s *benchEngine) open(insns []isa.Insn) (*engine.Engine, *vm.Machine, error) {
	e, err := openEngine(s.engine)
	if err != nil {
		return nil, nil, err
	}
	cfg := vm.Config{Maps: kernelbench.Maps(), NoHistory: true, Seed: 1}
	if e != nil {
		cfg.Span = e.Span
	}
	m, err := vm.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	_, err = m.Load(&vm.Program{Type: hook.SchedCls, License: "GPL", Insns: insns})
	return e, m, err
}

// ownRound is one round of an engine of ours, each run from the state that the
// one before has left; line gets the time of compiling.
func ownRound(w *workload.Workload, insns []isa.Insn, s *benchEngine, line *benchLine) (*kernelbench.Round, error) {
	e, m, err := s.open(insns)
	if err != nil {
		return nil, err
	}
	if err := m.Reset(vm.Input{Packet: kernelbench.Packet(w.Packet)}); err != nil {
		return nil, err
	}
	start := vm.Point{Regs: compiled.Regs(m)}
	run := func() (uint64, error) {
		at := start
		stop := m.Do(&at)
		if stop == vm.StopStep {
			stop = m.Run(batchBudget)
		}
		if stop == vm.StopFault {
			return 0, m.Fault()
		}
		return m.Reg(isa.R0), nil
	}
	if e != nil {
		from := time.Now()
		c, err := compileRun(e, m, s.facts, jit.Options{})
		if err != nil {
			return nil, err
		}
		defer c.close()
		line.Compile = float64(time.Since(from).Nanoseconds())
		regs := start.Regs
		run = func() (uint64, error) {
			c.runner.Start(0, regs)
			if c.runner.Run(int64(batchBudget)) == jit.Faulted {
				if err := c.runner.Err(); err != nil {
					return 0, err
				}
				return 0, m.Fault()
			}
			return c.runner.Reg(isa.R0), nil
		}
	}
	r0, err := run()
	if err != nil {
		return nil, err
	}
	r := &kernelbench.Round{NS: math.Inf(1), Outcome: outcomeOf(m, r0)}
	// The fastest batch of the round is the one that nothing else interrupted.
	for begin, batch := time.Now(), 1; time.Since(begin) < benchTime; {
		from := time.Now()
		for range batch {
			if _, err := run(); err != nil {
				return nil, err
			}
		}
		took := time.Since(from)
		r.NS = min(r.NS, float64(took.Nanoseconds())/float64(batch))
		if took < benchTime/100 {
			batch *= 2
		}
	}
	return r, nil
}

// outcomeOf is what the machine's run has left.
func outcomeOf(m *vm.Machine, r0 uint64) *kernelbench.Outcome {
	o := &kernelbench.Outcome{R0: r0}
	if _, data := m.Packet(); data != nil {
		o.Packet = hex.EncodeToString(data)
	}
	for _, mp := range m.Maps().Maps() {
		var key []byte
		for {
			next, errno := mp.NextKey(key)
			if errno != 0 {
				break
			}
			if value, errno := mp.Get(next); errno == 0 {
				o.Maps = append(o.Maps, kernelbench.Element(mp.Name(), next, value))
			}
			key = next
		}
	}
	slices.Sort(o.Maps)
	return o
}

// compileName is the line of compiling a thousand instructions.
const compileName = "compile-1000"

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

// compile measures how long the engines take from a thousand instructions to
// code that can be run.
func (b *bench) compile() ([]benchLine, error) {
	w := workload.Workload{Text: "r1 = 1\nr2 = 2" + strings.Repeat(compileBlock, 90) + strings.Repeat("\nr1 ^= r2", 6) + "\nr0 = r1\nexit"}
	insns, err := assembleWorkload(&w)
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
			e, m, err := s.open(insns)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			from := time.Now()
			c, err := compileRun(e, m, s.facts, jit.Options{})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			times[i] = append(times[i], float64(time.Since(from).Nanoseconds()))
			c.close()
		}
	}
	var lines []benchLine
	for i, t := range times {
		if len(t) > 0 {
			lines = append(lines, benchLine{Program: compileName, Engine: b.engines[i].name, NS: median(t), Least: slices.Min(t)})
		}
	}
	return lines, nil
}

package main

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"time"

	"skep/jit"
	"skep/jit/engine"
	"skep/jit/workload"
	"skep/server/internal/kernelbench"
	"skep/verifier"
	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/wasm/compiled"
)

// benchTime is about how long a round of one engine takes.
const benchTime = 3 * time.Millisecond

// benchProgram is what is measured, and what the verifier has proved of it.
type benchProgram struct {
	insns []isa.Insn
	facts jit.Facts
}

// of is what an engine gets to know.
func (p *benchProgram) of(s *benchEngine) jit.Facts {
	if s.facts {
		return p.facts
	}
	return jit.Facts{}
}

func newBenchProgram(w *workload.Workload) (*benchProgram, error) {
	p, err := kernelbench.Program(w)
	if err != nil {
		return nil, err
	}
	res, err := verifier.Verify(p, verifier.Config{Facts: true})
	if err != nil {
		return nil, err
	}
	if res.Verdict != verifier.Accepted {
		return nil, fmt.Errorf("the verifier refuses it: %s", res.Message)
	}
	return &benchProgram{p.Insns, compiled.Facts(res.Facts)}, nil
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
func ownRound(w *workload.Workload, p *benchProgram, s *benchEngine, line *benchLine) (*kernelbench.Round, error) {
	e, m, err := s.open(p.insns)
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
	repeat := func(n int) error {
		for range n {
			if _, err := run(); err != nil {
				return err
			}
		}
		return nil
	}
	if e != nil {
		from := time.Now()
		c, err := compileRun(e, m, p.of(s), jit.Options{})
		if err != nil {
			return nil, err
		}
		defer c.close()
		line.Compile = float64(time.Since(from).Nanoseconds())
		run = func() (uint64, error) { return c.enter(&start) }
		repeat = func(n int) error { return c.repeat(&jit.State{Regs: start.Regs}, n) }
	}
	r0, err := run()
	if err != nil {
		return nil, err
	}
	r := &kernelbench.Round{Outcome: outcomeOf(m, r0)}
	r.NS, err = fastest(repeat)
	return r, err
}

// fastest is the time of one run, in ns, of the fastest batch of a round: the
// one that nothing else interrupted.
func fastest(repeat func(n int) error) (float64, error) {
	best := math.Inf(1)
	for begin, batch := time.Now(), 1; time.Since(begin) < benchTime; {
		from := time.Now()
		if err := repeat(batch); err != nil {
			return 0, err
		}
		took := time.Since(from)
		best = min(best, float64(took.Nanoseconds())/float64(batch))
		if took < benchTime/100 {
			batch *= 2
		}
	}
	return best, nil
}

// enter does one run from Go.
func (c *compiledRun) enter(at *vm.Point) (uint64, error) {
	c.runner.Start(at.Prog, &at.Regs)
	err := c.ended(c.runner.Run(int64(batchBudget)))
	return c.runner.Reg(isa.R0), err
}

// repeat does n runs without a way back to Go in between, as
// BPF_PROG_TEST_RUN does.
func (c *compiledRun) repeat(at *jit.State, n int) error {
	for n > 0 {
		done, status := c.runner.Repeat(at, n, int64(batchBudget))
		if status == jit.Running {
			status = c.runner.Run(int64(batchBudget))
			done++
		}
		if err := c.ended(status); err != nil {
			return err
		}
		n -= done
	}
	return nil
}

func (c *compiledRun) ended(status jit.Status) error {
	switch status {
	case jit.Exited:
		return nil
	case jit.Running:
		return fmt.Errorf("it did not end within %d instructions", batchBudget)
	}
	if err := c.runner.Err(); err != nil {
		return err
	}
	return c.m.Fault()
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

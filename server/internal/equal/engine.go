package main

import (
	"fmt"

	"skep/jit"
	"skep/jit/engine"
	"skep/vm"
	"skep/vm/isa"
	"skep/wasm/compiled"
	"skep/wasm/fullspeed"
)

// Case is a program with what the interpreter has made of it.
type Case struct {
	Program *Program
	Want    *Outcome
}

// runner is an engine under test, wherever it is.
type runner interface {
	// run returns a line for each case that differs, by the number of the case.
	run(cases []Case) ([]Difference, error)
	close() error
}

// Difference is a case in which an engine is wrong.
type Difference struct {
	Case int
	Mode string
	Text string
}

// local is an engine in this process.
type local struct {
	*engine.Engine
	modes []mode
	used  int // bytes of the span that may not be zero
}

// limit is how large the memory of a program may grow.
const limit = 64 << 20

func openNative() (runner, error) {
	e, err := engine.Native(limit)
	if err != nil {
		return nil, err
	}
	return &local{Engine: e, modes: nativeModes}, nil
}

func openWazero() (runner, error) {
	e, err := engine.WASM(limit)
	if err != nil {
		return nil, err
	}
	return &local{Engine: e, modes: wasmModes}, nil
}

func (l *local) close() error { return nil }

func (l *local) run(cases []Case) ([]Difference, error) {
	var out []Difference
	for i, c := range cases {
		for _, m := range modesOf(l.modes, c.Program) {
			got, err := l.one(c.Program, m)
			if err != nil {
				return nil, fmt.Errorf("program %d, %s: %w", c.Program.N, m.name, err)
			}
			if d := got.differs(c.Want); d != "" {
				out = append(out, Difference{i, m.name, d})
			}
		}
	}
	return out, nil
}

// one compiles and runs a program.
func (l *local) one(p *Program, md *mode) (*Outcome, error) {
	clear(l.Span[:l.used])
	l.used = len(l.Span)
	m, err := p.machine(l.Span)
	if err != nil {
		return nil, err
	}
	facts := p.Facts
	if !md.facts {
		facts = jit.Facts{}
	}
	code, err := jit.Compile(compiled.Program(m, 0), md.target(l.Target), facts, md.options)
	if err != nil {
		return nil, err
	}
	r, err := l.Link(compiled.Host{Machine: m}, []*jit.Code{code})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if err := m.Reset(p.input()); err != nil {
		return nil, err
	}
	regs := compiled.Regs(m)
	r.Start(m.Prog(), &regs)
	o := l.finish(r, m)
	o.Memory = fullspeed.Sum(m.Arena())
	l.used = len(m.Arena().Buf)
	return o, nil
}

func (l *local) finish(r *engine.Runner, m *vm.Machine) *Outcome {
	o := &Outcome{Status: r.Run(budget)}
	switch o.Status {
	case jit.Exited:
		o.R0 = r.Reg(isa.R0)
	case jit.Faulted:
		if err := r.Err(); err != nil {
			o.Fault = err.Error()
		} else {
			o.fault(m.Fault())
		}
	}
	return o
}

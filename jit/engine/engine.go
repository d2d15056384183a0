// Package engine is the ways to run compiled code in this process, alike:
//
//	e, err := engine.Native(64 << 20)                    // or engine.WASM
//	m, err := vm.New(vm.Config{Span: e.Span})
//	code, err := jit.Compile(p, e.Target, jit.Facts{}, jit.Options{})
//	r, err := e.Link(host, []*jit.Code{code})
//	r.Start(0, regs)
//	status := r.Run(1_000_000)
//
// An engine has one span of memory: one machine at a time is in it, and whoever
// is done with one clears what it has written.
package engine

import (
	"skep/jit"
	"skep/jit/native"
	"skep/jit/portable"
	"skep/jit/portable/wazero"
	"skep/jit/wasm"
	"skep/vm/isa"
)

// Engine makes code of its target run.
type Engine struct {
	Target jit.Target
	Span   []byte // for vm.Config.Span
	link   func(jit.Host, []*jit.Code) (*Runner, error)
}

// Link makes a runner for the programs of a machine that is in the span, by
// their numbers.
func (e *Engine) Link(h jit.Host, codes []*jit.Code) (*Runner, error) { return e.link(h, codes) }

// Runner runs the programs of one machine. It has one of two: a call by way of
// an interface would be a quarter of a short run.
type Runner struct {
	native   *native.Runner
	portable *portable.Runner
	close    func()
}

// Start puts the runner at the start of a program with the registers that the
// machine has there.
func (r *Runner) Start(prog int, regs [isa.NumRegs]uint64) {
	if r.native != nil {
		r.native.Start(prog, &regs)
	} else {
		r.portable.Start(prog, regs)
	}
}

// Run goes on until the program ends, faults, or about fuel instructions are
// done.
func (r *Runner) Run(fuel int64) jit.Status {
	if r.native != nil {
		return r.native.Run(fuel)
	}
	return r.portable.Run(fuel)
}

// Repeat does n runs of the program of a state, each from its registers, until
// n have ended, one faults, or about fuel instructions are done. It returns how
// many have ended and how the last one stands: while that is running, Run goes
// on with it.
func (r *Runner) Repeat(at *jit.State, n int, fuel int64) (done int, status jit.Status) {
	if r.native != nil {
		return r.native.Repeat(at, n, fuel)
	}
	return r.portable.Repeat(at, n, fuel)
}

// Reg is register i.
func (r *Runner) Reg(i int) uint64 {
	if r.native != nil {
		return r.native.Reg(i)
	}
	return r.portable.Reg(i)
}

// Err says what was wrong with the code of a run that faulted, nil when the
// host has the fault.
func (r *Runner) Err() error {
	if r.native != nil {
		return r.native.Err()
	}
	return r.portable.Err()
}

// Close frees the code.
func (r *Runner) Close() { r.close() }

// Native is machine code: native.ErrUnavailable where there is none.
func Native(limit int) (*Engine, error) {
	target, err := native.Target()
	if err != nil {
		return nil, err
	}
	span, err := native.NewSpan(limit)
	if err != nil {
		return nil, err
	}
	return &Engine{target, span.Bytes(), func(h jit.Host, codes []*jit.Code) (*Runner, error) { return linkNative(span, h, codes) }}, nil
}

func linkNative(span *native.Span, h jit.Host, codes []*jit.Code) (*Runner, error) {
	var progs []*native.Program
	free := func() {
		for _, p := range progs {
			p.Close()
		}
	}
	for _, c := range codes {
		p, err := native.Load(c)
		if err != nil {
			free()
			return nil, err
		}
		progs = append(progs, p)
	}
	r, err := native.NewRunner(span, h, progs)
	if err != nil {
		free()
		return nil, err
	}
	return &Runner{native: r, close: func() { r.Close(); free() }}, nil
}

// WASM is WebAssembly in wazero.
func WASM(limit int) (*Engine, error) {
	e, err := wazero.New(limit)
	if err != nil {
		return nil, err
	}
	return &Engine{e.Target(), e.Span(), func(h jit.Host, codes []*jit.Code) (*Runner, error) {
		progs := make([]*wasm.Code, len(codes))
		for i, c := range codes {
			progs[i] = c.Portable
		}
		r, err := portable.NewRunner(e, e.Context(), h, progs)
		if err != nil {
			return nil, err
		}
		return &Runner{portable: r, close: r.Close}, nil
	}}, nil
}

// Package engine is the ways to run compiled code in this process, alike:
//
//	e, err := engine.Native(64 << 20)                    // or engine.WASM
//	m, err := vm.New(vm.Config{Span: e.Span})
//	code, err := jit.Compile(p, e.Target, jit.Facts{}, jit.Options{})
//	r, err := e.Link(host, []*jit.Code{code})
//	r.Start(0, &regs)
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

// Runner runs the programs of one machine.
type Runner struct {
	runner // native.Runner or portable.Runner, called without a detour: it would be a tenth of a short run
	close  func()
}

// runner is what both have.
type runner interface {
	// Start puts the runner at the start of a program with the registers that
	// the machine has there.
	Start(prog int, regs *[isa.NumRegs]uint64)
	// Run goes on until the program ends, faults, or about fuel instructions
	// are done.
	Run(fuel int64) jit.Status
	// Repeat does n runs of the program of a state, each from its registers,
	// until n have ended, one faults, or about fuel instructions are done. It
	// returns how many have ended and how the last one stands: while that is
	// running, Run goes on with it.
	Repeat(at *jit.State, n int, fuel int64) (done int, status jit.Status)
	// Reg is register i.
	Reg(i int) uint64
	// Err says what was wrong with the code of a run that faulted, nil when the
	// host has the fault.
	Err() error
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
	return &Runner{r, func() { r.Close(); free() }}, nil
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
		return &Runner{r, r.Close}, nil
	}}, nil
}

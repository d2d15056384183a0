package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"skep/jit"
	"skep/jit/engine"
	"skep/vm"
	"skep/vm/isa"
	"skep/wasm/compiled"
)

// vmArena is how large a machine of a compiled program may grow, in bytes.
const vmArena = 64 << 20

// jitEngine is an engine that compiles; machines use its memory one after the
// other.
type jitEngine struct {
	name string
	open func() (*engine.Engine, error)
}

var jitEngines = []jitEngine{
	{"native", sync.OnceValues(func() (*engine.Engine, error) { return engine.Native(vmArena) })},
	{"wasm", sync.OnceValues(func() (*engine.Engine, error) { return engine.WASM(vmArena) })},
}

// openEngine finds an engine by name; nil is the interpreter.
func openEngine(name string) (*engine.Engine, error) {
	if name == "interp" {
		return nil, nil
	}
	i := slices.IndexFunc(jitEngines, func(e jitEngine) bool { return e.name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no engine %q: %s are known", name, strings.Join(engineNames(), ", "))
	}
	return jitEngines[i].open()
}

func engineNames() []string {
	names := []string{"interp"}
	for _, e := range jitEngines {
		names = append(names, e.name)
	}
	return names
}

// compiledRun is a machine's first program as code. Unless facts say
// otherwise it checks every access itself and does not rely on the verifier.
type compiledRun struct {
	code   *jit.Code
	runner *engine.Runner
	m      *vm.Machine
}

// compileRun compiles the program of a machine that lives in the engine's
// span.
func compileRun(e *engine.Engine, m *vm.Machine, facts jit.Facts, opts jit.Options) (*compiledRun, error) {
	code, err := jit.Compile(compiled.Program(m, 0), e.Target, facts, opts)
	if err != nil {
		return nil, err
	}
	r, err := e.Link(compiled.Host{Machine: m}, []*jit.Code{code})
	if err != nil {
		return nil, fmt.Errorf("jit: %w", err)
	}
	return &compiledRun{code, r, m}, nil
}

// run starts the machine, which has been reset, and runs it to its end. It is
// ended unless the budget is used up. A fault is the machine's, or of code that
// went wrong.
func (c *compiledRun) run(budget int) (r0 uint64, fault error, ended bool) {
	return c.runFrom(vm.Point{Regs: compiled.Regs(c.m), Prog: c.m.Prog()}, budget)
}

// runFrom is run from where the machine was when it had been reset.
func (c *compiledRun) runFrom(at vm.Point, budget int) (r0 uint64, fault error, ended bool) {
	c.runner.Start(at.Prog, &at.Regs)
	switch c.runner.Run(int64(budget)) {
	case jit.Exited:
		return c.runner.Reg(isa.R0), nil, true
	case jit.Faulted:
		if err := c.runner.Err(); err != nil {
			return 0, err, true
		}
		return 0, c.m.Fault(), true
	}
	return 0, nil, false
}

// close frees the code and leaves the span as it was.
func (c *compiledRun) close() {
	c.runner.Close()
	clear(c.m.Arena().Buf)
}

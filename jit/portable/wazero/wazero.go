// Package wazero runs compiled programs on wazero: the engine of the server
// for programs that are not proved safe, and where there is no native code.
//
//	e, err := wazero.New(64 << 20)
//	m, err := vm.New(vm.Config{Span: e.Span()})
//	code, err := jit.Compile(p, e.Target(), jit.Facts{}, jit.Options{})
//	r, err := portable.NewRunner(e, e.Context(), host, []*wasm.Code{code.Portable})
//
// An [Engine] has one linear memory: the context of the run in its second
// half page, the arena from 64 KiB on. One machine at a time is in it; whoever
// is done clears what it has written there.
package wazero

import (
	"context"
	"errors"
	"unsafe"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"skep/jit"
	"skep/jit/portable"
	"skep/jit/wasm"
	"skep/vm/isa"
)

// Where things are in linear memory.
const (
	page        = 64 << 10
	contextAt   = page / 2
	arenaAt     = page
	maxSpan     = 1<<32 - 2*page
	minimumSpan = 128 << 10
)

// Engine is a WebAssembly runtime and its memory.
type Engine struct {
	ctx     context.Context
	rt      wazero.Runtime
	memory  []byte
	running *portable.Runner
}

// New makes an engine for arenas of up to limit bytes.
func New(limit int) (*Engine, error) {
	if limit < minimumSpan || limit > maxSpan {
		return nil, errors.New("wazero: an arena is between 128 KiB and 4 GiB large")
	}
	pages := uint32(limit+page-1)/page + 1
	e := &Engine{ctx: context.Background()}
	// No context is watched for: that makes every call many times dearer, and
	// the code counts its fuel.
	e.rt = wazero.NewRuntimeWithConfig(e.ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(pages).WithDebugInfoEnabled(false))
	i32 := []api.ValueType{api.ValueTypeI32}
	_, err := e.rt.NewHostModuleBuilder("h").
		NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
		stack[0] = uint64(e.running.Host(int32(uint32(stack[0]))))
	}), i32, i32).Export("host").
		NewFunctionBuilder().WithGoFunction(api.GoFunc(func(_ context.Context, stack []uint64) {
		stack[0] = uint64(e.running.Reach(int32(uint32(stack[0])), int32(uint32(stack[1]))))
	}), []api.ValueType{api.ValueTypeI32, api.ValueTypeI32}, i32).Export("reach").
		Instantiate(e.ctx)
	if err == nil {
		var m api.Module
		if m, err = e.rt.InstantiateWithConfig(e.ctx, wasm.MemoryModule(pages), wazero.NewModuleConfig().WithName("m")); err == nil {
			e.memory, _ = m.Memory().Read(0, m.Memory().Size())
		}
	}
	if err != nil {
		e.rt.Close(e.ctx)
		return nil, err
	}
	return e, nil
}

// Close frees the engine and all that is linked in it.
func (e *Engine) Close() error { return e.rt.Close(e.ctx) }

// Span is the memory for an arena, for vm.Config.Span.
func (e *Engine) Span() []byte { return e.memory[arenaAt:len(e.memory):len(e.memory)] }

// Target is what to compile for.
func (e *Engine) Target() jit.Target {
	return jit.Target{Arch: jit.WASM, WASM: wasm.Target{Base: arenaAt, Context: contextAt}}
}

// Context is where the code of Target has its context.
func (e *Engine) Context() *portable.Context {
	c := (*portable.Context)(unsafe.Pointer(&e.memory[contextAt]))
	*c = portable.Context{}
	return c
}

// Link compiles and instantiates a module.
func (e *Engine) Link(m *wasm.Module, r *portable.Runner) (portable.Instance, error) {
	code, err := e.rt.CompileModule(e.ctx, m.Text)
	if err != nil {
		return nil, err
	}
	mod, err := e.rt.InstantiateModule(e.ctx, code, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		code.Close(e.ctx)
		return nil, err
	}
	return &instance{e: e, r: r, code: code, mod: mod, free: make([][]api.Function, len(m.Entries))}, nil
}

// instance is a module. A wazero function object has one stack, so that a call
// within a call of the same entry needs another.
type instance struct {
	e    *Engine
	r    *portable.Runner
	code wazero.CompiledModule
	mod  api.Module
	free [][]api.Function // by entry

	repeat api.Function

	// stack is what an entry returns its result in. It is read at once, so that
	// a call within a call may use it too.
	stack [1]uint64
}

func (in *instance) Call(entry int) (uint32, error) {
	var f api.Function
	if n := len(in.free[entry]); n > 0 {
		f = in.free[entry][n-1]
		in.free[entry] = in.free[entry][:n-1]
	} else {
		f = in.mod.ExportedFunction(wasm.EntryName(entry))
	}
	in.e.running = in.r
	if err := f.CallWithStack(in.e.ctx, in.stack[:]); err != nil {
		return 0, err
	}
	in.free[entry] = append(in.free[entry], f)
	return uint32(in.stack[0]), nil
}

// Repeat implements [portable.Repeater].
func (in *instance) Repeat(entry, n int, c *portable.Context, regs *[isa.NumRegs]uint64) (int, error) {
	if in.repeat == nil {
		in.repeat = in.mod.ExportedFunction(wasm.RepeatName)
	}
	if in.repeat == nil || entry > 0 {
		for ; n > 0; n-- {
			c.Again(regs)
			if res, err := in.Call(entry); err != nil || res != wasm.Done {
				return n, err
			}
		}
		return 0, nil
	}
	in.e.running, in.stack[0] = in.r, uint64(min(n, 1<<30))
	err := in.repeat.CallWithStack(in.e.ctx, in.stack[:])
	return int(in.stack[0]) + max(n-1<<30, 0), err
}

func (in *instance) Close() {
	in.mod.Close(in.e.ctx)
	in.code.Close(in.e.ctx)
}

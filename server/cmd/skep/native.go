package main

import (
	"fmt"
	"sync"

	"skep/jit"
	"skep/jit/native"
	"skep/vm"
	"skep/vm/isa"
	"skep/vm/maps"
)

// nativeSpan is the memory that native code is confined to; machines use it
// one after the other.
var nativeSpan = sync.OnceValues(func() (*native.Span, error) { return native.NewSpan(vmArena) })

// vmArena is how large a machine of the batch may grow, in bytes.
const vmArena = 64 << 20

// nativeHost does for native code what it leaves to the machine.
type nativeHost struct{ *vm.Machine }

func (h nativeHost) Do(s *native.State) native.Status {
	switch h.Machine.Do((*vm.Point)(s)) {
	case vm.StopExit:
		return native.Exited
	case vm.StopFault:
		return native.Faulted
	}
	return native.Running
}

// nativeRunner is the machine's program as machine code. It checks every
// access itself and does not rely on the verifier.
type nativeRunner struct {
	runner *native.Runner
	prog   *native.Program
	m      *vm.Machine
}

func newNative(span *native.Span, m *vm.Machine) (*nativeRunner, error) {
	target, err := native.Target()
	if err != nil {
		return nil, err
	}
	p := &jit.Program{Insns: m.Program(0).Insns, Arrays: arrayLayouts(m)}
	insns := m.Resolved(0)
	for pc := 0; pc+1 < len(insns); pc++ {
		if insns[pc].IsWide() {
			p.Consts = append(p.Consts, jit.Const{Slot: pc, Value: isa.Imm64(insns[pc], insns[pc+1])})
			pc++
		}
	}
	code, err := jit.Compile(p, target, jit.Facts{}, jit.Options{})
	if err != nil {
		return nil, fmt.Errorf("jit: %w", err)
	}
	prog, err := native.Load(code)
	if err != nil {
		return nil, fmt.Errorf("jit: %w", err)
	}
	r, err := native.NewRunner(span, nativeHost{m}, []*native.Program{prog})
	if err != nil {
		prog.Close()
		return nil, fmt.Errorf("jit: %w", err)
	}
	return &nativeRunner{r, prog, m}, nil
}

// run starts the machine, which has been reset, and runs it to its end. False
// is a program that used up the budget.
func (n *nativeRunner) run(budget int) (r0 uint64, fault *vm.Fault, ended bool) {
	var regs [isa.NumRegs]uint64
	for i := range regs {
		regs[i] = n.m.Reg(i)
	}
	n.runner.Start(n.m.Prog(), regs)
	switch n.runner.Run(int64(budget)) {
	case native.Exited:
		return n.runner.Reg(isa.R0), nil, true
	case native.Faulted:
		return 0, n.m.Fault(), true
	}
	return 0, nil, false
}

// close frees the code and leaves the span as it was.
func (n *nativeRunner) close() {
	n.runner.Close()
	n.prog.Close()
	clear(n.m.Arena().Buf)
}

// arrayLayouts lets the compiler turn lookups in arrays into addresses.
func arrayLayouts(m *vm.Machine) []jit.Array {
	var out []jit.Array
	for _, mp := range m.Maps().Maps() {
		l, ok := mp.(maps.Indexed)
		if !ok || maps.Type(mp.Type()) != maps.Array {
			continue
		}
		elems, stride, _ := l.Layout()
		out = append(out, jit.Array{
			Ptr: uint64(mp.Ptr()), Elems: elems, Stride: stride, Entries: mp.MaxEntries(), Value: mp.ValueSize(),
			Perm: uint8(m.Arena().Find(elems).Perm), Name: mp.Name(),
		})
	}
	return out
}

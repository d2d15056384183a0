package session

import (
	"runtime"

	"skep/vm"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/wasm/protocol"
)

// execSlice is how many instructions Exec does between turns of the garbage
// collector; also what makes V8 use its best tier, see package wasm.
const execSlice = 1 << 18

// Exec runs one program to its end: for conformance tests and benchmarks.
func Exec(q *protocol.Exec) *protocol.Executed {
	fail := func(err error) *protocol.Executed { return &protocol.Executed{Error: err.Error()} }
	insns, err := isa.DecodeAll(q.Insns)
	if err != nil {
		return fail(err)
	}
	m, err := vm.New(vm.Config{NoHistory: true})
	if err != nil {
		return fail(err)
	}
	p := &vm.Program{Type: hook.XDP, License: "GPL", Insns: insns}
	in := vm.Input{Packet: q.Memory}
	if q.Raw {
		p.Type = hook.Unspec
		in = vm.Input{Ctx: append([]byte{}, q.Memory...), R2: uint64(len(q.Memory))}
	}
	if _, err := m.Load(p); err != nil {
		return fail(err)
	}
	if err := m.Reset(in); err != nil {
		return fail(err)
	}
	out := &protocol.Executed{}
	for m.Steps() < q.Budget && !m.Done() {
		m.Run(int(min(execSlice, q.Budget-m.Steps())))
		runtime.Gosched()
	}
	out.Ret, out.Steps = m.Reg(0), m.Steps()
	if q.Raw {
		_, b := m.Context()
		out.Memory = append([]byte(nil), b...)
	} else {
		_, b := m.Packet()
		out.Memory = append([]byte(nil), b...)
	}
	switch {
	case m.Fault() != nil:
		out.Error = m.Fault().Error()
	case !m.Done():
		out.Error = "the instruction budget is used up"
	default:
		out.OK = true
	}
	return out
}

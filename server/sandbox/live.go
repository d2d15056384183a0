package sandbox

import (
	"context"

	"skep/server/sandbox/proto"
)

// The typed forms of the agent's methods (proto/live.go describes parameters and results).

// Object loads an ELF object from clang in the guest.
func (vm *VM) Object(ctx context.Context, elf []byte, p proto.ObjectParams) (*proto.ObjectResult, error) {
	r := new(proto.ObjectResult)
	return r, vm.Call(ctx, proto.MethodObject, p, r, elf)
}

// Attach puts a loaded program at its hook.
func (vm *VM) Attach(ctx context.Context, p proto.AttachParams) (*proto.AttachResult, error) {
	r := new(proto.AttachResult)
	return r, vm.Call(ctx, proto.MethodAttach, p, r)
}

// Detach removes a link.
func (vm *VM) Detach(ctx context.Context, link string) error {
	return vm.Call(ctx, proto.MethodDetach, proto.NameParams{Name: link}, nil)
}

// Run runs a kept program once more.
func (vm *VM) Run(ctx context.Context, name string, data, pctx []byte, repeat uint32) (*proto.RunResult, error) {
	r := new(proto.RunResult)
	p := proto.RunParams{Name: name, Data: len(data), Ctx: len(pctx), Repeat: repeat}
	return r, vm.Call(ctx, proto.MethodRun, p, r, data, pctx)
}

// Maps dumps one map, or all of them when name is empty.
func (vm *VM) Maps(ctx context.Context, name string) ([]MapState, error) {
	var dumps []proto.MapDump
	if err := vm.Call(ctx, proto.MethodMaps, proto.NameParams{Name: name}, &dumps); err != nil {
		return nil, err
	}
	var out []MapState
	for _, d := range dumps {
		out = append(out, mapState(d))
	}
	return out, nil
}

// Update writes or deletes one map element.
func (vm *VM) Update(ctx context.Context, p proto.UpdateParams) error {
	return vm.Call(ctx, proto.MethodUpdate, p, nil)
}

// Stream starts events; they arrive at OnEvent.
func (vm *VM) Stream(ctx context.Context, p proto.StreamParams) error {
	return vm.Call(ctx, proto.MethodStream, p, nil)
}

// StopStream ends a stream: the map's name, or trace_pipe.
func (vm *VM) StopStream(ctx context.Context, name string) error {
	return vm.Call(ctx, proto.MethodStop, proto.NameParams{Name: name}, nil)
}

// JIT returns a program's translated and machine code.
func (vm *VM) JIT(ctx context.Context, program string) (*proto.JITResult, error) {
	r := new(proto.JITResult)
	return r, vm.Call(ctx, proto.MethodJIT, proto.NameParams{Name: program}, r)
}

// Stats returns a program's run counters.
func (vm *VM) Stats(ctx context.Context, program string) (*proto.StatsResult, error) {
	r := new(proto.StatsResult)
	return r, vm.Call(ctx, proto.MethodStats, proto.NameParams{Name: program}, r)
}

// Workload does the steps in order.
func (vm *VM) Workload(ctx context.Context, steps ...proto.Step) ([]proto.StepResult, error) {
	var r []proto.StepResult
	return r, vm.Call(ctx, proto.MethodWorkload, proto.WorkloadParams{Steps: steps}, &r)
}

// Iter reads an attached iterator to its end.
func (vm *VM) Iter(ctx context.Context, link string) (string, error) {
	var r proto.TextResult
	err := vm.Call(ctx, proto.MethodReadIter, proto.NameParams{Name: link}, &r)
	return r.Text, err
}

// Sysctl writes a file below /proc/sys, e.g. net/core/bpf_jit_enable.
func (vm *VM) Sysctl(ctx context.Context, name, value string) error {
	return vm.Call(ctx, proto.MethodSysctl, proto.SysctlParams{Name: name, Value: value}, nil)
}

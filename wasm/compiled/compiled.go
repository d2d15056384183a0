// Package compiled prepares a machine's programs for the compilers of package
// jit and lets their code call on the machine.
//
//	code, err := jit.Compile(compiled.Program(m, 0), target, jit.Facts{}, jit.Options{})
//	r, err := engine.Link(compiled.Host{m}, []*jit.Code{code})
package compiled

import (
	"skep/jit"
	"skep/verifier"
	"skep/vm"
	"skep/vm/isa"
	"skep/vm/maps"
)

// Host does for compiled code what it leaves to the machine.
type Host struct{ *vm.Machine }

// Do runs one instruction in the interpreter.
func (h Host) Do(s *jit.State) jit.Status {
	switch h.Machine.Do((*vm.Point)(s)) {
	case vm.StopExit:
		return jit.Exited
	case vm.StopFault:
		return jit.Faulted
	}
	return jit.Running
}

// Lookup is bpf_map_lookup_elem for what is plain: a hash, and a key that is on
// the function's stack and in the hash. Else it returns 0.
func (h Host) Lookup(regs *[isa.NumRegs]uint64) (value uint64, size uint32) {
	m := h.Maps().ByPtr(regs[isa.R1])
	if m == nil || maps.Type(m.Type()) != maps.Hash || m.Spec().Flags&(maps.FlagRdonlyProg|maps.FlagWronlyProg) != 0 {
		return 0, 0
	}
	n, key := uint64(m.KeySize()), regs[isa.R2]
	if n > vm.FrameSize || key-(regs[isa.R10]-vm.FrameSize) > vm.FrameSize-n {
		return 0, 0
	}
	return m.Lookup(h.Arena().Bytes(uint32(key), uint32(n)), 0), m.ValueSize()
}

// Program is a loaded program of the machine with what it has put behind the
// numbers of maps, variables and functions.
func Program(m *vm.Machine, prog int) *jit.Program {
	p := &jit.Program{Insns: m.Program(prog).Insns, Arrays: arrays(m)}
	insns := m.Resolved(prog)
	for pc := 0; pc+1 < len(insns); pc++ {
		if insns[pc].IsWide() {
			p.Consts = append(p.Consts, jit.Const{Slot: pc, Value: isa.Imm64(insns[pc], insns[pc+1])})
			pc++
		}
	}
	return p
}

// arrays lets the compiler turn lookups in arrays into addresses.
func arrays(m *vm.Machine) []jit.Array {
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

// Regs is the registers that the machine has now, for a runner to start with.
func Regs(m *vm.Machine) (regs [isa.NumRegs]uint64) {
	for i := range regs {
		regs[i] = m.Reg(i)
	}
	return regs
}

// Machine makes a machine with a program as a loader hands it to the kernel.
func Machine(p *verifier.Program, cfg vm.Config) (*vm.Machine, error) {
	for i := range p.Maps {
		cfg.Maps = append(cfg.Maps, MapSpec(&p.Maps[i]))
	}
	m, err := vm.New(cfg)
	if err != nil {
		return nil, err
	}
	license := ""
	if p.GPL {
		license = "GPL"
	}
	prog := &vm.Program{Type: p.Type, Attach: p.Attach, License: license, Insns: p.Insns}
	if _, err := m.Load(prog); err != nil {
		return nil, err
	}
	return m, nil
}

// MapSpec is the map that a machine makes for one that the verifier was told of.
func MapSpec(m *verifier.MapInfo) maps.Spec {
	s := maps.Spec{
		Name: m.Name, Type: m.Type, KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
		Flags: m.Flags, Extra: m.Extra, Frozen: m.Frozen, Data: m.Data,
	}
	if m.Inner != nil {
		inner := MapSpec(m.Inner)
		s.Inner = &inner
	}
	return s
}

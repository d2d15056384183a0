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
	"skep/vm/arena"
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

// Call does a helper call that needs no more than its arguments.
func (h Host) Call(id, slot, depth int, regs *[isa.NumRegs]uint64) bool {
	return vm.CallHelper(h.Machine, id, slot, depth, regs)
}

// Null notes that the lookup at a slot returned NULL.
func (h Host) Null(slot int) { vm.NoteNull(h.Machine, slot) }

// Program is a loaded program of the machine with what it has put behind the
// numbers of maps, variables and functions.
func Program(m *vm.Machine, prog int) *jit.Program {
	p := &jit.Program{Insns: m.Program(prog).Insns}
	addMaps(p, m)
	insns := m.Resolved(prog)
	for pc := 0; pc+1 < len(insns); pc++ {
		if insns[pc].IsWide() {
			p.Consts = append(p.Consts, jit.Const{Slot: pc, Value: isa.Imm64(insns[pc], insns[pc+1])})
			pc++
		}
	}
	return p
}

// addMaps lets the compiler do lookups in place: in arrays and hashes, per-CPU
// ones included.
func addMaps(p *jit.Program, m *vm.Machine) {
	for _, mp := range m.Maps().Maps() {
		as := jit.Map{Ptr: uint64(mp.Ptr()), Size: mp.ValueSize(), Perm: uint8(arena.Read | arena.Write), Name: mp.Name()}
		switch flags := mp.Spec().Flags; {
		case flags&maps.FlagRdonlyProg != 0:
			as.Perm = uint8(arena.Read)
		case flags&maps.FlagWronlyProg != 0:
			as.Perm = uint8(arena.Write)
		}
		t := maps.Type(mp.Type())
		if l, ok := mp.(maps.Indexed); ok && (t == maps.Array || t == maps.PerCPUArray) {
			a := jit.Array{Map: as, Entries: mp.MaxEntries()}
			a.Elems, a.Stride, a.CPUStride = l.Layout()
			if t == maps.Array || m.Maps().CPUs == 1 {
				a.CPUStride = 0
			}
			p.Arrays = append(p.Arrays, a)
		}
		if l, ok := maps.LayoutOfHash(mp); ok {
			p.Hashes = append(p.Hashes, jit.Hash{Map: as, HashLayout: jit.HashLayout(l), KeySize: mp.KeySize()})
		}
	}
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

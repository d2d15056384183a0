package source

import (
	"encoding/binary"

	"skep/vm/asm"
	"skep/vm/btf"
	"skep/vm/hook"
	"skep/vm/isa"
	"skep/vm/maps"
)

// Source is a file that was read.
type Source struct {
	Programs []Program
	Maps     []Map // a map load's immediate is an index into it
	BTF      *btf.Spec
	License  string
	Dialect  asm.Dialect // of assembly; asm.Kernel for objects
	Warnings []string
}

// Program is one entry point with all functions that it calls.
type Program struct {
	Name     string
	Section  string // as SEC() or .section has it; "" when there is none
	ProgType string // what .prog says, bpftool's name; "" when nothing does
	Insns    []isa.Insn
	Funcs    []Func // by Start; the first is the program itself
	Lines    []Line // by Slot
	Kfuncs   []Symbol
	Ksyms    []Symbol

	// As BPF_PROG_LOAD takes them; nil without BTF.
	FuncInfo []btf.FuncInfo
	LineInfo []btf.LineInfo

	// Unrelocated is what the object asks the kernel about and nobody here
	// knows: "struct task_struct", "kernel configuration CONFIG_SMP". "" for
	// nothing.
	Unrelocated string
}

// Func is a function of a program.
type Func struct {
	Name       string
	Proto      string // as C declares it, or the name
	Start, Len int    // slots
}

// Line says that a source line begins at a slot.
type Line struct {
	Slot      int
	File      string
	Line, Col int // from 1
	Text      string
}

// Symbol is a name that the kernel resolves for an instruction.
type Symbol struct {
	Slot int
	ID   int32 // the instruction's immediate
	Name string
	Size uint32 // of a variable
}

// Map is a map with its types.
type Map struct {
	Spec       maps.Spec
	Key, Value btf.ID // in Source.BTF, 0 without
	Internal   bool   // made for global variables
	Slots      []Slot // of a prog array
}

// Slot is an element of a prog array that is there from the start.
type Slot struct {
	Index   uint32
	Program int // in Source.Programs
}

// Hook is the type and attach type that a program is loaded with, and the
// kernel function or hook that its section names. want is a bpftool name that
// overrules a section of another type; "" for none. ok is false when want, or
// what the program says, is no program type.
func (p *Program) Hook(want string) (h hook.Section, target string, ok bool) {
	if s, target, found := hook.ParseSection(p.Section); found {
		said := p.ProgType == "" || p.ProgType == s.Type.String()
		if said && (want == "" || want == s.Type.String()) {
			return s, target, true
		}
	}
	name := want
	if name == "" {
		name = p.ProgType
	}
	if name == "" {
		name = "xdp"
	}
	if h.Type, ok = hook.ByName(name); !ok {
		return h, "", false
	}
	h.Sleepable = h.Type == hook.Syscall // the kernel takes no others
	if !hook.AttachAllowed(h.Type, 0) {
		for _, s := range hook.Sections() {
			if s.Type == h.Type {
				h.Attach = s.Attach
				break
			}
		}
	}
	return h, "", true
}

// AttachTo is the kernel function or type that a BTF-typed program is attached
// to, "" for the others: target as the section names it, with the prefix that
// libbpf puts before it.
func AttachTo(h hook.Section, target string) string {
	switch {
	case target == "":
		return ""
	case h.Type == hook.LSM:
		return "bpf_lsm_" + target
	case h.Type == hook.Tracing && h.Attach == hook.TraceIter:
		return "bpf_iter_" + target
	case h.Type == hook.Tracing, h.Type == hook.Ext, h.Type == hook.StructOps:
		return target
	}
	return ""
}

// RawInfo is FuncInfo and LineInfo as BPF_PROG_LOAD takes them: records of 8
// and 16 bytes.
func (p *Program) RawInfo() (funcs, lines []byte) {
	for _, f := range p.FuncInfo {
		funcs = words(funcs, f.Insn, uint32(f.Type))
	}
	for _, l := range p.LineInfo {
		lines = words(lines, l.Insn, l.FileOff, l.TextOff, l.LineCol)
	}
	return funcs, lines
}

func words(dst []byte, w ...uint32) []byte {
	for _, v := range w {
		dst = binary.LittleEndian.AppendUint32(dst, v)
	}
	return dst
}

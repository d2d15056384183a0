package vm

import (
	"skep/vm/hook"
	"skep/vm/isa"
)

// Program is what a machine loads: instructions and what they refer to.
type Program struct {
	Name    string
	Type    hook.ProgType
	Attach  hook.AttachType
	License string
	Insns   []isa.Insn

	// Verified says that the verifier accepted the program. It looks at the
	// reserved fields of instructions that it reaches only, so that dead code
	// may have them set, and takes that code out; here it faults if it runs.
	// Without Verified such a program is a LoadError.
	Verified bool

	// Maps translates the immediate of a map load (lddw with src 1, 2, 5 or
	// 6) to the index of a map in the machine. Nil: they are the same.
	Maps []int

	// Ksyms are the kernel variables that lddw with src 3 loads the address of.
	Ksyms []Ksym
	// Probe is the slots, ascending, of loads through pointers that may be
	// stale: the verifier knows them by their BTF type and makes them
	// BPF_PROBE_MEM, which reads zero where there is no memory.
	Probe []int
	// Kfuncs names the kernel functions that are called, by their BTF id.
	Kfuncs []Kfunc

	// Funcs names the functions, for views: at least the entry, sorted by
	// Start. Functions that are called and not listed are found by Load.
	Funcs []Func
	// Lines maps instructions to source, sorted by PC. May be empty.
	Lines []Line
}

// Ksym is a variable of the kernel, simulated as Size bytes that hold Data.
type Ksym struct {
	ID   int32 // immediate of the load: its BTF id
	Name string
	Size uint32
	Data []byte
}

// Kfunc is a kernel function that a program calls by its BTF id.
type Kfunc struct {
	ID   int32 // immediate of the call
	Name string
}

// Func is a function of a program.
type Func struct {
	Start int // slot
	Name  string
}

// Line is the source of the instructions from slot PC up to the next Line.
type Line struct {
	PC        int
	File      string
	Line, Col int
	Text      string
}

// FuncAt is the function that slot pc belongs to.
func (p *Program) FuncAt(pc int) Func {
	var f Func
	for _, g := range p.Funcs {
		if g.Start > pc {
			break
		}
		f = g
	}
	return f
}

// LineAt is the source line of slot pc, nil when there is none.
func (p *Program) LineAt(pc int) *Line {
	lo, hi := 0, len(p.Lines)
	for lo < hi {
		if mid := (lo + hi) / 2; p.Lines[mid].PC <= pc {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return nil
	}
	return &p.Lines[lo-1]
}

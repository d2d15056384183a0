package asm

import "skep/vm/isa"

// Dialect is a way to write instructions.
type Dialect uint8

const (
	Kernel      Dialect = iota // the words of the verifier's log (kernel/bpf/disasm.c)
	LLVM                       // the words of clang -S and llvm-objdump -d
	Conformance                // the mnemonics of bpf_conformance and ubpf

	numDialects
)

var dialectNames = [numDialects]string{"kernel", "llvm", "conformance"}

// String is the name that [DialectByName] reads.
func (d Dialect) String() string {
	if d < numDialects {
		return dialectNames[d]
	}
	return "unknown"
}

// DialectByName finds a dialect by its name.
func DialectByName(name string) (Dialect, bool) {
	for i, n := range dialectNames {
		if n == name {
			return Dialect(i), true
		}
	}
	return 0, false
}

// Resolver supplies what the instructions alone do not say. A nil Resolver and
// every nil field mean that nothing is known. The functions are called while
// printing or assembling and should not allocate: the verifier prints each
// instruction that it visits.
type Resolver struct {
	// HelperName names a helper ("bpf_map_lookup_elem" for 1); "" is unknown.
	HelperName func(id int32) string
	// HelperID is the inverse of HelperName.
	HelperID func(name string) (id int32, ok bool)

	// KfuncName names a kernel function by its BTF id and the call's offset
	// field. The name of an id without a function is empty in the kernel's log.
	KfuncName func(id int32, off int16) (name string, ok bool)
	// KfuncID is the inverse of KfuncName.
	KfuncID func(name string) (id int32, off int16, ok bool)

	// Address is what the kernel has put into the wide load at pc when it
	// prints it: the address of the map, of the map value's byte, or of the
	// kernel variable. Without it [AppendKernel] prints the instruction's own
	// immediate.
	Address func(pc int) (addr uint64, ok bool)
	// HidePointers prints those addresses as 0x0, as the kernel does for a
	// user who may not see pointers.
	HidePointers bool

	// MapName names the map of a wide load by its immediate: the index or
	// descriptor that the caller uses there. [Append] and [Disassemble] use it.
	MapName func(imm int32) string
	// VarName names the kernel variable of a wide load by its BTF id.
	VarName func(id int32) string
	// VarID is the inverse of VarName.
	VarID func(name string) (id int32, ok bool)
	// Label names the slot that a jump, a local call or a function load goes
	// to; "" prints the distance. [AppendKernel] does not ask.
	Label func(pc int) string

	// Version is the kernel whose words [AppendKernel] uses, major<<8 | minor;
	// zero knows all instructions. A kernel prints "BUG_db" and the like for
	// atomic operations younger than itself.
	Version uint16
}

// Pos is a place in the source: line and columns count from 1, columns in
// bytes, and End is the column after the last byte. The zero Pos is nowhere.
type Pos struct{ Line, Col, End int }

// Label is a name for a slot.
type Label struct {
	Name string
	PC   int // slot index; len(Insns) for a label at the end
	Pos  Pos
}

// Func is a function of the file: the entry, and each label that a call or a
// function load names or that .func or .global marks.
type Func struct {
	Name    string // "" for an entry without a label
	Start   int    // first slot
	End     int    // slot after the last
	Section string // of .section, or ""
	Global  bool   // marked by .global
	Pos     Pos
}

// Map is a .map directive. Type is in bpftool's words and is not checked here.
type Map struct {
	Name    string
	Type    string
	Key     uint32 // bytes of a key
	Value   uint32 // bytes of a value
	Entries uint32 // max_entries
	Flags   uint32 // map_flags
	Inner   string // name of the inner map of a map in map
	Parts   []Part // kernel structs in the value, by Off
	Pos     Pos
}

// Part is a struct of the kernel in a map's value that only helpers touch. The
// map then needs BTF to be created with: vm/source makes it.
type Part struct {
	Name     string // bpf_spin_lock, bpf_timer or bpf_wq
	Off, Len uint32 // bytes
}

// RelocKind says what a name stands for.
type RelocKind uint8

const (
	RelocMap      RelocKind = iota + 1 // wide load of a map
	RelocMapValue                      // wide load of a byte of a map's value
	RelocKfunc                         // call of a kernel function
	RelocVar                           // wide load of a kernel variable
)

// Reloc is an instruction that names something outside of the file's code. The
// instruction already has the number when it is known: for a map the index
// into [Result].Maps, else the resolver's answer.
type Reloc struct {
	Insn  int // slot index
	Kind  RelocKind
	Name  string
	Index int // into Result.Maps for the map kinds; -1 when the file does not declare it
	Pos   Pos
}

// Options of [Assemble].
type Options struct {
	Dialect  Dialect
	Resolver *Resolver
	// Externs accepts maps, kernel functions and variables that neither the
	// file nor the resolver knows: they become relocations with Index -1.
	Externs bool
}

// Result is what an assembler run found. With errors it holds what could be
// assembled; jumps over a bad line are then off.
type Result struct {
	Insns    []isa.Insn
	Lines    []Pos // where each slot comes from; both slots of a wide load have the same
	Labels   []Label
	Funcs    []Func // by Start
	Maps     []Map
	Relocs   []Reloc
	ProgType string // of .prog, or ""
	License  string // of .license, or ""
	Errors   []Error
}

// Limits of one file. What exceeds them is an [Error], so that memory is
// bounded by a small multiple of MaxSource.
const (
	MaxSource = 8 << 20 // bytes
	MaxInsns  = isa.MaxInsns
	MaxLabels = 1 << 16
	MaxMaps   = 1 << 10
	MaxErrors = 50
	maxTokens = 64 // of one statement
)

package ir

import (
	"slices"
	"strconv"
	"sync"

	"skep/vm/isa"
)

// Program is what is compiled: instructions, and what the machine that they
// will run in has put behind their numbers.
type Program struct {
	Insns []isa.Insn
	// Consts has, by slot ascending, the value that a wide load with a pseudo
	// source (map, variable, function) loads. One that is missing is left to
	// the interpreter each time it runs.
	Consts []Const
	// Arrays and Hashes are the maps whose lookups may be done in place.
	Arrays []Array
	Hashes []Hash
}

// Const is the resolved value of the wide load at a slot.
type Const struct {
	Slot  int
	Value uint64
}

// Map is a map as programs see it.
type Map struct {
	Ptr  uint64 // register value that stands for it
	Size uint32 // bytes of a value that programs may touch
	Perm uint8  // 1: they may read it, 2: write
	Name string
}

// Array is where an array map lies in the arena.
type Array struct {
	Map
	Elems     uint32 // address of the value of element 0, of CPU 0
	Stride    uint32
	CPUStride uint32 // distance of the values of two CPUs, 0 when there is one for all
	Entries   uint32
}

// Hash is a hash map in the arena.
type Hash struct {
	Map
	HashLayout
	KeySize uint32
}

// HashLayout is that of package vm/maps, which says what the fields are.
type HashLayout struct {
	Buckets, Mask uint32
	Chunks        uint32
	Shift         uint32
	Single        bool
	Stride        uint32
	CPUStride     uint32

	Next, Hash, Key, Value uint32
}

// Facts is what a verifier has proved of the program: of every run, hence of
// every path that a run can take. Slots are ascending in each list.
type Facts struct {
	// Accepted: every access is inside its memory, so that none is checked but
	// those at the slots in Checked: loads that may miss (BPF_PROBE_MEM), and
	// memory of which the machine has less than the kernel, as a kernel object
	// that it only simulates.
	Accepted bool
	Checked  []int
	NonZero  []int // divisions whose divisor is not zero
	Narrow   []int // unsigned 64-bit divisions of numbers below 1<<32
	Always   []int // conditional jumps that are always taken
	Never    []int // and that never are
	Dead     []int // instructions that no run reaches
	Keys     []Key
	Alone    bool // no tail call leads to the program: it starts in the first frame
}

// Key is the constant that the 4-byte key of a lookup has.
type Key struct {
	Slot int // of the call
	Key  uint32
}

// Options turn parts of the compiler off, or lessons on.
type Options struct {
	NoFusion bool // one instruction at a time
	NoInline bool // every helper is called
	// Blind, when not zero, hides constants: see blind.go of amd64 and arm64. It
	// is the seed of what they are hidden behind, random where it matters.
	// Nothing is fused then.
	Blind uint64
}

// Note says what was made of an instruction that is not plain translation:
// what the view of the machine code shows beside it.
type Note struct {
	Slot int
	Kind NoteKind
	Text string
}

// NoteKind sorts notes.
type NoteKind uint8

const (
	NoteFusion  NoteKind = iota + 1 // several instructions became one
	NoteDropped                     // a check was left out, and the fact that allowed it
	NoteInline                      // a helper call became instructions
	NoteHost                        // left to the interpreter
)

var noteNames = [...]string{"", "fusion", "dropped check", "inlined", "interpreted"}

func (k NoteKind) String() string { return noteNames[k] }

// Error is a program that cannot be compiled.
type Error struct {
	Slot int // -1: the program as a whole
	Msg  string
}

func (e *Error) Error() string {
	if e.Slot < 0 {
		return "jit: " + e.Msg
	}
	return "jit: instruction " + strconv.Itoa(e.Slot) + ": " + e.Msg
}

// Unit is a program on its way through the passes.
type Unit struct {
	Program *Program
	Facts   Facts
	Options Options

	Ops   []Op    // with a KindEnd behind the last instruction
	Dense []int32 // op of each slot, -1 for the second half of a wide one
	Notes []Note
	Funcs []Func // the first is the program itself

	// Irregular: an indirect jump may lead anywhere, so that no op is covered
	// and every register is always live.
	Irregular bool
	// Callbacks: functions may be entered by helpers.
	Callbacks bool
	maxDepth  int     // frames a call chain may have, 0 when not bounded
	backs     []int32 // jumps back, ascending
	scratch   *scratch
}

// Func is a function of the program.
type Func struct {
	Op      int32
	Clobber uint16 // registers of r6 to r9 that it or what it calls writes
	MayGoto bool   // it counts the passes of may_goto
	callees []int32
	depth   int
}

// FuncAt is the function that begins at op, nil when none does.
func (u *Unit) FuncAt(op int32) *Func {
	for i := range u.Funcs {
		if u.Funcs[i].Op == op {
			return &u.Funcs[i]
		}
	}
	return nil
}

// LoopEnd is the first jump back to op head, -1 when there is none among the
// next n ops.
func (u *Unit) LoopEnd(head, n int32) int32 {
	first, _ := slices.BinarySearch(u.backs, head)
	for _, j := range u.backs[first:] {
		if j-head > n {
			break
		}
		if u.Ops[j].Target == head {
			return j
		}
	}
	return -1
}

// note records what happened to op i.
func (u *Unit) note(i int, k NoteKind, text string) {
	u.scratch.notes = append(u.scratch.notes, Note{Slot: int(u.Ops[i].Slot), Kind: k, Text: text})
}

// scratch is memory that the passes need only while they run.
type scratch struct {
	byOp  []int32
	list  []int32
	joins []knowledge
	notes []Note
}

// numbers is a zero for each of n ops.
func (s *scratch) numbers(n int) []int32 {
	s.byOp = slices.Grow(s.byOp[:0], n)[:n]
	clear(s.byOp)
	return s.byOp
}

// A third of the time of a compilation would go into new memory: that of
// compilations which are over is used again.
var (
	released  = sync.Pool{New: func() any { return new(Unit) }}
	scratches = sync.Pool{New: func() any { return new(scratch) }}
)

// tidy gives back what the passes needed.
func (u *Unit) tidy() {
	s := u.scratch
	u.scratch = nil
	clear(s.notes)
	s.notes = s.notes[:0]
	scratches.Put(s)
}

// Release lets the next compilation have the memory of the unit, but for Dense
// and Notes. Nothing else of it may be used any more.
func (u *Unit) Release() {
	*u = Unit{Ops: u.Ops, Funcs: u.Funcs, backs: u.backs}
	released.Put(u)
}

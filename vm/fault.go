package vm

import (
	"strconv"

	"skep/vm/arena"
	"skep/vm/helper"
)

// Code is the kind of a fault. Values are never reused.
type Code uint8

const (
	// CodeNull: an access at or near address zero. A lookup that found
	// nothing, used without a check:
	//
	//	call bpf_map_lookup_elem
	//	r1 = *(u64 *)(r0 +0)
	CodeNull Code = 1 + iota
	// CodeBounds: an access outside of the memory the pointer is into.
	//
	//	r0 = *(u64 *)(r10 -520)
	CodeBounds
	// CodeWild: an access far from any memory; the value is no pointer.
	//
	//	r1 = 0x123456789abc ll
	//	r0 = *(u8 *)(r1 +0)
	CodeWild
	// CodePerm: a write to memory that may only be read, or the other way.
	CodePerm
	// CodeDepth: more than eight functions deep.
	CodeDepth
	// CodeEnd: the program ran past its last instruction.
	CodeEnd
	// CodeHelper: a helper that does not exist or is not simulated.
	CodeHelper
	// CodeKfunc: a kernel function that is not simulated.
	CodeKfunc
	// CodeFunc: a call or jump to a value that is no function of the program.
	CodeFunc
	// CodeFrame: a write to r10, which is read-only.
	CodeFrame
	// CodeState: a helper was asked for what the run has not: a packet in a
	// program without one, a map pointer that is none.
	CodeState
	// CodeDeadlock: a spin lock that will never be given back.
	CodeDeadlock
	// CodeDead: a malformed instruction that a verified program must not reach.
	CodeDead
)

var codeNames = [...]string{
	"", "null", "out of bounds", "wild pointer", "permission", "call depth", "end of program",
	"helper", "kfunc", "function pointer", "frame pointer", "state", "deadlock", "dead code",
}

func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "fault"
}

// Fault says why a run cannot go on. Where memory is concerned it says which:
// the region the address lies in or next to, and how far off it was.
type Fault struct {
	Code Code
	Prog int    // program
	PC   int    // slot of the instruction
	Step uint64 // number of the state before it

	Addr  uint64 // address of the access
	Size  uint32 // bytes
	Write bool

	Kind   arena.Kind // of the region, 0 when there is none near
	Region string     // its name
	Map    int        // map that the memory belongs to, -1 for none
	Key    []byte     // key of the element, when it is a map value
	Off    int64      // Addr relative to the accessible memory: map value, packet, frame
	Limit  uint32     // length of that memory
	Frame  int        // of a stack access: frame that the stack belongs to

	Helper int    // helper concerned: the one that returned NULL, or that is not simulated
	From   int    // slot of that call, -1 when unknown
	Msg    string // for codes without an address
}

// Error is one line: what was touched and what there was.
func (f *Fault) Error() string { return f.where() + ": " + f.Detail() }

func (f *Fault) where() string { return "instruction " + strconv.Itoa(f.PC) }

// Detail is Error without the place: "8 bytes at value+64 of map `counts`,
// value size 64".
func (f *Fault) Detail() string {
	if f.Msg != "" {
		return f.Msg
	}
	verb := "read of "
	if f.Write {
		verb = "write of "
	}
	what := verb + bytesText(f.Size)
	switch f.Code {
	case CodeNull:
		s := what + " at NULL" + signed(int64(f.Addr))
		if f.Helper != 0 {
			s += ": " + helperName(f.Helper) + " at instruction " + strconv.Itoa(f.From) + " returned NULL"
		}
		return s
	case CodeWild:
		return what + " at 0x" + strconv.FormatUint(f.Addr, 16) + ", which is no memory of the program"
	case CodePerm:
		if f.Write {
			return what + " to " + f.memory() + ", which is read-only"
		}
		return what + " from " + f.memory() + ", which cannot be read"
	}
	return what + " " + f.bounds()
}

// bounds says where an access lies that is outside of its memory.
func (f *Fault) bounds() string {
	size := strconv.FormatUint(uint64(f.Limit), 10)
	switch f.Kind {
	case arena.Value:
		return "at value" + signed(f.Off) + " of map `" + f.Region + "`, value size " + size
	case arena.Packet:
		switch {
		case f.Limit == 0 && f.Off == 0:
			return "of a packet, and the run has none"
		case f.Off < 0:
			return strconv.FormatInt(-f.Off, 10) + " bytes before the packet"
		}
		return "at packet byte " + strconv.FormatInt(f.Off, 10) + ", the packet is " + size + " bytes long"
	case arena.Stack:
		frame := "the stack of frame " + strconv.Itoa(f.Frame)
		if f.Off < 0 {
			return strconv.FormatInt(-f.Off, 10) + " bytes below " + frame + " (r10" + signed(f.Off-int64(f.Limit)) + ", a frame is " + size + " bytes)"
		}
		return "above " + frame + " (r10" + signed(f.Off-int64(f.Limit)) + ")"
	case arena.Ctx:
		return "at ctx" + signed(f.Off) + ", the context is " + size + " bytes long"
	case arena.Ringbuf:
		if f.Limit == 0 {
			return "of ring buffer `" + f.Region + "`, outside of any reserved record: it was submitted, discarded or never reserved"
		}
		return "at record" + signed(f.Off) + " of ring buffer `" + f.Region + "`, record size " + size
	case arena.MapPtr:
		return "at" + signed(f.Off) + " of the descriptor of map `" + f.Region + "`: a map pointer is not its value, look the value up"
	case arena.State:
		return "of memory that belongs to map `" + f.Region + "` itself"
	}
	return "at `" + f.Region + "`" + signed(f.Off) + ", size " + size
}

// memory names the memory of a permission fault.
func (f *Fault) memory() string {
	switch f.Kind {
	case arena.Value:
		return "value" + signed(f.Off) + " of map `" + f.Region + "`"
	case arena.MapPtr:
		return "the descriptor of map `" + f.Region + "`"
	case arena.State:
		return "the inside of map `" + f.Region + "`"
	}
	return f.Region + signed(f.Off)
}

func bytesText(n uint32) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.FormatUint(uint64(n), 10) + " bytes"
}

// signed is +n or -n.
func signed(n int64) string {
	if n < 0 {
		return strconv.FormatInt(n, 10)
	}
	return "+" + strconv.FormatInt(n, 10)
}

func helperName(id int) string {
	if name := helper.Name(id); name != "" {
		return name
	}
	return "helper " + strconv.Itoa(id)
}

// accessFault makes the fault of an access that reach refused.
func (m *Machine) accessFault(addr uint64, n uint32, write bool) { m.raise(m.describe(addr, n, write)) }

// near is how far from a region an address may be to be taken for a slip of a
// pointer into it.
const near = 1 << 16

// describe finds out which memory an access missed.
func (m *Machine) describe(addr uint64, n uint32, write bool) *Fault {
	f := &Fault{Code: CodeBounds, Addr: addr, Size: n, Write: write, Map: -1, From: -1}
	if small := int64(addr); small < arena.Base/2 && small >= -arena.Base/2 {
		f.Code = CodeNull
		f.Helper, f.From = int(m.cpu.nullBy), int(m.cpu.nullPC)
		if f.Helper == 0 {
			f.From = -1
		}
		return f
	}
	var r *arena.Region
	if addr>>32 == 0 {
		r = m.arena.Near(uint32(addr))
	}
	if r == nil || distance(r, uint32(addr)) >= near {
		f.Code = CodeWild
		return f
	}
	if r.Kind == arena.Stack && uint64(r.Index) > m.cpu.depth {
		// Memory of a function that is not called: below the current frame.
		r = m.arena.Find(uint32(m.stackBase()))
	}
	w := nearest(r, uint32(addr))
	f.Kind, f.Region, f.Map = r.Kind, r.Name, int(r.Map)
	f.Off, f.Limit = int64(addr)-int64(w.Base), w.Len
	if r.Kind == arena.Stack {
		f.Frame = int(r.Index)
	}
	if r.Kind == arena.Value {
		f.Key, _ = m.maps.At(f.Map).KeyAt(uint32(addr))
	}
	need := arena.Read
	if write {
		need = arena.Write
	}
	if w.Contains(uint32(addr), n) && w.Perm&need == 0 {
		f.Code = CodePerm
	}
	return f
}

// nearest is the window of r whose edge is nearest to addr: between two map
// values, a pointer that ran past the first one belongs to that.
func nearest(r *arena.Region, addr uint32) arena.Window {
	w := r.Window(addr)
	if r.Stride > 0 && addr < w.Base && addr >= r.Base+r.Stride {
		before := r.Window(addr - r.Stride)
		if r.Reps > 1 {
			before.Base += (r.Reps - 1) * r.RepStride()
		}
		if addr-(before.Base+before.Len) <= w.Base-addr {
			return before
		}
	}
	return w
}

func distance(r *arena.Region, addr uint32) uint32 {
	switch end := r.Base + r.Len; {
	case addr < r.Base:
		return r.Base - addr
	case addr >= end:
		return addr - end
	}
	return 0
}

// raise stops the run with a fault. Where it happened is filled in by the
// engine that runs.
func (m *Machine) raise(f *Fault) {
	m.fault = f
	m.cpu.status = faulted
}

func (m *Machine) raiseMsg(c Code, msg string) {
	m.raise(&Fault{Code: c, Map: -1, From: -1, Msg: msg})
}

// placeFault completes the fault of the instruction at cpu.pc.
func (m *Machine) placeFault() {
	if f := m.fault; f != nil {
		f.Prog, f.PC, f.Step = int(m.cpu.prog), m.PC(), m.steps-1
	}
}

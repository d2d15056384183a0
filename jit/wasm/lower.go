package wasm

import (
	"slices"
	"strconv"

	"skep/jit/ir"
	"skep/vm/isa"
)

// Target is where in linear memory the code finds things.
type Target struct {
	Base    uint32 // address of arena offset 0, at least 32 KiB
	Context uint32

	// Mask, when not zero, is one less than a power of two, and the arena ends
	// 32 KiB or more before that: addresses that are not checked are cut to it.
	// For a memory that others use too: with [Guard] bytes on both sides that
	// hold nothing of value, even code with wrong facts stays in its own part.
	Mask uint32
}

// Guard is how far an access may begin or end outside of a masked arena.
const Guard = 1<<15 + 8

// Code is a compiled program: a module with an entry for its start and one for
// each function that helpers may call.
type Code struct {
	Module
	// Offset is where each op begins in Text, -1 for those that have none;
	// KindEnd included.
	Offset []int32
	Slot   []int32 // of each op
	Dense  []int32 // op of each slot
	Exit   int32   // op of an exit instruction, -1 when there is none
	Fuel   int32   // the least fuel with which a run gets ahead
	CPU    bool    // lookups look at CtxCPU
	Notes  []ir.Note

	u      *ir.Unit
	target Target
	heads  []int32
}

// Module is WebAssembly in the binary format. It imports "m"."memory" and the
// functions "h"."host" (i32) -> i32 and "h"."reach" (i32, i32) -> i32. Entry i
// is exported as "e" and the number: () -> i32. The module of a program also
// exports "repeat": (i32) -> i32, which does so many runs from what is at
// CtxBegin and returns how many it did not end, the one that was left included.
type Module struct {
	Text    []byte
	Entries []int32 // op that each entry begins at
	Bodies  []Span  // instructions of the entries, then of the functions they call
}

// Span is a range of Text.
type Span struct{ Start, End int }

// RepeatName is the export that repeats runs.
const RepeatName = "repeat"

// EntryName is the export of entry i.
func EntryName(i int) string { return "e" + strconv.Itoa(i) }

// Lower makes the code.
func Lower(u *ir.Unit, t Target) (*Code, error) {
	if t.Base < 1<<15 {
		return nil, &ir.Error{Slot: -1, Msg: "wasm: the arena must not begin in the first 32 KiB of memory"}
	}
	c := &Code{Exit: -1, Dense: u.Dense, Notes: u.Notes, u: u, target: t, Slot: make([]int32, len(u.Ops)), Offset: make([]int32, len(u.Ops)), heads: make([]int32, len(u.Ops))}
	for i := range u.Ops {
		o := &u.Ops[i]
		c.Slot[i], c.Offset[i] = o.Slot, -1
		if o.Own == isa.KindExit {
			c.Exit = int32(i)
		}
		c.CPU = c.CPU || u.CPUStride(o) > 0
		if o.Flags&ir.Entry != 0 {
			c.heads[i] = max(c.heads[i], callFuel)
		}
		if o.Flags&ir.Back != 0 {
			c.heads[o.Target] = max(c.heads[o.Target], int32(i)-o.Target+1)
		}
	}
	c.Fuel = slices.Max(c.heads) + 1
	entries := []int32{0}
	if u.Callbacks {
		for i := range u.Ops {
			if o := &u.Ops[i]; o.Own == isa.KindLdFunc && !slices.Contains(entries, o.Target) {
				entries = append(entries, o.Target)
			}
		}
	}
	m, err := c.module(entries, c.Offset)
	if err != nil {
		return nil, err
	}
	c.Module = *m
	return c, nil
}

// callFuel is what a call costs.
const callFuel = 8

// Entry makes a module with one more entry, for a run to go on at op.
func (c *Code) Entry(op int32) (*Module, error) {
	if op < 0 || int(op) >= len(c.u.Ops) || c.u.Ops[op].Len == 0 {
		return nil, &ir.Error{Slot: -1, Msg: "wasm: no instruction to begin at"}
	}
	return c.module([]int32{op}, nil)
}

// IsExit reports an op that returns from its function.
func (c *Code) IsExit(op int32) bool { return c.u.Ops[op].Own == isa.KindExit }

// Accepted reports code that does not check accesses.
func (c *Code) Accepted() bool { return c.u.Facts.Accepted }

// Helper is the helper that an op calls, 0 when it calls none.
func (c *Code) Helper(op int32) int { return int(c.u.Ops[op].Helper()) }

// Behind is the op that follows the group of op.
func (c *Code) Behind(op int32) int32 { return op + int32(max(c.u.Ops[op].Len, 1)) }

// At is the op of a slot, the last op (KindEnd) for the end of the program.
func (c *Code) At(slot int) int32 {
	if slot >= len(c.Dense) {
		return int32(len(c.Slot) - 1)
	}
	return c.Dense[slot]
}

// module is the one that is being made.
type module struct {
	c       *Code
	flow    *flow
	entries []int32
	repeats bool
	funcs   []int32 // ops of the functions that are called, in the order found
	sigs    []signature
	code    encoder
	begins  []int // where the instructions of the bodies begin in code
	ends    []int // and where they end
	budget  int   // ops that may still be emitted: functions may share code
}

// signature is the registers that a function gets and returns. Behind them
// come r10 (only as a parameter) and the fuel.
type signature struct{ params, results uint16 }

// Functions of the module: its imports, then those that leave, then entries,
// then functions of the program.
const (
	fnHost = iota
	fnReach
	fnSave
	fnKeep
	fnFirst
)

// Types of functions.
const (
	typeHost = iota
	typeReach
	typeSave
	typeKeep
	typeEntry
	typeFirst
)

func (c *Code) module(entries, offset []int32) (*Module, error) {
	m := &module{c: c, flow: newFlow(c.u), entries: entries, repeats: offset != nil, budget: 4*len(c.u.Ops) + 1<<16}
	m.code.b = make([]byte, 0, 8*len(c.u.Ops)+512)
	marks := make([]mark, 0, len(c.u.Ops))
	for n := 0; n < len(m.entries)+len(m.funcs); n++ {
		b := &body{encoder: encoder{m.code.b}, module: m, u: c.u, target: c.target, heads: c.heads, isEntry: n < len(entries)}
		op := int32(0)
		if b.isEntry {
			op = entries[n]
		} else {
			op = m.funcs[n-len(entries)]
			b.sig = m.sigs[n-len(entries)]
		}
		if err := b.emit(op); err != nil {
			return nil, err
		}
		m.code.b = b.b
		m.begins = append(m.begins, b.begin)
		m.ends = append(m.ends, len(b.b))
		marks = append(marks, b.marks...)
	}
	text, bodies := m.assemble()
	if offset != nil {
		body := 0
		for _, k := range marks {
			for int(k.at) >= m.ends[body] {
				body++
			}
			if offset[k.op] < 0 {
				offset[k.op] = int32(bodies[body].End-m.ends[body]) + k.at
			}
		}
	}
	return &Module{Text: text, Entries: entries, Bodies: bodies}, nil
}

// function is the number of the function that begins at op.
func (m *module) function(op int32) (uint32, signature) {
	n := slices.Index(m.funcs, op)
	if n < 0 {
		n = len(m.funcs)
		m.funcs = append(m.funcs, op)
		m.sigs = append(m.sigs, m.c.signature(op))
	}
	return uint32(fnFirst + len(m.entries) + n), m.sigs[n]
}

// signature says what crosses a call. A program that no verifier has seen may
// read any register anywhere.
func (c *Code) signature(op int32) signature {
	s := signature{params: c.u.Ops[op].In &^ ir.Bit(isa.R10), results: ir.Bit(isa.R0)}
	if c.u.Facts.Accepted {
		s.params &= argRegs
		return s
	}
	for i := range c.u.Ops {
		if o := &c.u.Ops[i]; o.Own == isa.KindCallLocal && o.Target == op {
			s.results |= o.Out & argRegs
		}
	}
	return s
}

const argRegs uint16 = 1<<isa.R1 | 1<<isa.R2 | 1<<isa.R3 | 1<<isa.R4 | 1<<isa.R5

// each calls f for the registers of a set, ascending.
func each(set uint16, f func(r uint8)) {
	for r := uint8(0); r < isa.NumRegs; r++ {
		if set&ir.Bit(r) != 0 {
			f(r)
		}
	}
}

// assemble writes the sections and says where the bodies are in the text.
func (m *module) assemble() (text []byte, bodies []Span) {
	var e encoder
	e.b = make([]byte, 0, len(m.code.b)+512)
	e.op(0, 'a', 's', 'm', 1, 0, 0, 0)

	var types, imports, funcs, exports, code encoder
	types.u32(uint32(typeFirst + len(m.funcs)))
	types.funcType([]byte{typeI32}, []byte{typeI32})
	types.funcType([]byte{typeI32, typeI32}, []byte{typeI32})
	types.funcType([]byte{
		typeI64, typeI64, typeI64, typeI64, typeI64, typeI64, typeI64, typeI64, typeI64, typeI64, typeI64, typeI32, typeI32,
	}, nil)
	types.funcType([]byte{typeI64, typeI64, typeI64, typeI64, typeI64, typeI32, typeI32}, nil)
	types.funcType(nil, []byte{typeI32})
	for _, s := range m.sigs {
		var in, out []byte
		each(s.params, func(uint8) { in = append(in, typeI64) })
		each(s.results, func(uint8) { out = append(out, typeI64) })
		types.funcType(append(in, typeI64, typeI32), append(out, typeI32))
	}

	imports.u32(3)
	imports.bytes("m")
	imports.bytes("memory")
	imports.op(2, 0, 1)
	for n, name := range [...]string{"host", "reach"} {
		imports.bytes("h")
		imports.bytes(name)
		imports.op(0)
		imports.u32(uint32(typeHost + n))
	}

	n := len(m.entries) + len(m.funcs)
	more := 2
	if m.repeats {
		more++
	}
	funcs.u32(uint32(more + n))
	funcs.u32(typeSave)
	funcs.u32(typeKeep)
	for range m.entries {
		funcs.u32(typeEntry)
	}
	for n := range m.funcs {
		funcs.u32(uint32(typeFirst + n))
	}

	if m.repeats {
		funcs.u32(typeHost)
	}

	exports.u32(uint32(len(m.entries) + more - 2))
	for n := range m.entries {
		exports.bytes(EntryName(n))
		exports.op(0)
		exports.u32(uint32(fnFirst + n))
	}

	if m.repeats {
		exports.bytes(RepeatName)
		exports.op(0)
		exports.u32(uint32(fnFirst + n))
	}

	code.u32(uint32(more + n))
	code.sized(saveBody(m.c.target))
	code.sized(keepBody(m.c.target))
	bodies = make([]Span, n)
	from := 0
	for i, to := range m.ends {
		code.u32(uint32(to - from))
		code.b = append(code.b, m.code.b[from:to]...)
		bodies[i] = Span{code.pos() - (to - m.begins[i]), code.pos()}
		from = to
	}
	if m.repeats {
		code.sized(m.repeatBody())
	}
	e.section(1, &types)
	e.section(2, &imports)
	e.section(3, &funcs)
	e.section(7, &exports)
	e.section(10, &code)
	for i := range bodies {
		bodies[i].Start += e.pos() - len(code.b)
		bodies[i].End += e.pos() - len(code.b)
	}
	return e.b, bodies
}

func (e *encoder) funcType(params, results []byte) {
	e.op(0x60)
	e.bytes(string(params))
	e.bytes(string(results))
}

// saveBody puts the registers, the passes of may_goto and an op into the
// context: what the run is resumed with.
func saveBody(t Target) *encoder {
	var e encoder
	e.u32(0)
	for r := range uint32(isa.NumRegs) {
		e.i32(0)
		e.get(r)
		e.memory(opI64Store, t.Context+CtxRegs+8*r)
	}
	for n, at := range [...]uint32{CtxLoops, CtxExit} {
		e.i32(0)
		e.get(uint32(isa.NumRegs + n))
		e.memory(opI32Store, t.Context+at)
	}
	e.op(opEnd)
	return &e
}

// keepBody puts r6 to r9, the passes of may_goto and the op to go on at into
// the frame of r10, which is the first parameter.
func keepBody(t Target) *encoder {
	var e encoder
	e.u32(1)
	e.u32(1)
	e.op(typeI32)
	const frame = 7
	e.i32(0)
	e.memory(opI64Load, t.Context+CtxTop)
	e.get(0)
	e.op(opI64Sub, opI32WrapI64)
	e.i32(frameStride)
	e.op(opI32DivU)
	e.i32(FrameSize)
	e.op(opI32Mul)
	e.set(frame)
	for n := range uint32(4) {
		e.get(frame)
		e.get(1 + n)
		e.memory(opI64Store, t.Context+CtxFrames+8*n)
	}
	for n, at := range [...]uint32{FrameLoops, FrameOp} {
		e.get(frame)
		e.get(uint32(5 + n))
		e.memory(opI32Store, t.Context+CtxFrames+at)
	}
	e.op(opEnd)
	return &e
}

// repeatBody runs the first entry again and again.
func (m *module) repeatBody() *encoder {
	var e encoder
	at := m.c.target.Context
	e.u32(0)
	e.op(opLoop, typeVoid)
	each(m.c.u.Ops[0].In|ir.Bit(isa.R10), func(r uint8) {
		e.i32(0)
		e.i32(0)
		e.memory(opI64Load, at+CtxBegin+8*uint32(r))
		e.memory(opI64Store, at+CtxRegs+8*uint32(r))
	})
	for _, field := range [...]uint32{CtxLoops, CtxNull} {
		e.i32(0)
		e.i32(0)
		e.memory(opI32Store, at+field)
	}
	e.callFunc(fnFirst)
	e.ifThen(typeVoid)
	e.get(0)
	e.op(opReturn, opEnd)
	e.get(0)
	e.i32(1)
	e.op(opI32Sub)
	e.tee(0)
	e.br(opBrIf, 0)
	e.op(opEnd)
	e.i32(0)
	e.op(opEnd)
	return &e
}

// MemoryModule is a module that exports a memory of fixed size, which modules
// of programs import.
func MemoryModule(pages uint32) []byte {
	e := encoder{b: []byte{0, 'a', 's', 'm', 1, 0, 0, 0}}
	var memory, exports encoder
	memory.op(1, 1)
	memory.u32(pages)
	memory.u32(pages)
	exports.u32(1)
	exports.bytes("memory")
	exports.op(2, 0)
	e.section(5, &memory)
	e.section(7, &exports)
	return e.b
}

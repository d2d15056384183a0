package wasm

import (
	"skep/jit/ir"
	"skep/vm/isa"
)

// body is the function that is being emitted: an entry, or a function of the
// program.
type body struct {
	encoder
	*module
	u      *ir.Unit
	target Target
	heads  []int32

	isEntry bool
	sig     signature
	g       *graph
	l       locals
	state   [isa.NumRegs - 1]uint8
	cur     int32 // op being lowered

	nesting  int32   // blocks, loops and ifs that are open
	labelAt  []int32 // by block: how many lie around the one that leads to it forward, -1 when none does
	loopAt   []int32 // and back
	dispatch bool
	deep     bool
	begin    int // where the instructions begin
	marks    []mark
	err      error
}

// mark is where an op begins.
type mark struct{ op, at int32 }

func (b *body) mark(op int32) { b.marks = append(b.marks, mark{op, int32(b.pos())}) }

func (b *body) fail(o *ir.Op) {
	if b.err == nil {
		b.err = &ir.Error{Slot: int(o.Slot), Msg: "wasm has no code for it"}
	}
}

// emit writes the body that begins at op.
func (b *body) emit(op int32) error {
	b.g = b.flow.build(op)
	n := len(b.g.blocks)
	if n > maxDispatch {
		return &ir.Error{Slot: int(b.u.Ops[op].Slot), Msg: "wasm: the function has more than 20,000 blocks"}
	}
	for i := range b.g.blocks {
		b.budget -= int(b.g.blocks[i].end - b.g.blocks[i].first)
	}
	if b.budget < 0 {
		return &ir.Error{Slot: int(b.u.Ops[op].Slot), Msg: "wasm: functions share too much code"}
	}
	b.declare()
	b.begin = b.pos()
	b.prologue(op)
	b.labelAt, b.loopAt = make([]int32, n), make([]int32, n)
	for i := range n {
		b.labelAt[i], b.loopAt[i] = -1, -1
	}
	start := b.pos()
	if b.dispatch = !b.g.reducible; b.dispatch || !b.structured() {
		b.b, b.marks, b.nesting = b.b[:start], b.marks[:0], 0
		for i := range n {
			b.labelAt[i], b.loopAt[i] = -1, -1
		}
		b.dispatch = true
		b.dispatched()
	}
	b.op(opUnreachable, opEnd)
	return b.err
}

// declare numbers the locals and writes their declaration.
func (b *body) declare() {
	next := uint32(0)
	take := func(at *uint32) { *at = next; next++ }
	l := &b.l
	if !b.isEntry {
		each(b.sig.params, func(r uint8) { take(&l.wide[r]) })
		take(&l.wide[isa.R10])
		take(&l.fuel)
	}
	first := next
	for r := range l.wide {
		if b.isEntry || r < isa.R10 && b.sig.params&ir.Bit(uint8(r)) == 0 {
			take(&l.wide[r])
		}
	}
	take(&l.addr)
	take(&l.old)
	take(&l.key)
	b.keepWindows(take)
	wide := next - first
	first = next
	for r := range l.half {
		take(&l.half[r])
	}
	take(&l.fp)
	take(&l.loops)
	take(&l.at)
	take(&l.n)
	take(&l.ref)
	take(&l.slot)
	if b.isEntry {
		take(&l.fuel)
	}
	b.u32(2)
	b.u32(wide)
	b.op(typeI64)
	b.u32(next - first)
	b.op(typeI32)
}

// prologue loads what an entry begins with.
func (b *body) prologue(op int32) {
	if b.isEntry {
		each(b.u.Ops[op].In|ir.Bit(isa.R10), func(r uint8) {
			b.load64(CtxRegs + 8*uint32(r))
			b.set(b.l.wide[r])
		})
		b.load32(CtxFuel)
		b.set(b.l.fuel)
		b.load32(CtxLoops)
		b.set(b.l.loops)
	}
	b.get(b.l.wide[isa.R10])
	b.op(opI32WrapI64)
	b.set(b.l.fp)
	b.refreshAll()
}

// load64 and load32 push a field of the context.
func (b *body) load64(at uint32) {
	b.i32(0)
	b.memory(opI64Load, b.target.Context+at)
}

func (b *body) load32(at uint32) {
	b.i32(0)
	b.memory(opI32Load, b.target.Context+at)
}

// store puts what push pushes into a field of the context.
func (b *body) store(op byte, at uint32, push func()) {
	b.i32(0)
	push()
	b.memory(op, b.target.Context+at)
}

func (b *body) saveFuel() {
	b.store(opI32Store, CtxFuel, func() { b.get(b.l.fuel) })
}

// save puts everything into the context, to be resumed at op.
func (b *body) save(op int32) {
	for r := uint8(0); r < isa.NumRegs; r++ {
		b.get64(r)
	}
	b.get(b.l.loops)
	b.i32(op)
	b.callFunc(fnSave)
}

// unwind returns from the body with word that the run is elsewhere.
func (b *body) unwind() {
	if b.isEntry {
		b.i32(Left)
		b.op(opReturn)
		return
	}
	each(b.sig.results, func(uint8) { b.i64(0) })
	b.i32(leftFuel)
	b.op(opReturn)
}

// leftFuel is what a function returns as the fuel when it has been left.
const leftFuel = -1 << 31

// burn takes fuel for the loop or function that begins at op.
func (b *body) burn(op int32) {
	b.get(b.l.fuel)
	b.i32(b.heads[op])
	b.op(opI32Sub)
	b.tee(b.l.fuel)
	b.i32(0)
	b.op(opI32LtS)
	b.ifThen(typeVoid)
	b.save(op)
	b.store(opI32Store, CtxReason, func() { b.i32(int32(ReasonFuel)) })
	b.unwind()
	b.op(opEnd)
}

// end returns from the function.
func (b *body) end() {
	if b.isEntry {
		regs := ir.Bit(isa.R0)
		if !b.u.Facts.Accepted {
			regs |= argRegs
		}
		each(regs, func(r uint8) { b.store(opI64Store, CtxRegs+8*uint32(r), func() { b.get64(r) }) })
		b.saveFuel()
		b.i32(Done)
	} else {
		each(b.sig.results, b.get64)
		b.get(b.l.fuel)
	}
	b.op(opReturn)
}

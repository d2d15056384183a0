package progen

import "skep/vm/isa"

var jmpOps = []uint8{
	isa.JmpEq, isa.JmpGt, isa.JmpGe, isa.JmpSet, isa.JmpNe, isa.JmpSgt, isa.JmpSge,
	isa.JmpLt, isa.JmpLe, isa.JmpSlt, isa.JmpSle,
}

// compare emits a conditional jump on a number, its offset to be patched.
func (g *gen) compare() int {
	class := uint8(isa.ClassJMP)
	if g.chance(0.35) {
		class = isa.ClassJMP32
	}
	i := isa.Insn{Op: class | jmpOps[g.rnd.Intn(len(jmpOps))], Dst: g.number()}
	if g.chance(0.5) {
		i.Imm = g.imm()
	} else {
		i.Op |= isa.SrcX
		i.Src = g.number()
	}
	return g.emit(i)
}

func (g *gen) patch(at int) { g.p.Insns[at].Off = int16(len(g.p.Insns) - at - 1) }

// state is what two paths must agree on where they meet.
type state struct {
	kinds  [isa.NumRegs]kind
	mapOf  [isa.NumRegs]int
	slots  [numSlots]kind
	proved int
}

func (g *gen) save() state { return state{g.kinds, g.mapOf, g.slots, g.proved} }

// join keeps what holds on both paths.
func (g *gen) join(s state) {
	for r := range g.kinds {
		a, b := g.kinds[r], s.kinds[r]
		switch {
		case a == b && (a != value || g.mapOf[r] == s.mapOf[r]):
		case (a == scalar || a == small) && (b == scalar || b == small):
			g.kinds[r] = scalar
		default:
			g.kinds[r] = unset
		}
	}
	for i := range g.slots {
		if g.slots[i] != s.slots[i] {
			g.slots[i] = unset
		}
	}
	g.proved = min(g.proved, s.proved)
}

// branch is an if, with or without else.
func (g *gen) branch() {
	if g.depth >= 3 {
		return
	}
	g.depth++
	defer func() { g.depth-- }()
	at := g.compare()
	before := g.save()
	for range 1 + g.rnd.Intn(3) {
		g.snippet()
	}
	switch {
	case g.chance(0.2) && !g.fixed: // leave the function
		g.leave()
		g.patch(at)
		g.kinds, g.mapOf, g.slots, g.proved = before.kinds, before.mapOf, before.slots, before.proved
	case g.chance(0.4):
		then := g.save()
		skip := g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpA})
		g.patch(at)
		g.kinds, g.mapOf, g.slots, g.proved = before.kinds, before.mapOf, before.slots, before.proved
		for range 1 + g.rnd.Intn(3) {
			g.snippet()
		}
		g.emit(isa.Insn{Op: movK64, Dst: isa.R0, Imm: int32(g.rnd.Intn(8))}) // a skip over nothing would be dead weight
		g.set(isa.R0, scalar)
		g.patch(skip)
		g.join(then)
	default:
		g.patch(at)
		g.join(before)
	}
}

// loop counts a register up to a small bound.
func (g *gen) loop() {
	if g.depth >= 2 || g.fixed || g.cfg.Unprivileged && !g.bad() {
		return
	}
	c := uint8(isa.R9)
	if g.keep&(1<<c) != 0 {
		return
	}
	g.depth++
	g.emit(isa.Insn{Op: movK64, Dst: c})
	g.kinds[c] = scalar
	g.keep |= 1 << c
	g.fixed = true
	head := len(g.p.Insns)
	for range 1 + g.rnd.Intn(3) {
		g.snippet()
	}
	if !g.bad() {
		g.emit(isa.Insn{Op: addK64, Dst: c, Imm: int32(1 + g.rnd.Intn(2))})
	}
	ops := []uint8{isa.JmpLt, isa.JmpNe, isa.JmpSlt}
	n := int32(2 * (1 + g.rnd.Intn(12)))
	at := g.emit(isa.Insn{Op: isa.ClassJMP | ops[g.rnd.Intn(3)], Dst: c, Imm: n})
	g.p.Insns[at].Off = int16(head - at - 1)
	g.fixed = false
	g.keep &^= 1 << c
	g.depth--
	for r := range g.kinds { // small numbers may have grown from round to round
		if g.kinds[r] == small {
			g.kinds[r] = scalar
		}
	}
}

// localCall calls a function of the program with numbers.
func (g *gen) localCall() {
	if g.cfg.NoCalls || g.inSub || g.fixed {
		return
	}
	for r := uint8(isa.R1); r <= isa.R2; r++ {
		if src := g.number(); src != r {
			g.emit(isa.Insn{Op: movX64, Dst: r, Src: src})
		}
		g.kinds[r] = scalar
	}
	g.calls = append(g.calls, g.emit(isa.Insn{Op: call, Src: isa.PseudoCall}))
	g.clobber()
	g.kinds[isa.R0] = scalar
}

// clobber forgets what a call destroys.
func (g *gen) clobber() {
	for r := isa.R0; r <= isa.R5; r++ {
		g.kinds[r] = unset
	}
}

// subprograms appends the functions that were called.
func (g *gen) subprograms() {
	g.functions(g.calls, [isa.NumRegs]kind{isa.R1: scalar, isa.R2: scalar, isa.R10: frame}, nil)
	g.functions(g.ptrCalls, [isa.NumRegs]kind{isa.R2: scalar, isa.R10: frame}, (*gen).through)
	g.callback = true
	g.functions(g.loads, [isa.NumRegs]kind{isa.R10: frame}, (*gen).swapped)
}

// functions appends one or two functions for the calls, and links them. first
// is a snippet that each begins with.
func (g *gen) functions(calls []int, args [isa.NumRegs]kind, first func(*gen)) {
	if len(calls) == 0 {
		return
	}
	n := 1 + g.rnd.Intn(2)
	var starts []int
	for range min(n, len(calls)) {
		starts = append(starts, len(g.p.Insns))
		g.p.Funcs = append(g.p.Funcs, Func{len(g.p.Insns), g.callback})
		g.kinds = args
		g.slots = [numSlots]kind{}
		g.keep, g.proved, g.inSub, g.depth = 0, 0, true, 1
		if first != nil {
			g.keep = 1 << isa.R1
			first(g)
			g.keep = 0
		}
		for range 2 + g.rnd.Intn(5) {
			g.snippet()
		}
		g.finish()
	}
	for i, at := range calls {
		g.p.Insns[at].Imm = int32(starts[i%len(starts)] - at - 1)
	}
}

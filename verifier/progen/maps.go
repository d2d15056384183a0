package progen

import "skep/vm/isa"

// Helpers that are called, by number (UAPI enum bpf_func_id).
const (
	mapLookup   = 1
	mapUpdate   = 2
	mapDelete   = 3
	ktimeGetNs  = 5
	prandomU32  = 7
	smpCPU      = 8
	skbLoad     = 26
	xdpLoad     = 189
	keySlot     = 6 // stack slots that hold keys and buffers for helpers
	valueBuffer = 7
)

func (g *gen) loadMap(r uint8, m int) {
	w := isa.Wide(r, isa.PseudoMapFD, uint64(m))
	g.emit(w[0])
	g.emit(w[1])
}

// key writes a key to the stack and points r at it.
func (g *gen) key(r uint8, m int) {
	n := int32(g.rnd.Intn(6)) // sometimes behind the last element
	g.emit(isa.Insn{Op: isa.ClassST | isa.ModeMem | isa.SizeDW, Dst: isa.R10, Off: slotOff(keySlot), Imm: n})
	g.slots[keySlot] = scalar
	g.emit(isa.Insn{Op: movX64, Dst: r, Src: isa.R10})
	off := int32(slotOff(keySlot))
	if g.bad() {
		off += int32(g.rnd.Intn(80)) - 16
	}
	g.emit(isa.Insn{Op: addK64, Dst: r, Imm: off})
}

// mapLookup leaves a checked pointer to a value in a register.
func (g *gen) mapLookup() {
	if g.cfg.NoHelpers || g.fixed {
		return
	}
	m := g.rnd.Intn(3)
	g.key(isa.R2, m)
	g.loadMap(isa.R1, m)
	g.emit(isa.Insn{Op: call, Imm: mapLookup})
	g.clobber()
	if !g.bad() {
		if g.inSub || g.chance(0.5) {
			g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpNe, Dst: isa.R0, Off: 2})
			g.emit(isa.Insn{Op: movK64, Dst: isa.R0, Imm: int32(g.rnd.Intn(2))})
			g.emit(isa.Insn{Op: exit})
		} else { // use it inside the branch only
			at := g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpEq, Dst: isa.R0})
			size, off := g.access(int(g.p.Maps[m].Value))
			g.store2(size, isa.R0, off)
			g.patch(at)
			return
		}
	}
	g.kinds[isa.R0], g.mapOf[isa.R0] = value, m
	if g.chance(0.6) && g.keep&(1<<isa.R9) == 0 {
		g.emit(isa.Insn{Op: movX64, Dst: isa.R9, Src: isa.R0})
		g.kinds[isa.R9], g.mapOf[isa.R9] = value, m
	}
}

// store2 stores an immediate: safe where no number is at hand.
func (g *gen) store2(size, dst uint8, off int16) {
	g.emit(isa.Insn{Op: isa.ClassST | isa.ModeMem | size, Dst: dst, Off: off, Imm: g.imm()})
}

// mapAccess reads or writes a value, at a fixed or a variable offset.
func (g *gen) mapAccess() {
	r, ok := g.pick(value)
	if !ok {
		return
	}
	n := int(g.p.Maps[g.mapOf[r]].Value)
	idx, have := g.pick(small)
	if have && !g.fixed && g.chance(0.4) && idx != r && g.keep&(1<<idx) == 0 {
		p := g.target(scalar)
		if p == r || p == idx {
			return
		}
		if !g.bad() { // 4-byte steps inside the value
			g.emit(isa.Insn{Op: andK64, Dst: idx, Imm: 4})
		}
		g.emit(isa.Insn{Op: movX64, Dst: p, Src: r})
		g.emit(isa.Insn{Op: addX64, Dst: p, Src: idx})
		g.kinds[p] = unset
		g.load(isa.SizeW, p, p, 0)
		return
	}
	size, off := g.access(n)
	if g.chance(0.5) {
		g.store(size, r, off)
	} else {
		g.load(size, g.target(scalar), r, off)
	}
}

func (g *gen) mapUpdate() {
	if g.cfg.NoHelpers || g.fixed {
		return
	}
	m := 1 // the hash: arrays have fixed elements
	g.key(isa.R2, m)
	g.loadMap(isa.R1, m)
	if g.chance(0.3) {
		g.emit(isa.Insn{Op: call, Imm: mapDelete})
	} else {
		v, ok := g.pick(value)
		if !ok || g.mapOf[v] != m || v <= isa.R2 {
			return
		}
		g.emit(isa.Insn{Op: movX64, Dst: isa.R3, Src: v})
		g.emit(isa.Insn{Op: movK64, Dst: isa.R4, Imm: int32(g.rnd.Intn(3))})
		g.emit(isa.Insn{Op: call, Imm: mapUpdate})
	}
	g.clobber()
	g.kinds[isa.R0] = scalar
}

var atomicOps = []int32{
	isa.OpAdd, isa.OpOr, isa.OpAnd, isa.OpXor,
	isa.OpAdd | isa.AtomicFetch, isa.OpOr | isa.AtomicFetch, isa.OpAnd | isa.AtomicFetch, isa.OpXor | isa.AtomicFetch,
	isa.AtomicXchg, isa.AtomicCmpxchg,
}

// atomic works on a stack slot or a map value.
func (g *gen) atomic() {
	dst, off := uint8(isa.R10), slotOff(g.rnd.Intn(numSlots))
	if v, ok := g.pick(value); ok && g.chance(0.5) {
		dst, off = v, 0
	} else if g.slots[-off/8-1] != scalar && !g.bad() {
		return
	}
	src := g.number()
	op := atomicOps[g.rnd.Intn(len(atomicOps))]
	if op&isa.AtomicFetch != 0 && (g.keep&(1<<src) != 0 || src == isa.R10) {
		return
	}
	if op == isa.AtomicCmpxchg && g.kinds[isa.R0] != scalar && !g.bad() {
		return
	}
	size := uint8(isa.SizeDW)
	if g.chance(0.4) {
		size = isa.SizeW
	}
	g.emit(isa.Insn{Op: isa.ClassSTX | isa.ModeAtomic | size, Dst: dst, Src: src, Off: off, Imm: op})
	if op == isa.AtomicCmpxchg {
		g.set(isa.R0, scalar)
	} else if op&isa.AtomicFetch != 0 {
		g.set(src, scalar)
	}
}

// helperCall calls one of the helpers without maps.
func (g *gen) helperCall() {
	if g.cfg.NoHelpers || g.fixed {
		return
	}
	id := int32(smpCPU)
	switch g.rnd.Intn(4) {
	case 0:
		if !g.cfg.Harmless {
			id = ktimeGetNs
		}
	case 1:
		if !g.cfg.Harmless {
			id = prandomU32
		}
	case 2:
		if g.kinds[isa.R6] != ctx || g.inSub {
			return
		}
		id = skbLoad
		if g.p.Type == "xdp" {
			id = xdpLoad
		}
		g.emit(isa.Insn{Op: movX64, Dst: isa.R1, Src: isa.R6})
		g.emit(isa.Insn{Op: movK64, Dst: isa.R2, Imm: int32(g.rnd.Intn(80))})
		g.emit(isa.Insn{Op: movX64, Dst: isa.R3, Src: isa.R10})
		g.emit(isa.Insn{Op: addK64, Dst: isa.R3, Imm: int32(slotOff(valueBuffer))})
		n := int32(1 + g.rnd.Intn(8))
		if g.bad() {
			n = g.imm()
		}
		g.emit(isa.Insn{Op: movK64, Dst: isa.R4, Imm: n})
		if n == 8 {
			g.slots[valueBuffer] = scalar
		} else {
			g.slots[valueBuffer] = unset
		}
	default:
	}
	g.emit(isa.Insn{Op: call, Imm: id})
	g.clobber()
	g.kinds[isa.R0] = scalar
}

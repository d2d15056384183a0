package progen

import "skep/vm/isa"

// More helpers, by number.
const (
	tailCall       = 12
	skLookupTCP    = 84
	skRelease      = 86
	bpfLoop        = 181
	ringbufReserve = 131
	ringbufSubmit  = 132
	ringbufDiscard = 133
)

// Maps of Config.Rich, by index.
const (
	ringMap = 3 + iota
	progMap
)

// richMaps are the maps that Config.Rich adds.
var richMaps = []Map{{"ring", "ringbuf", 0, 0, 4096}, {"progs", "prog_array", 4, 4, 4}}

// richSnippets are added to snippets by Config.Rich.
var richSnippets []weighted

func init() {
	richSnippets = []weighted{
		{8, (*gen).stackArg},
		{5, (*gen).ringbuf},
		{2, (*gen).tailCall},
		{3, (*gen).ldAbs},
		{4, (*gen).mayGoto},
		{4, (*gen).socket},
	}
}

// stackArg calls a function with a pointer to a slot of this frame.
func (g *gen) stackArg() {
	if g.cfg.NoCalls || g.inSub || g.fixed {
		return
	}
	i := g.numberSlot()
	if src := g.number(); src != isa.R2 {
		g.emit(isa.Insn{Op: movX64, Dst: isa.R2, Src: src})
	}
	g.emit(isa.Insn{Op: movX64, Dst: isa.R1, Src: isa.R10})
	g.emit(isa.Insn{Op: addK64, Dst: isa.R1, Imm: int32(slotOff(i))})
	g.ptrCalls = append(g.ptrCalls, g.emit(isa.Insn{Op: call, Src: isa.PseudoCall}))
	g.clobber()
	g.kinds[isa.R0] = scalar
}

// numberSlot is a slot of this frame that holds a number.
func (g *gen) numberSlot() int {
	i := g.rnd.Intn(numSlots)
	if g.slots[i] != scalar && !g.bad() {
		g.emit(isa.Insn{Op: isa.ClassST | isa.ModeMem | isa.SizeDW, Dst: isa.R10, Off: slotOff(i), Imm: g.imm()})
		g.slots[i] = scalar
	}
	return i
}

// bpfLoop calls a function some times with its round and a pointer to a slot
// of this frame.
func (g *gen) bpfLoop() {
	if g.cfg.NoHelpers || g.inSub || g.fixed {
		return
	}
	i := g.numberSlot()
	if r, ok := g.pick(scalar, small); ok && g.chance(0.3) {
		g.emit(isa.Insn{Op: movX64, Dst: isa.R1, Src: r})
		g.emit(isa.Insn{Op: andK64, Dst: isa.R1, Imm: 15})
	} else {
		g.emit(isa.Insn{Op: movK64, Dst: isa.R1, Imm: int32(g.rnd.Intn(6))})
	}
	w := isa.Wide(isa.R2, isa.PseudoFunc, 0)
	g.loads = append(g.loads, g.emit(w[0]))
	g.emit(w[1])
	g.emit(isa.Insn{Op: movX64, Dst: isa.R3, Src: isa.R10})
	g.emit(isa.Insn{Op: addK64, Dst: isa.R3, Imm: int32(slotOff(i))})
	g.emit(isa.Insn{Op: movK64, Dst: isa.R4})
	g.emit(isa.Insn{Op: call, Imm: bpfLoop})
	g.clobber()
	g.kinds[isa.R0] = scalar
}

// swapped begins a callback: its arguments are those of through in the other
// order.
func (g *gen) swapped() {
	g.emit(isa.Insn{Op: movX64, Dst: isa.R0, Src: isa.R1})
	g.emit(isa.Insn{Op: movX64, Dst: isa.R1, Src: isa.R2})
	g.emit(isa.Insn{Op: movX64, Dst: isa.R2, Src: isa.R0})
	g.kinds[isa.R0], g.kinds[isa.R2] = scalar, scalar
	g.through()
}

// through uses the 8 bytes of the caller's stack that a function was given.
func (g *gen) through() {
	for range 1 + g.rnd.Intn(3) {
		size, off := g.access(8)
		switch g.rnd.Intn(4) {
		case 0:
			g.load(size, g.target(scalar), isa.R1, off)
		case 1:
			g.store2(size, isa.R1, off)
		case 2: // a copy on the callee's own stack, and back
			g.emit(isa.Insn{Op: isa.ClassSTX | isa.ModeMem | isa.SizeDW, Dst: isa.R10, Src: isa.R1, Off: -8})
			g.emit(isa.Insn{Op: isa.ClassLDX | isa.ModeMem | isa.SizeDW, Dst: isa.R1, Src: isa.R10, Off: -8})
			g.slots[0] = unset
		default:
			g.emit(isa.Insn{Op: isa.ClassSTX | isa.ModeMem | size, Dst: isa.R1, Src: g.number(), Off: off})
		}
	}
}

// ringbuf reserves a record, writes to it and gives it back.
func (g *gen) ringbuf() {
	if g.cfg.NoHelpers || g.fixed || g.inSub {
		return
	}
	n := 8 * (1 + g.rnd.Intn(4))
	g.loadMap(isa.R1, ringMap)
	g.emit(isa.Insn{Op: movK64, Dst: isa.R2, Imm: int32(n)})
	g.emit(isa.Insn{Op: movK64, Dst: isa.R3})
	g.emit(isa.Insn{Op: call, Imm: ringbufReserve})
	g.clobber()
	skip := -1
	if !g.bad() {
		skip = g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpEq, Dst: isa.R0})
	}
	for range g.rnd.Intn(4) {
		size, off := g.access(n)
		g.store2(size, isa.R0, off)
	}
	g.emit(isa.Insn{Op: movX64, Dst: isa.R1, Src: isa.R0})
	g.emit(isa.Insn{Op: movK64, Dst: isa.R2})
	if !g.bad() {
		g.emit(isa.Insn{Op: call, Imm: [...]int32{ringbufSubmit, ringbufDiscard}[g.rnd.Intn(2)]})
	}
	if skip >= 0 {
		g.patch(skip)
	}
}

// tailCall tries a program that is not there.
func (g *gen) tailCall() {
	if g.cfg.NoHelpers || g.fixed || g.inSub || g.kinds[isa.R6] != ctx {
		return
	}
	if src := g.number(); src != isa.R3 {
		g.emit(isa.Insn{Op: movX64, Dst: isa.R3, Src: src})
	}
	g.emit(isa.Insn{Op: movX64, Dst: isa.R1, Src: isa.R6})
	g.loadMap(isa.R2, progMap)
	g.emit(isa.Insn{Op: call, Imm: tailCall})
	g.clobber()
}

// ldAbs reads the packet as cBPF does; the context is in r6.
func (g *gen) ldAbs() {
	if g.fixed || g.inSub || g.kinds[isa.R6] != ctx || g.p.Type == "xdp" && !g.bad() {
		return
	}
	i := isa.Insn{Op: isa.ClassLD | isa.ModeAbs | sizes[g.rnd.Intn(3)], Imm: int32(g.rnd.Intn(64))}
	if r, ok := g.pick(scalar, small); ok && g.chance(0.4) {
		i.Op, i.Src = isa.ClassLD|isa.ModeInd|i.Op&0x18, r
	}
	g.emit(i)
	g.clobber()
	g.kinds[isa.R0] = scalar
}

// mayGoto is a loop that the kernel ends in time.
func (g *gen) mayGoto() {
	if g.depth >= 2 || g.fixed || g.inSub {
		return
	}
	g.depth++
	g.fixed = true
	head := g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpCond})
	for range 1 + g.rnd.Intn(2) {
		g.snippet()
	}
	at := g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpA})
	g.p.Insns[at].Off = int16(head - at - 1)
	g.patch(head)
	g.fixed = false
	g.depth--
	for r := range g.kinds {
		if g.kinds[r] == small {
			g.kinds[r] = scalar
		}
	}
}

// socket looks a TCP socket up and releases it.
func (g *gen) socket() {
	if g.cfg.NoHelpers || g.fixed || g.inSub || g.kinds[isa.R6] != ctx || g.p.Type == "socket_filter" && !g.bad() {
		return
	}
	for i := range 2 { // a struct bpf_sock_tuple of IPv4: 12 bytes
		g.emit(isa.Insn{Op: isa.ClassST | isa.ModeMem | isa.SizeDW, Dst: isa.R10, Off: slotOff(i), Imm: g.imm()})
		g.slots[i] = scalar
	}
	g.emit(isa.Insn{Op: movX64, Dst: isa.R1, Src: isa.R6})
	g.emit(isa.Insn{Op: movX64, Dst: isa.R2, Src: isa.R10})
	g.emit(isa.Insn{Op: addK64, Dst: isa.R2, Imm: -16})
	g.emit(isa.Insn{Op: movK64, Dst: isa.R3, Imm: 12})
	g.emit(isa.Insn{Op: movK64, Dst: isa.R4, Imm: -1}) // BPF_F_CURRENT_NETNS
	g.emit(isa.Insn{Op: movK64, Dst: isa.R5})
	g.emit(isa.Insn{Op: call, Imm: skLookupTCP})
	g.clobber()
	skip := -1
	if !g.bad() {
		skip = g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpEq, Dst: isa.R0})
	}
	if g.chance(0.6) {
		g.load(isa.SizeW, isa.R2, isa.R0, int16(4*g.rnd.Intn(5))) // bound_dev_if to mark
		g.kinds[isa.R2] = unset
	}
	g.emit(isa.Insn{Op: movX64, Dst: isa.R1, Src: isa.R0})
	if !g.bad() {
		g.emit(isa.Insn{Op: call, Imm: skRelease})
	}
	if skip >= 0 {
		g.patch(skip)
	}
	g.clobber()
}

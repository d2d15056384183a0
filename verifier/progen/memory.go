package progen

import "skep/vm/isa"

var sizes = []uint8{isa.SizeB, isa.SizeH, isa.SizeW, isa.SizeDW}

// access picks a width and an offset inside n bytes, aligned mostly.
func (g *gen) access(n int) (size uint8, off int16) {
	for range 8 {
		size = sizes[g.rnd.Intn(4)]
		b := isa.Insn{Op: size}.Bytes()
		if b > n {
			continue
		}
		o := g.rnd.Intn(n - b + 1)
		if !g.bad() {
			o &^= b - 1
		}
		if g.bad() {
			o += g.rnd.Intn(2*n+16) - n // perhaps outside
		}
		return size, int16(o)
	}
	return isa.SizeB, 0
}

func (g *gen) load(size, dst, src uint8, off int16) {
	mode := uint8(isa.ModeMem)
	if size != isa.SizeDW && g.chance(0.15) {
		mode = isa.ModeMemSX
	}
	g.emit(isa.Insn{Op: isa.ClassLDX | mode | size, Dst: dst, Src: src, Off: off})
	g.set(dst, scalar)
}

func (g *gen) store(size, dst uint8, off int16) {
	if g.chance(0.4) {
		g.emit(isa.Insn{Op: isa.ClassST | isa.ModeMem | size, Dst: dst, Off: off, Imm: g.imm()})
		return
	}
	g.emit(isa.Insn{Op: isa.ClassSTX | isa.ModeMem | size, Dst: dst, Src: g.number(), Off: off})
}

// slotOff is the offset of slot i from the frame pointer.
func slotOff(i int) int16 { return int16(-8 * (i + 1)) }

// stackStore writes a number or a part of one.
func (g *gen) stackStore() {
	i := g.rnd.Intn(numSlots)
	size, off := g.access(8)
	g.store(size, isa.R10, slotOff(i)+off)
	if size == isa.SizeDW && !g.fixed {
		g.slots[i] = scalar
	} else if k := g.slots[i]; k != unset && k != scalar && !g.fixed {
		g.slots[i] = unset // a spilled pointer is no more
	}
}

// stackLoad reads a slot that was written.
func (g *gen) stackLoad() {
	i := g.rnd.Intn(numSlots)
	if g.slots[i] != scalar && g.slots[i] != small && !g.bad() {
		return
	}
	size, off := g.access(8)
	g.load(size, g.target(scalar), isa.R10, slotOff(i)+off)
}

// spillFill stores a register of any kind and loads it back.
func (g *gen) spillFill() {
	if g.fixed {
		return
	}
	i := g.rnd.Intn(numSlots)
	if k := g.slots[i]; k != unset && g.chance(0.5) {
		r := g.target(k)
		g.emit(isa.Insn{Op: isa.ClassLDX | isa.ModeMem | isa.SizeDW, Dst: r, Src: isa.R10, Off: slotOff(i)})
		if k == value || k == packet {
			k = unset // which map, how many bytes: not kept for slots
		}
		g.set(r, k)
		return
	}
	r := uint8(g.rnd.Intn(isa.R10))
	if g.kinds[r] == unset && !g.bad() {
		return
	}
	g.emit(isa.Insn{Op: isa.ClassSTX | isa.ModeMem | isa.SizeDW, Dst: isa.R10, Src: r, Off: slotOff(i)})
	g.slots[i] = g.kinds[r]
}

// varStack reads the stack at an offset that only a range is known of.
func (g *gen) varStack() {
	if g.fixed || g.cfg.Unprivileged && !g.bad() {
		return
	}
	r, ok := g.pick(small)
	if !ok || g.keep&(1<<r) != 0 {
		return
	}
	for i := range 2 {
		g.emit(isa.Insn{Op: isa.ClassST | isa.ModeMem | isa.SizeDW, Dst: isa.R10, Off: slotOff(i), Imm: g.imm()})
		g.slots[i] = scalar
	}
	p := g.target(scalar)
	if p == r {
		return
	}
	if !g.bad() {
		g.emit(isa.Insn{Op: andK64, Dst: r, Imm: 8})
	}
	g.emit(isa.Insn{Op: movX64, Dst: p, Src: isa.R10})
	g.emit(isa.Insn{Op: addK64, Dst: p, Imm: -16})
	g.emit(isa.Insn{Op: addX64, Dst: p, Src: r})
	g.kinds[p] = unset
	if g.chance(0.5) {
		g.load(sizes[g.rnd.Intn(4)], p, p, 0)
	} else {
		g.store(sizes[g.rnd.Intn(4)], p, 0)
	}
}

// ctxFields are offsets of 4-byte fields that any program type may read.
func (g *gen) ctxFields() []int16 {
	switch g.p.Type {
	case "xdp":
		return []int16{12, 16} // ingress_ifindex, rx_queue_index
	case "sched_cls":
		return []int16{0, 8, 16} // len, mark, protocol
	}
	return []int16{0, 16}
}

func (g *gen) ctxLoad() {
	r, ok := g.pick(ctx)
	if !ok {
		return
	}
	f := g.ctxFields()
	off := f[g.rnd.Intn(len(f))]
	size := uint8(isa.SizeW)
	if g.bad() {
		off, size = int16(g.rnd.Intn(260)), sizes[g.rnd.Intn(4)]
	}
	g.load(size, g.target(scalar), r, off)
}

// loadPacket puts data and data_end into r7 and r8 and proves some bytes.
func (g *gen) loadPacket() {
	var data, end int16
	switch g.p.Type {
	case "xdp":
		data, end = 0, 4
	case "sched_cls":
		data, end = 76, 80
	default:
		return // a socket filter may not
	}
	load := func(dst uint8, off int16) {
		g.emit(isa.Insn{Op: isa.ClassLDX | isa.ModeMem | isa.SizeW, Dst: dst, Src: isa.R6, Off: off})
	}
	load(isa.R7, data)
	load(isa.R8, end)
	n := 14 + g.rnd.Intn(40)
	g.kinds[isa.R7], g.kinds[isa.R8] = packet, pktEnd
	g.keep |= 1<<isa.R7 | 1<<isa.R8
	if g.bad() {
		g.proved = n // claimed, not checked
		return
	}
	g.emit(isa.Insn{Op: movX64, Dst: isa.R2, Src: isa.R7})
	g.emit(isa.Insn{Op: addK64, Dst: isa.R2, Imm: int32(n)})
	g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpLe | isa.SrcX, Dst: isa.R2, Src: isa.R8, Off: 2})
	g.emit(isa.Insn{Op: movK64, Dst: isa.R0, Imm: 1})
	g.emit(isa.Insn{Op: exit})
	g.proved = n
}

func (g *gen) packetAccess() {
	r, ok := g.pick(packet)
	if !ok || g.proved == 0 {
		return
	}
	size, off := g.access(g.proved)
	if g.chance(0.3) {
		g.store(size, r, off)
	} else {
		g.load(size, g.target(scalar), r, off)
	}
}

// packetVariable walks a bounded number of bytes into the packet and checks
// again.
func (g *gen) packetVariable() {
	if g.fixed || g.proved == 0 || g.kinds[isa.R7] != packet {
		return
	}
	r, ok := g.pick(small)
	if !ok || g.keep&(1<<r) != 0 {
		return
	}
	p, q := g.target(scalar), g.target(scalar)
	if p == r || q == r || p == q {
		return
	}
	g.emit(isa.Insn{Op: movX64, Dst: p, Src: isa.R7})
	g.emit(isa.Insn{Op: addX64, Dst: p, Src: r})
	g.emit(isa.Insn{Op: movX64, Dst: q, Src: p})
	n := 1 + g.rnd.Intn(8)
	g.emit(isa.Insn{Op: addK64, Dst: q, Imm: int32(n)})
	skip := g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpGt | isa.SrcX, Dst: q, Src: isa.R8})
	if g.bad() {
		n++
	}
	size, off := g.access(n)
	g.kinds[p], g.kinds[q] = unset, unset
	g.emit(isa.Insn{Op: isa.ClassLDX | isa.ModeMem | size, Dst: p, Src: p, Off: off})
	g.p.Insns[skip].Off = int16(len(g.p.Insns) - skip - 1)
	// On one path p is a pointer, on the other a number: not usable.
}

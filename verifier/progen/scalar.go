package progen

import "skep/vm/isa"

// constant loads a number.
func (g *gen) constant() {
	r := g.target(scalar)
	switch g.rnd.Intn(4) {
	case 0:
		w := isa.Wide(r, 0, g.rnd.Uint64()>>uint(g.rnd.Intn(64)))
		g.emit(w[0])
		g.emit(w[1])
	case 1:
		g.emit(isa.Insn{Op: isa.ClassALU | isa.OpMov | isa.SrcK, Dst: r, Imm: g.imm()})
	default:
		g.emit(isa.Insn{Op: movK64, Dst: r, Imm: g.imm()})
	}
	g.set(r, scalar)
}

var aluOps = []uint8{
	isa.OpAdd, isa.OpSub, isa.OpMul, isa.OpDiv, isa.OpOr, isa.OpAnd, isa.OpLsh, isa.OpRsh,
	isa.OpNeg, isa.OpMod, isa.OpXor, isa.OpMov, isa.OpArsh,
}

// arith does one operation of any width on numbers.
func (g *gen) arith() {
	dst := g.number()
	if g.keep&(1<<dst) != 0 || dst == isa.R10 {
		return
	}
	class := uint8(isa.ClassALU64)
	width := int32(64)
	if g.chance(0.4) {
		class, width = isa.ClassALU, 32
	}
	op := aluOps[g.rnd.Intn(len(aluOps))]
	i := isa.Insn{Op: class | op, Dst: dst}
	switch {
	case op == isa.OpNeg:
	case g.chance(0.5):
		i.Imm = g.imm()
		switch op {
		case isa.OpLsh, isa.OpRsh, isa.OpArsh:
			if !g.bad() {
				i.Imm = int32(g.rnd.Intn(int(width)))
			}
		case isa.OpDiv, isa.OpMod:
			if i.Imm == 0 && !g.bad() {
				i.Imm = 3
			}
		}
	default:
		i.Op |= isa.SrcX
		i.Src = g.number()
	}
	switch {
	case (op == isa.OpDiv || op == isa.OpMod) && g.chance(0.3):
		i.Off = isa.OffSigned
	case op == isa.OpMov && i.Op&isa.SrcX != 0 && g.chance(0.4):
		widths := []int16{8, 16, 32}
		i.Off = widths[g.rnd.Intn(int(width/32)+1)]
	}
	g.emit(i)
	k := scalar
	if op == isa.OpMov && i.Off == 0 && i.Op&isa.SrcX != 0 && class == isa.ClassALU64 {
		k = g.kinds[i.Src]
		g.mapOf[dst] = g.mapOf[i.Src]
	}
	g.set(dst, k)
}

// bound makes a number small by a mask, a modulus or a shift.
func (g *gen) bound() {
	r := g.number()
	if g.keep&(1<<r) != 0 || r == isa.R10 {
		return
	}
	switch g.rnd.Intn(3) {
	case 0:
		g.emit(isa.Insn{Op: andK64, Dst: r, Imm: int32(1)<<uint(g.rnd.Intn(6)) - 1})
	case 1:
		g.emit(isa.Insn{Op: isa.ClassALU64 | isa.OpMod | isa.SrcK, Dst: r, Imm: int32(1 + g.rnd.Intn(60))})
	default:
		g.emit(isa.Insn{Op: isa.ClassALU64 | isa.OpRsh | isa.SrcK, Dst: r, Imm: int32(58 + g.rnd.Intn(6))})
	}
	g.set(r, small)
	if g.fixed && g.kinds[r] == unset {
		g.kinds[r] = scalar // small is a number too
	}
}

// byteSwap reverses or truncates.
func (g *gen) byteSwap() {
	r := g.number()
	if g.keep&(1<<r) != 0 || r == isa.R10 {
		return
	}
	ops := []uint8{isa.ClassALU | isa.OpEnd | isa.SrcK, isa.ClassALU | isa.OpEnd | isa.SrcX, isa.ClassALU64 | isa.OpEnd | isa.SrcK}
	g.emit(isa.Insn{Op: ops[g.rnd.Intn(3)], Dst: r, Imm: int32(16) << uint(g.rnd.Intn(3))})
	g.set(r, scalar)
}

// oddity is something that a compiler would not write.
func (g *gen) oddity() {
	if !g.bad() && !g.chance(g.cfg.Bad*4) {
		return
	}
	switch g.rnd.Intn(6) {
	case 0: // any bytes
		g.emit(isa.Insn{Op: uint8(g.rnd.Intn(256)), Dst: uint8(g.rnd.Intn(12)), Src: uint8(g.rnd.Intn(12)), Off: int16(g.rnd.Intn(16)), Imm: g.imm()})
	case 1: // a reserved field
		g.emit(isa.Insn{Op: movK64, Dst: isa.R0, Off: 1})
	case 2: // a jump that goes too far
		g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpA, Off: 3000})
	case 3: // the frame pointer as a target
		g.emit(isa.Insn{Op: movK64, Dst: isa.R10})
	case 4: // a helper that does not exist
		g.emit(isa.Insn{Op: call, Imm: int32(100000 + g.rnd.Intn(10))})
	default: // code that is never reached
		g.emit(isa.Insn{Op: isa.ClassJMP | isa.JmpA, Off: 1})
		g.emit(isa.Insn{Op: movK64, Dst: isa.R0})
	}
}
